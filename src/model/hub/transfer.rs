//! One file after the other, from the hub into the cache.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{Entry, Hub, Progress, Wanted};
use crate::model::ModelError;

/// Times that a transfer is taken up again without having come any further.
const TRIES: u32 = 3;
/// Read at a time.
const CHUNK: usize = 256 << 10;

/// Files on their way.
pub(super) struct Transfer<'a, 'p> {
    pub(super) hub: &'a Hub,
    pub(super) wanted: &'a Wanted,
    pub(super) commit: &'a str,
    /// Bytes of files that are there.
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) progress: &'a mut Progress<'p>,
}

/// Why a transfer ended early.
enum Broken {
    /// The connection; taking it up again may help.
    Connection(String),
    /// Anything else.
    Final(ModelError),
}

impl Transfer<'_, '_> {
    fn error(&self, problem: String) -> ModelError {
        ModelError::NotFound { wanted: self.wanted.repository.clone(), problem }
    }

    /// Fetches a file, or what is missing of it, and puts it into the snapshot.
    pub(super) fn entry(&mut self, entry: &Entry) -> Result<(), ModelError> {
        let name = &entry.rfilename;
        let hash = entry.hash().ok_or_else(|| self.error(format!("the hub tells no hash of {name}")))?;
        let blob = self.hub.cache.blob(self.wanted, hash).map_err(|problem| self.error(problem))?;
        if !blob.is_file() {
            if let Some(folder) = blob.parent() {
                fs::create_dir_all(folder).map_err(|e| ModelError::io("create", folder, e))?;
            }
            let partial = blob.with_extension("incomplete");
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&partial);
            let mut file = file.map_err(|e| ModelError::io("open", &partial, e))?;
            // Another process may be at it; it may be done when this one gets the lock.
            file.lock().map_err(|e| ModelError::io("lock", &partial, e))?;
            if !blob.is_file() {
                self.complete(entry, &mut file, &partial)?;
                self.verify(entry, &mut file, &partial)?;
                fs::rename(&partial, &blob).map_err(|e| ModelError::io("rename", &partial, e))?;
            }
        }
        self.done += entry.bytes();
        self.hub.cache.link(self.wanted, self.commit, name, hash)
    }

    /// Takes the transfer up until all is there.
    fn complete(&mut self, entry: &Entry, file: &mut File, partial: &Path) -> Result<(), ModelError> {
        let mut tries = 0;
        loop {
            let before = length(file, partial)?;
            if before == entry.bytes() {
                return Ok(());
            }
            let problem = match self.run(entry, file, partial, before) {
                Ok(()) => String::from("the connection ended early"),
                Err(Broken::Connection(problem)) => problem,
                Err(Broken::Final(error)) => return Err(error),
            };
            let after = length(file, partial)?;
            if after >= entry.bytes() {
                return Ok(());
            }
            tries = if after > before { 1 } else { tries + 1 };
            if tries == TRIES {
                return Err(self.error(format!(
                    "the transfer of {} broke off after {after} of {} bytes: {problem}; start again to go on from there, or, without a \
                     network, {}",
                    entry.rfilename,
                    entry.bytes(),
                    Hub::by_hand(self.wanted)
                )));
            }
            tracing::warn!("{}: {problem}; going on from byte {after}", entry.rfilename);
        }
    }

    /// One request, from byte `start` on.
    fn run(&mut self, entry: &Entry, file: &mut File, partial: &Path, start: u64) -> Result<(), Broken> {
        let disk = |e: io::Error| Broken::Final(ModelError::io("write", partial, e));
        let path = format!("{}/resolve/{}/{}", self.wanted.repository, self.commit, entry.rfilename);
        let mut request = self.hub.get(&path);
        if start > 0 {
            request = request.header("range", format!("bytes={start}-"));
        }
        let mut answer = request.call().map_err(|e| Broken::Connection(format!("cannot reach the hub: {e}")))?;
        let status = answer.status().as_u16();
        match status {
            416 => {
                // It may have the range after a new start.
                file.set_len(0).map_err(disk)?;
                return Err(Broken::Connection("the hub has no such part of the file".into()));
            }
            500.. => return Err(Broken::Connection(format!("the hub answers with status {status}"))),
            _ => self.hub.check_status(status).map_err(|problem| Broken::Final(self.error(problem)))?,
        }
        // A server that does not know ranges sends all.
        let start = if status == 206 { start } else { 0 };
        file.set_len(start).map_err(disk)?;
        file.seek(SeekFrom::Start(start)).map_err(disk)?;
        let mut reader = answer.body_mut().as_reader();
        let (mut buffer, mut at) = (vec![0; CHUNK], start);
        loop {
            let read = reader.read(&mut buffer).map_err(|e| Broken::Connection(self.interruption(&e)))?;
            if read == 0 {
                return Ok(());
            }
            file.write_all(&buffer[..read]).map_err(disk)?;
            at += read as u64;
            if at > entry.bytes() {
                let _ = fs::remove_file(partial);
                let problem =
                    format!("{} is longer than the {} bytes that the hub told", entry.rfilename, entry.bytes());
                return Err(Broken::Final(self.error(problem)));
            }
            self.tell(at).map_err(Broken::Final)?;
        }
    }

    /// Why no more bytes came.
    fn interruption(&self, error: &io::Error) -> String {
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        match cause {
            Some(ureq::Error::Timeout(_)) => {
                format!("the hub has sent nothing for {} (HF_HUB_DOWNLOAD_TIMEOUT)", seconds(self.hub.patience))
            }
            _ => error.to_string(),
        }
    }

    /// Tells how far the transfer is; an error if it is to end.
    fn tell(&mut self, of_file: u64) -> Result<(), ModelError> {
        let done = self.done + of_file;
        if (self.progress)(done, self.total).is_break() {
            return Err(self.error("its transfer was broken off; start again to go on from there".into()));
        }
        Ok(())
    }

    /// Large files have the SHA-256 that the hub told; a file that has another is removed, so that the next try starts anew.
    fn verify(&self, entry: &Entry, file: &mut File, partial: &Path) -> Result<(), ModelError> {
        let name = &entry.rfilename;
        let wrong = |problem: String| {
            let _ = fs::remove_file(partial);
            Err(self.error(format!("{problem}; it was removed, start again to fetch it anew")))
        };
        let length = length(file, partial)?;
        if length != entry.bytes() {
            return wrong(format!("{name} has {length} bytes, not {}", entry.bytes()));
        }
        let Some(lfs) = &entry.lfs else { return Ok(()) };
        let read = |e| ModelError::io("read", partial, e);
        file.seek(SeekFrom::Start(0)).map_err(read)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer).map_err(read)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        let found = hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        if found.eq_ignore_ascii_case(&lfs.sha256) {
            return Ok(());
        }
        wrong(format!("{name} has the SHA-256 {found}, not {}", lfs.sha256))
    }
}

/// A span of time as people set it.
fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

fn length(file: &File, path: &Path) -> Result<u64, ModelError> {
    file.metadata().map(|found| found.len()).map_err(|e| ModelError::io("look at", path, e))
}
