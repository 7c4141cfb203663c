//! A past run, read to be seen beside the one on show.

use std::{fmt, sync::Arc};

use super::{App, History, Work, state::RunView};
use crate::run::event::LogLevel;

/// A past run by its name and its stored records.
#[derive(Clone)]
pub struct PastRun {
    name: String,
    history: Arc<dyn History>,
}

impl PastRun {
    /// The run of a name, with what its store says.
    pub fn new(name: impl Into<String>, history: Arc<dyn History>) -> Self {
        Self { name: name.into(), history }
    }

    /// Reads it, and draws it under the run on show.
    pub fn work(self) -> Work {
        Work::new("past run", move |_| {
            let read = self.history.since(0).map(|records| RunView::replay(&records).into_curves());
            move |app: &mut App| match read {
                Ok(curves) if curves.timeline().last_step().is_none() => {
                    app.toast(LogLevel::Warn, format!("{} has no step to be drawn", self.name));
                }
                Ok(curves) => app.set_ghost(self.name, curves),
                Err(error) => app.toast(LogLevel::Error, format!("{}: {error}", self.name)),
            }
        })
    }
}

impl fmt::Debug for PastRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PastRun").field(&self.name).finish()
    }
}
