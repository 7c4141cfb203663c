//! Where sockets lie, and who may use them.
//!
//! `$XDG_RUNTIME_DIR/sqlr1-tui`, or else `/tmp/sqlr1-tui-UID`: local and short, as sockets demand, which run folders on network
//! homes are not. The folder is the user's alone (0700), the socket too (0600), and each side asks the system who the other is.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use tokio::net::{UnixListener, UnixStream};

use super::error::{RemoteError, io_error};

/// Bytes that the path of a socket may have; the system's own limit is 108, or 104 on macOS.
const MOST_PATH: usize = 100;
/// Bytes of the run folder's hash in a socket's name, in hexadecimal twice as many characters.
const HASH: usize = 8;

/// The folder for this user's sockets: made if it is not there, checked if it is.
///
/// # Errors
/// It cannot be made, or others could put something into it.
pub fn folder() -> Result<PathBuf, RemoteError> {
    let path = runtime_folder(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/sqlr1-tui-{}", geteuid().as_raw())));
    make_private(&path)?;
    Ok(path)
}

/// The folder in the session's runtime folder, if that is one: after `su` it can be another user's, and in a container missing.
fn runtime_folder(runtime: Option<PathBuf>) -> Option<PathBuf> {
    let runtime = runtime.filter(|path| path.is_absolute())?;
    let found = fs::metadata(&runtime).ok()?;
    let folder = runtime.join("sqlr1-tui");
    let fits = folder.as_os_str().len() + HASH * 2 + ".sock/".len() <= MOST_PATH;
    (found.is_dir() && found.uid() == geteuid().as_raw() && fits).then_some(folder)
}

fn make_private(path: &Path) -> Result<(), RemoteError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io_error("make the folder for sockets", path)(error)),
    }
    let found = fs::symlink_metadata(path).map_err(io_error("look at", path))?;
    let mode = found.mode() & 0o777;
    let why = if !found.is_dir() {
        "it is no folder".to_owned()
    } else if found.uid() != geteuid().as_raw() {
        format!("it belongs to another user (uid {})", found.uid())
    } else if mode & 0o077 != 0 {
        format!("others may use it (mode {mode:o})")
    } else {
        return Ok(());
    };
    Err(RemoteError::Unsafe { path: path.to_owned(), why })
}

/// The socket of the trainer of a run, whose folder is given by its absolute path.
pub fn path(folder: &Path, run: &Path) -> PathBuf {
    let hash = Sha256::digest(run.as_os_str().as_bytes());
    let name = hash.iter().take(HASH).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    folder.join(format!("{name}.sock"))
}

/// Listens on a socket, in the place of one that a killed trainer of the same run has left. To be called on a tokio runtime.
///
/// # Errors
/// Somebody listens there, or the system refuses.
pub fn listen(path: &Path) -> Result<UnixListener, RemoteError> {
    if let Ok(found) = fs::symlink_metadata(path) {
        if found.file_type().is_socket() && std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(RemoteError::Busy(path.to_owned()));
        }
        fs::remove_file(path).map_err(io_error("remove the stale socket", path))?;
    }
    let listener = UnixListener::bind(path).map_err(io_error("listen on", path))?;
    // Nobody else can reach it in between: its folder is the user's alone.
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io_error("protect", path))?;
    Ok(listener)
}

/// The owner of the process at the other end, if that is not this process's user.
///
/// # Errors
/// The system does not say.
pub fn stranger(stream: &UnixStream) -> io::Result<Option<u32>> {
    let owner = stream.peer_cred()?.uid();
    Ok((owner != geteuid().as_raw()).then_some(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_ones_own_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sockets");
        make_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        make_private(&path).unwrap();
        for mode in [0o750, 0o701, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = make_private(&path).unwrap_err();
            assert!(error.to_string().contains(&format!("mode {mode:o}")), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(make_private(&link).unwrap_err().to_string().contains("no folder"), "links lead anywhere");
    }

    #[test]
    fn a_runtime_folder_that_is_none_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().to_owned();
        assert_eq!(runtime_folder(Some(own.clone())), Some(own.join("sqlr1-tui")));
        let long = own.join("a".repeat(MOST_PATH));
        fs::create_dir(&long).unwrap();
        for unusable in [None, Some("relative".into()), Some(own.join("missing")), Some(long)] {
            assert_eq!(runtime_folder(unusable), None);
        }
    }

    #[tokio::test]
    async fn a_stale_socket_makes_room_and_a_living_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), Path::new("/some/run"));
        let first = listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(listen(&path), Err(RemoteError::Busy(_))));
        drop(first);
        assert!(path.exists(), "the file of a killed trainer stays");
        listen(&path).unwrap();
    }
}
