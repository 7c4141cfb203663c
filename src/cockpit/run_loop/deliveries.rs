//! What comes of the run: the past in portions, then what happens.

use std::time::Instant;

use super::Cockpit;
use crate::{
    cockpit::{app::Effect, feed::Delivery, pace::Change},
    run::event::LogLevel,
};

impl Cockpit {
    pub(super) fn deliver(&mut self, delivery: Delivery) -> Option<Effect> {
        self.pace.note(Change::of_delivery(&delivery));
        match delivery {
            Delivery::Records(records) => {
                let effect = records.iter().fold(None, |effect, record| self.app.record(record).or(effect));
                self.app.arrived();
                self.begin();
                effect
            }
            Delivery::Portion(records) => {
                // What is past is nothing to act upon, nor to give notice of.
                for record in &records {
                    let _ = self.app.record(record);
                }
                self.app.came(records.len());
                if self.app.tape().is_some() {
                    // A replay plays what is there.
                    self.begin();
                } else if !self.begun {
                    self.app.ui.toast = None;
                }
                None
            }
            Delivery::Coming { records, left_out } => {
                self.app.expect(records, left_out);
                None
            }
            Delivery::Anew => {
                self.app.forget();
                None
            }
            Delivery::Failed(error) => {
                self.app.run.say(None, LogLevel::Error, error.to_string());
                None
            }
            Delivery::Presence(presence) => {
                self.app.see(&presence);
                None
            }
            Delivery::NoTrainer => {
                // A replay shows what was, not what is.
                if self.app.tape().is_none() {
                    self.app.run.no_trainer();
                }
                None
            }
            Delivery::Closed => self.app.trainer_gone(),
        }
    }

    /// The past is here, or as much of it as is needed.
    fn begin(&mut self) {
        if self.begun {
            return;
        }
        // What is past is nothing to give notice of.
        if self.app.tape().is_none() {
            self.app.ui.toast = None;
        }
        self.app.begin();
        self.begun = true;
        self.pace.open(Instant::now());
        self.pace.note(Change::Awaited);
    }
}
