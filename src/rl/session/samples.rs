//! What people need beside the samples of questions: the tables that they ask about.

use super::{Learner, Session, TrainError};
use crate::{
    data::schema::read_schema,
    run::event::{DatabaseSchema, Event, GroupScored},
};

impl<L: Learner> Session<'_, L> {
    /// Reports the tables of each database that samples are about, once, before its first sample.
    pub(super) fn tell_tables(&mut self, groups: &[GroupScored]) -> Result<(), TrainError> {
        for group in groups {
            if self.told.insert(group.db_id.clone()) {
                self.tell_tables_of(&group.db_id)?;
            }
        }
        Ok(())
    }

    /// What cannot be read is only not shown: where it matters, the prompt has failed before.
    fn tell_tables_of(&mut self, db_id: &str) -> Result<(), TrainError> {
        let Some(database) = self.trainer.database(db_id) else { return Ok(()) };
        match read_schema(database) {
            Ok(schema) => {
                let told = DatabaseSchema { db_id: db_id.to_owned(), text: schema.text() };
                self.reporter.report(Event::Schema(told))?;
            }
            Err(error) => tracing::warn!("cannot show the tables of {}: {error}", database.display()),
        }
        Ok(())
    }
}
