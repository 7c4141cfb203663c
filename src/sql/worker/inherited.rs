//! Files that a worker's ancestors left open for it.
//!
//! What this program opens is closed by the system when it starts another; but its own ancestors (a shell, a supervisor, an
//! SSH session's wrapper) may have left it terminals and sockets, and these go on to its workers. No safe function closes
//! a file by its number, since its owner may still use it. Here there is no owner: hence the one unsafe call.

use std::{fs, io, os::fd::RawFd};

/// The process's open files, by number.
const OPEN: &str = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
/// Stdin, stdout and stderr.
const STANDARD: RawFd = 3;

/// Closes every file but stdin, stdout and stderr. To be called before the program has opened any.
///
/// # Errors
/// The system does not list what is open.
pub fn close_all() -> io::Result<()> {
    let names = fs::read_dir(OPEN)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|&number| number >= STANDARD) {
        close(number);
    }
    Ok(())
}

#[expect(unsafe_code, reason = "a file without owner, see the module's text")]
fn close(number: RawFd) {
    // SAFETY: a worker closes what it was started with before it opens anything, so that nothing in it owns this file. The
    // directory's own number is closed by now: closing it again does nothing, as no other thread opens files yet.
    unsafe { rustix::io::close(number) }
}
