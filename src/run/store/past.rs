//! Parts of a long run: what a viewer starts from, and the groups of some steps.
//!
//! Nearly all of a run's bytes are its groups. Who looks at a run needs all else, and the newest of them; older ones are read when
//! they are asked for.

use std::{
    ops::{ControlFlow, RangeInclusive},
    path::Path,
};

use rusqlite::{OptionalExtension as _, params};

use super::{Reading, RunStore, StoreError, error::is_damage, reading, rows};
use crate::run::event::{Event, GroupScored};

/// The past of a run as a viewer needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// All records but older groups.
    pub reading: Reading,
    /// How many groups were left in the store.
    pub left_out: u64,
}

impl RunStore {
    /// All records but groups older than the newest `groups` ones. Of a store whose tables contradict each other everything is read, so
    /// that all damage is found.
    ///
    /// # Errors
    /// As [`RunStore::read`].
    pub fn past(&self, groups: usize) -> Result<Past, StoreError> {
        match self.try_past(groups) {
            Ok(Some(past)) => past,
            Ok(None) => Ok(Past { reading: self.read(0, usize::MAX)?, left_out: 0 }),
            Err(error) if is_damage(&error) => Ok(Past { reading: self.read(0, usize::MAX)?, left_out: 0 }),
            Err(error) => Err(StoreError::of(Path::new(&self.path), error)),
        }
    }

    /// `None` if everything is to be read.
    fn try_past(&self, groups: usize) -> rusqlite::Result<Option<Result<Past, StoreError>>> {
        // One state of the file for all queries: a trainer may be writing to it.
        let _view = self.db.unchecked_transaction()?;
        let Some(start) = self.oldest_wanted(groups)? else { return Ok(None) };
        let count = "SELECT count(*) FROM events WHERE type = 'group' AND seq < ?1";
        let left_out = self.db.query_row(count, [start], |row| row.get::<_, i64>(0))? as u64;
        let mut reading = reading::Builder::new(&self.path);
        let mut others = 0;
        rows::but_groups(&self.db, self.version, start, &mut |row| {
            others += 1;
            reading.add(&row);
        })?;
        // Places run without gaps.
        if others + left_out != start as u64 - 1 {
            return Ok(None);
        }
        reading.pass_over(left_out);
        let broken = rows::scan(&self.db, self.version, (start as u64 - 1, usize::MAX), &mut |row| reading.add(&row))?;
        Ok(Some(reading.finish(broken).map(|reading| Past { reading, left_out })))
    }

    /// The place of the oldest of the newest `groups` groups; `None` if there are no more than that.
    fn oldest_wanted(&self, groups: usize) -> rusqlite::Result<Option<i64>> {
        if groups == 0 {
            return self.db.query_row("SELECT max(seq) + 1 FROM events", [], |row| row.get(0));
        }
        // From the table's end: there the wanted ones are, and the index would have to be sorted.
        let query = "SELECT seq FROM events NOT INDEXED WHERE type = 'group' ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        let offset = i64::try_from(groups - 1).unwrap_or(i64::MAX);
        self.db.query_row(query, [offset], |row| row.get(0)).optional()
    }

    /// Hands over the groups of some steps, by step, until told to stop. Those that a resumption made void are left out, and damaged ones.
    ///
    /// # Errors
    /// The store cannot be read, or not to its end.
    pub fn groups(
        &self,
        steps: &RangeInclusive<u64>,
        sink: &mut dyn FnMut(GroupScored) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let resumed: Vec<(u64, u64)> =
            self.of_kinds(&["run"])?.iter().filter_map(|record| Some((record.seq, record.event.step()?))).collect();
        let within = |step: u64| i64::try_from(step).unwrap_or(i64::MAX);
        let bounds = params![within(*steps.start()), within(*steps.end())];
        let read = rows::groups(&self.db, self.version, bounds, &mut |row| {
            let Some(Event::Group(group)) = row.body.as_deref().and_then(reading::event) else {
                return ControlFlow::Continue(());
            };
            let void = resumed.iter().any(|(seq, from)| *seq > row.seq && *from < group.step);
            if void { ControlFlow::Continue(()) } else { sink(*group) }
        });
        read.map_err(|source| StoreError::of(Path::new(&self.path), source))
    }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
