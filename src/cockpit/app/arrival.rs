//! A run's past while it is still coming.

use super::App;
use crate::cockpit::state::RunView;

/// How much of the past has come.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    come: u64,
    of: u64,
}

impl App {
    /// So many records of the past will come, and so many groups of it will not.
    pub fn expect(&mut self, records: u64, left_out: u64) {
        self.run.leave_out(left_out);
        self.arrival = Some(Arrival { come: 0, of: records });
    }

    /// So many have come.
    pub fn came(&mut self, records: usize) {
        if let Some(arrival) = &mut self.arrival {
            arrival.come += records as u64;
        }
    }

    /// All of them have.
    pub fn arrived(&mut self) {
        self.arrival = None;
    }

    /// What has come is void, and comes anew.
    pub fn forget(&mut self) {
        (self.run, self.arrival) = (RunView::default(), None);
    }

    /// Which share of the past is here, as long as that is not all.
    pub fn arrival(&self) -> Option<f64> {
        self.arrival.map(|Arrival { come, of }| come as f64 / of.max(1) as f64)
    }
}
