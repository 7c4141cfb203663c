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
use crate::run::event::{Event, GroupScored, Record};

/// A part of a run's past, handed over while the rest is still being read.
#[derive(Debug, Clone, PartialEq)]
pub enum Portion {
    /// How many records there are, and how many groups stay in the store. Comes first, if it is known.
    Coming {
        /// Records that will be handed over, if none is lost.
        records: u64,
        /// Groups that will not be.
        left_out: u64,
    },
    /// Records, oldest first.
    Records(Vec<Record>),
    /// What was handed over is to be forgotten: the store is damaged, and is read once more from its beginning.
    Anew,
}

/// Takes the portions of a past.
pub type PastSink<'a> = dyn FnMut(Portion) + 'a;

/// Records of a portion: few, so that there is soon something to be shown.
const PORTION: usize = 256;

impl RunStore {
    /// Hands over all records but groups older than the newest `groups` ones, in portions; what is to be said of them is returned. Of a
    /// store whose tables contradict each other everything is read, so that all damage is found.
    ///
    /// # Errors
    /// As [`RunStore::read`].
    pub fn past(&self, groups: usize, sink: &mut PastSink<'_>) -> Result<Reading, StoreError> {
        match self.lean(groups, sink) {
            Ok(Some(reading)) => reading,
            Ok(None) => self.whole(sink),
            Err(error) if is_damage(&error) => {
                sink(Portion::Anew);
                self.whole(sink)
            }
            Err(error) => Err(StoreError::of(Path::new(&self.path), error)),
        }
    }

    /// `None` if everything is to be read.
    fn lean(&self, groups: usize, sink: &mut PastSink<'_>) -> rusqlite::Result<Option<Result<Reading, StoreError>>> {
        if groups == usize::MAX {
            return Ok(None);
        }
        // One state of the file for all queries: a trainer may be writing to it.
        let _view = self.db.unchecked_transaction()?;
        let Some(start) = self.oldest_wanted(groups)? else { return Ok(None) };
        let count = |range: &str| {
            let query = format!("SELECT count(*) FROM events WHERE type {range} 'group' AND seq < ?1");
            self.db.query_row(&query, [start], |row| row.get::<_, i64>(0)).map(|count| count as u64)
        };
        let (left_out, others) = (count("=")?, count("<")? + count(">")?);
        // Places run without gaps.
        if others + left_out != start as u64 - 1 {
            return Ok(None);
        }
        sink(Portion::Coming { records: self.newest()?.saturating_sub(left_out), left_out });
        let mut reading = reading::Builder::new(&self.path);
        let mut found = 0;
        rows::but_groups(&self.db, self.version, start, &mut |row| {
            found += 1;
            hand_over(&mut reading, &row, sink);
        })?;
        if found != others {
            sink(Portion::Anew);
            return Ok(None);
        }
        reading.pass_over(left_out);
        let after = (start as u64 - 1, usize::MAX);
        let broken = rows::scan(&self.db, self.version, after, &mut |row| hand_over(&mut reading, &row, sink))?;
        Ok(Some(finish(reading, broken, sink)))
    }

    /// Hands over everything.
    fn whole(&self, sink: &mut PastSink<'_>) -> Result<Reading, StoreError> {
        // A store that cannot say how much it has is damaged, and has it told below.
        if let Ok(records) = self.newest() {
            sink(Portion::Coming { records, left_out: 0 });
        }
        let mut reading = reading::Builder::new(&self.path);
        let scan = rows::scan(&self.db, self.version, (0, usize::MAX), &mut |row| hand_over(&mut reading, &row, sink));
        finish(reading, scan.map_err(|source| StoreError::of(Path::new(&self.path), source))?, sink)
    }

    /// The newest record's place, 0 where there is none.
    fn newest(&self) -> rusqlite::Result<u64> {
        let newest = self.db.query_row("SELECT max(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0));
        newest.map(|seq| seq.map_or(0, i64::cast_unsigned))
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

fn hand_over(reading: &mut reading::Builder<'_>, row: &rows::Row, sink: &mut PastSink<'_>) {
    reading.add(row);
    if reading.waiting() >= PORTION {
        sink(Portion::Records(reading.take()));
    }
}

fn finish(
    reading: reading::Builder<'_>,
    broken: Option<rusqlite::Error>,
    sink: &mut PastSink<'_>,
) -> Result<Reading, StoreError> {
    let mut reading = reading.finish(broken)?;
    sink(Portion::Records(std::mem::take(&mut reading.records)));
    Ok(reading)
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
