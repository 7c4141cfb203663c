//! A store taken up again by a resumed trainer: whole, or rebuilt from what can be read of it.
//!
//! Checkpoints are the truth for training, the store for what is shown; so a damaged store never keeps a run from going on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Damage, RunStore, StoreError, connection, rows, schema};
use crate::run::atomic;

/// SQLite's files beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl RunStore {
    /// Opens the store of a run that goes on. A damaged one is moved aside as `run.db.damaged-N` and replaced by what can be read of it;
    /// the second value says so. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// The store is of a newer version, or neither it nor its replacement can be written.
    pub fn take_up(path: &Path) -> Result<(Self, Option<String>), StoreError> {
        let why = match Self::open(path) {
            Ok(store) => match store.verify() {
                Ok(()) => return Ok((store, None)),
                Err(StoreError::Damaged(damage)) => damage.why,
                Err(error) => return Err(error),
            },
            Err(StoreError::Damaged(damage)) => damage.why,
            Err(error) => return Err(error),
        };
        let failed = |source| StoreError::Rebuild { path: path.display().to_string(), source };
        let fresh = beside(path, ".rebuilt.tmp");
        remove(&fresh).map_err(failed)?;
        let damage = copy_readable(path, &fresh, why)?;
        let aside = set_aside(path).map_err(failed)?;
        fs::rename(&fresh, path).and_then(|()| atomic::sync_parent(path)).map_err(failed)?;
        let note = format!("{damage}; the damaged file is kept as {}, the run goes on with a new one", aside.display());
        Ok((Self::open(path)?, Some(note)))
    }

    /// Looks at every page and every event.
    fn verify(&self) -> Result<(), StoreError> {
        let path = Path::new(&self.path);
        let damaged = |why: String| StoreError::Damaged(Damage { path: self.path.clone(), why, read: 0, lost: 0 });
        let verdict: String = self
            .db
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|source| StoreError::of(path, source))?;
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
        let mut spoilt = 0;
        let broken = rows::scan(&self.db, self.version, (0, usize::MAX), &mut |row| {
            spoilt += u64::from(row.body.is_none());
        });
        match broken.map_err(|source| StoreError::of(path, source))? {
            Some(broken) => Err(damaged(broken.to_string())),
            None if spoilt > 0 => Err(damaged(format!("{spoilt} events are not as they were written"))),
            None => Ok(()),
        }
    }
}

/// Writes the readable events of a damaged store into a new one, with new places, so that they run without gaps.
fn copy_readable(from: &Path, to: &Path, why: String) -> Result<Damage, StoreError> {
    let wrap = |source| StoreError::of(to, source);
    let mut fresh = RunStore::open(to)?;
    let (mut places, mut failed) = (0, None);
    fresh.db.execute_batch("BEGIN").map_err(wrap)?;
    let read = each_readable(from, &mut |row| {
        places = places.max(row.seq);
        if failed.is_none()
            && let Err(error) = append_again(&mut fresh, row)
        {
            failed = Some(error);
        }
    });
    if let Some(error) = failed.or(read.err()) {
        return Err(error);
    }
    fresh.db.execute_batch("COMMIT").map_err(wrap)?;
    // Into one file, which a rename moves as a whole.
    fresh.db.pragma_update(None, "journal_mode", "DELETE").map_err(wrap)?;
    let read = fresh.last;
    fresh.db.close().map_err(|(_, source)| wrap(source))?;
    Ok(Damage { path: from.display().to_string(), why, read, lost: places.saturating_sub(read) })
}

/// Hands over the rows that can be read; of a file that cannot even be opened, none.
fn each_readable(path: &Path, sink: &mut dyn FnMut(rows::Row)) -> Result<(), StoreError> {
    let read = connection::reading(path).and_then(|db| {
        let version = schema::version(&db)?;
        rows::scan(&db, version, (0, usize::MAX), sink)
    });
    match read.map_err(|source| StoreError::of(path, source)) {
        Ok(_) | Err(StoreError::Damaged(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Events that this program does not know stay as they are.
fn append_again(store: &mut RunStore, row: rows::Row) -> Result<(), StoreError> {
    let Some((body, value)) = row.body.and_then(|b| serde_json::from_str::<Value>(&b).ok().map(|v| (b, v))) else {
        return Ok(());
    };
    let step = value["step"].as_u64().or_else(|| value["resumed_from"].as_u64());
    if let Some(kind) = value["type"].as_str() {
        store.insert(store.last + 1, row.time, kind, step, &body)?;
        store.last += 1;
    }
    Ok(())
}

/// Moves a damaged store out of the way, its log first: a log beside the new file would be taken for the new file's. The file itself
/// keeps its old name as well, until the new one takes it.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let free = (0..1000).map(|n| beside(path, &format!(".damaged-{n}"))).find(|p| !p.exists());
    let aside = free.ok_or_else(|| io::Error::other("there are a thousand damaged stores already; move them away"))?;
    for companion in COMPANIONS {
        match fs::rename(beside(path, companion), beside(&aside, companion)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // Where the file system has no hard links there is no store at all for a moment.
    fs::hard_link(path, &aside).or_else(|_| fs::rename(path, &aside))?;
    Ok(aside)
}

/// What a rebuilding that was killed has left.
fn remove(path: &Path) -> io::Result<()> {
    for leftover in COMPANIONS.iter().map(|companion| beside(path, companion)).chain([path.to_owned()]) {
        match fs::remove_file(leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The file with something added to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
