//! What becomes of a trainer when its user logs out, and where viewers find it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use super::{finding::Finding, surroundings::Surroundings};

/// Folders with logind's configuration, the strongest first.
const FOLDERS: [&str; 4] = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

/// Whether logind kills what a user leaves behind.
pub fn logind(around: &Surroundings) -> Finding {
    const NAME: &str = "session";
    if !around.at("/run/systemd/system").exists() {
        return Finding::ok(NAME, "no systemd here: nothing ends a detached trainer at logout");
    }
    let user = around.user.clone().unwrap_or_default();
    let settings = logind_settings(around);
    let names = |key: &str| -> Vec<String> {
        settings.get(key).map(|list| list.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
    };
    let (only, spared) = (names("KillOnlyUsers"), names("KillExcludeUsers"));
    // systemd's own defaults spare root.
    let is_spared = spared.contains(&user) || (!settings.contains_key("KillExcludeUsers") && user == "root");
    let is_meant = only.is_empty() || only.contains(&user);
    let lingers = !user.is_empty() && around.at("/var/lib/systemd/linger").join(&user).exists();
    let lingering = if lingers { "lingering is on" } else { "lingering is off" };
    match settings.get("KillUserProcesses").map(String::as_str) {
        Some("yes" | "true" | "1" | "on") if is_meant && !is_spared => Finding::warn(
            NAME,
            format!(
                "logind ends this user's processes at logout (KillUserProcesses=yes), detached ones too; {lingering}"
            ),
            format!(
                "{}start with `systemd-run --user --scope sqlr1-tui ...`, which is outside the session",
                if lingers { "" } else { "`loginctl enable-linger` once, then " }
            ),
        ),
        Some("yes" | "true" | "1" | "on") => {
            Finding::ok(NAME, "logind spares this user: a detached trainer outlives the session")
        }
        Some(_) => {
            Finding::ok(NAME, format!("KillUserProcesses=no: a detached trainer outlives the session; {lingering}"))
        }
        None => Finding::ok(
            NAME,
            format!("KillUserProcesses is not set, which most distributions take for no; {lingering}"),
        ),
    }
}

/// logind's settings: those of the strongest main file, then of the drop-ins, by name, whatever folder they are in; of files of the
/// same name the strongest one hides the others (systemd's logind.conf manual page).
fn logind_settings(around: &Surroundings) -> BTreeMap<String, String> {
    let main = FOLDERS.iter().find_map(|folder| around.read(&format!("{folder}/logind.conf")));
    let mut drop_ins = BTreeMap::<String, PathBuf>::new();
    for folder in FOLDERS {
        let entries = fs::read_dir(around.at(&format!("{folder}/logind.conf.d"))).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "conf")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            drop_ins.entry(name).or_insert(path);
        }
    }
    let texts = main.into_iter().chain(drop_ins.values().filter_map(|path| fs::read_to_string(path).ok()));
    let mut settings = BTreeMap::new();
    for text in texts {
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '['])) {
            if let Some((key, value)) = line.split_once('=') {
                settings.insert(key.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
    settings
}

/// Whether a socket can be put where viewers look for it: the session's runtime folder, else a folder of the user's under `temporary`.
pub fn sockets(around: &Surroundings, temporary: &Path) -> Finding {
    const NAME: &str = "sockets";
    let runtime = around.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usable = runtime.as_ref().filter(|path| path.is_absolute() && is_own(path, around.uid));
    let (folder, why) = match (usable, &runtime) {
        (Some(path), _) => (path.clone(), String::new()),
        (None, Some(path)) => {
            (temporary.to_owned(), format!(" (XDG_RUNTIME_DIR {} is not this user's)", path.display()))
        }
        (None, None) => (temporary.to_owned(), " (XDG_RUNTIME_DIR is not set)".to_owned()),
    };
    let socket = folder.join(format!(".sqlr1-doctor-{}.sock", std::process::id()));
    let bound = UnixListener::bind(&socket);
    // It may not be there.
    let _ = fs::remove_file(&socket);
    match bound {
        Ok(_) => Finding::ok(NAME, format!("{}{why}", folder.display())),
        Err(error) => Finding::fail(
            NAME,
            format!("no socket can be put into {}{why}: {error}", folder.display()),
            "set XDG_RUNTIME_DIR to a folder of your own on a local disk, with a short path",
        ),
    }
}

fn is_own(path: &Path, uid: u32) -> bool {
    fs::metadata(path)
        .is_ok_and(|found| found.is_dir() && found.uid() == uid && found.permissions().mode() & 0o022 == 0)
}
