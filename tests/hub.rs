//! Models from a hub, against one on this machine.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

#[allow(dead_code, clippy::print_stdout)] // Written for more than is used here.
#[path = "common/pty.rs"]
mod pty;
#[path = "common/hub.rs"]
mod server;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::json;
use server::{COMMIT, File, Server, Trouble};
use sqlr1_tui::model::hub::{Cache, Hub, Wanted};

fn tiny() -> Wanted {
    Wanted::parse("org/tiny").unwrap()
}

/// A model's files, not fit to be computed.
fn files() -> Vec<File> {
    let weights: Vec<u8> = (0..1_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    vec![
        File::plain("README.md", b"not fetched"),
        File::plain("config.json", b"{}"),
        File::plain("tokenizer.json", b"{ }"),
        File::large("model.safetensors", &weights),
        File::large("other.bin", b"not fetched"),
    ]
}

fn hub(endpoint: &str, home: &Path, token: Option<&str>) -> Hub {
    Hub::new(endpoint, token.map(str::to_owned), Cache::new(home.join("hub")), false, Duration::from_mins(1))
}

fn fetch(hub: &Hub) -> Result<PathBuf, String> {
    hub.fetch(&tiny(), &mut |_, _| ControlFlow::Continue(())).map_err(|e| e.to_string())
}

#[test]
fn a_model_is_fetched_once_and_lies_where_hugging_faces_tools_look() {
    let (home, server) = (tempfile::tempdir().unwrap(), Server::start(files(), Trouble::default()));
    let hub = hub(&server.endpoint, home.path(), None);
    assert_eq!(hub.cached(&tiny()), None);
    let mut heard = Vec::new();
    let mut listen = |done: u64, total: u64| {
        heard.push((done, total));
        ControlFlow::Continue(())
    };
    let folder = hub.fetch(&tiny(), &mut listen).unwrap();
    let root = home.path().join("hub/models--org--tiny");
    assert_eq!(folder, root.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let mut names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files()[3].content);
    let blob = fs::read_link(folder.join("model.safetensors")).unwrap();
    assert!(
        blob.starts_with("../../blobs")
            && blob.to_str().unwrap().ends_with(files()[3].entry["lfs"]["sha256"].as_str().unwrap())
    );
    assert_eq!(heard.last(), Some(&(1_000_005, 1_000_005)));
    assert!(heard.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    assert_eq!(hub.cached(&tiny()), Some(folder));
    let before = server.requests().len();
    fetch(&hub).unwrap();
    assert_eq!(server.requests().len(), before + 1, "only the list is asked for again");
}

#[test]
fn a_broken_transfer_is_taken_up_where_it_broke_off() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(files(), Trouble { cut: Some((400_000, 1)), ..Trouble::default() });
    let folder = fetch(&hub(&server.endpoint, home.path(), None)).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files()[3].content);
    let path = format!("/org/tiny/resolve/{COMMIT}/model.safetensors");
    assert_eq!(server.requests()[3..], [path.clone(), format!("{path} from 400000")]);
}

#[test]
fn a_hub_that_falls_silent_is_left_and_asked_for_the_rest() {
    let impatient = |endpoint: &str, home: &Path| {
        Hub::new(endpoint, None, Cache::new(home.join("hub")), false, Duration::from_secs(1))
    };
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(files(), Trouble { stall: Some((400_000, 1)), ..Trouble::default() });
    let folder = fetch(&impatient(&server.endpoint, home.path())).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files()[3].content);
    let path = format!("/org/tiny/resolve/{COMMIT}/model.safetensors");
    assert_eq!(server.requests()[3..], [path.clone(), format!("{path} from 400000")]);

    let home = tempfile::tempdir().unwrap();
    let dead = Server::start(files(), Trouble { stall: Some((0, usize::MAX)), ..Trouble::default() });
    let error = fetch(&impatient(&dead.endpoint, home.path())).unwrap_err();
    assert!(error.contains("has sent nothing for 1 s") && error.contains("start again to go on"), "{error}");
    assert_eq!(dead.requests().len(), 4, "the list and three tries: {:?}", dead.requests());
}

#[test]
fn what_was_transferred_outlives_the_process() {
    let home = tempfile::tempdir().unwrap();
    // The connection never holds.
    let failing = Server::start(files(), Trouble { cut: Some((0, usize::MAX)), ..Trouble::default() });
    let error = fetch(&hub(&failing.endpoint, home.path(), None)).unwrap_err();
    assert!(error.contains("broke off after 0 of 2 bytes") && error.contains("start again"), "{error}");
    let first = Server::start(files(), Trouble::default());
    let stop = &mut |done: u64, _: u64| if done > 50_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let error = hub(&first.endpoint, home.path(), None).fetch(&tiny(), stop).unwrap_err().to_string();
    assert!(error.contains("was broken off"), "{error}");
    let second = Server::start(files(), Trouble::default());
    fetch(&hub(&second.endpoint, home.path(), None)).unwrap();
    let requests = second.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].contains("model.safetensors from "), "{requests:?}");
}

#[test]
fn a_refusal_says_what_a_token_is_for() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(files(), Trouble { token: Some("secret".into()), ..Trouble::default() });
    let error = fetch(&hub(&server.endpoint, home.path(), None)).unwrap_err();
    assert!(error.contains("401") && error.contains("set HF_TOKEN"), "{error}");
    let error = fetch(&hub(&server.endpoint, home.path(), Some("wrong"))).unwrap_err();
    assert!(error.contains("does not accept the token"), "{error}");
    fetch(&hub(&server.endpoint, home.path(), Some("secret"))).unwrap();
}

#[test]
fn files_that_are_not_what_the_list_promised_do_not_count() {
    let weights = |change: fn(&mut File)| {
        let mut files = files();
        change(&mut files[3]);
        files
    };
    let wrong_hash: fn(&mut File) = |file| file.content[500] ^= 1;
    let too_long: fn(&mut File) = |file| file.content.extend(b"more");
    let too_short: fn(&mut File) = |file| file.content.truncate(990_000);
    for (change, expected) in [
        (wrong_hash, "has the SHA-256"),
        (too_long, "is longer than the 1000000 bytes"),
        (too_short, "broke off after 990000 of 1000000 bytes"),
    ] {
        let (home, server) = (tempfile::tempdir().unwrap(), Server::start(weights(change), Trouble::default()));
        let hub = hub(&server.endpoint, home.path(), None);
        let error = fetch(&hub).unwrap_err();
        assert!(error.contains(expected) && error.contains("org/tiny"), "{error}");
        assert_eq!(hub.cached(&tiny()), None);
    }
}

#[test]
fn hostile_lists_lead_nowhere() {
    let named = |entry: serde_json::Value| {
        let mut files = files();
        files[3].entry = entry;
        files
    };
    let size = 1_000_000;
    for (files, expected) in [
        (named(json!({"rfilename": "model.safetensors", "size": size, "blobId": "../../../../x"})), "as a hash"),
        (named(json!({"rfilename": "model.safetensors", "size": size})), "tells no hash"),
        (named(json!({"rfilename": "../../model.safetensors", "size": size})), "neither safetensors"),
        (vec![], "neither safetensors"),
        (files()[2..].to_vec(), "no config.json"),
        (vec![File::large("a.gguf", b"a"), File::large("b.gguf", b"b")], "name one behind the repository's name"),
    ] {
        let (home, server) = (tempfile::tempdir().unwrap(), Server::start(files, Trouble::default()));
        let error = fetch(&hub(&server.endpoint, home.path(), None)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn one_of_several_gguf_files_is_fetched_by_its_name() {
    let (home, wanted) = (tempfile::tempdir().unwrap(), Wanted::parse("org/tiny/b.gguf").unwrap());
    let server = Server::start(vec![File::large("a.gguf", b"a"), File::large("b.gguf", b"bb")], Trouble::default());
    let hub = hub(&server.endpoint, home.path(), None);
    let path = hub.fetch(&wanted, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((fs::read(&path).unwrap(), hub.cached(&wanted)), (b"bb".to_vec(), Some(path)));
    assert!(!server.requests().iter().any(|request| request.ends_with("a.gguf")));
}

/// `sqlr1-tui model info --model org/tiny --json`.
fn info(home: &Path, endpoint: &str) -> Output {
    command(home, endpoint, &["model", "info", "--model", "org/tiny", "--json"]).output().unwrap()
}

fn command(home: &Path, endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqlr1-tui"));
    command.args(words).current_dir(home);
    for name in ["HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"] {
        command.env_remove(name);
    }
    command.env("HF_HOME", home.join("hf")).env("XDG_CACHE_HOME", home.join("cache")).env("HF_ENDPOINT", endpoint);
    command
}

#[test]
fn a_terminal_shows_a_bar_that_gives_way_to_other_lines() {
    let home = tempfile::tempdir().unwrap();
    let model = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf")).unwrap();
    let cut = Some((model.len() / 2, 1));
    let trouble = Trouble { cut, pause: Duration::from_millis(150), ..Trouble::default() };
    let server = Server::start(vec![File::large("tiny.gguf", &model)], trouble);
    let command = command(home.path(), &server.endpoint, &["model", "info", "--model", "org/tiny"]);
    let Some(mut terminal) = pty::Pty::start(&command) else { return };
    terminal.wait_for("] ").wait_for(" MiB/s").wait_for("s left").wait_for("DONE");
    let (screen, text) = (terminal.screen(), terminal.text());
    let (code, _) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let bars: Vec<&str> = screen.lines().filter(|line| line.starts_with("org/tiny [")).collect();
    assert!(matches!(bars[..], [bar] if bar.contains("=] 100 %")), "{screen}");
    assert!(text.matches("org/tiny [").count() > 3, "{text}");
    let warning = screen.lines().find(|line| line.contains("going on from byte")).unwrap();
    assert!(warning.contains("WARN") && !warning.contains('['), "{screen}");
    assert!(screen.contains("llama"), "{screen}");
}

#[test]
fn the_program_fetches_from_where_the_environment_says_and_needs_no_network_then() {
    let home = tempfile::tempdir().unwrap();
    let model = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf")).unwrap();
    let server = Server::start(vec![File::large("tiny.gguf", &model)], Trouble::default());
    let output = info(home.path(), &server.endpoint);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((found["architecture"].as_str(), found["chat_template"].as_bool()), (Some("llama"), Some(true)));
    assert!(stderr.contains("100 %"), "{stderr}");
    assert!(home.path().join("hf/hub/models--org--tiny/refs/main").is_file());
    let again = info(home.path(), "http://127.0.0.1:1");
    assert!(again.status.success() && again.stdout == output.stdout);
}

#[test]
fn offline_the_program_says_what_to_place_where() {
    let home = tempfile::tempdir().unwrap();
    let output = info(home.path(), "http://127.0.0.1:1");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    let folder = home.path().join("cache/sqlr1-tui/models/org/tiny");
    for part in ["cannot reach http://127.0.0.1:1", "tokenizer.json", "one GGUF file", folder.to_str().unwrap()] {
        assert!(stderr.contains(part), "{stderr}");
    }
    fs::create_dir_all(&folder).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf"), folder.join("any.gguf")).unwrap();
    assert!(info(home.path(), "http://127.0.0.1:1").status.success());
}
