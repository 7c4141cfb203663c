//! How long a cockpit takes from its beginning to a frame.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::time::sleep_until;

use super::watched::{Watched, milliseconds};
use crate::cockpit::{
    History,
    feed::{Delivery, Feed},
    pace::{Change, FIRST, Pace},
    theme::ThemeFile,
};

/// How a cockpit of a stored run starts. Milliseconds on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Start {
    /// Until the end of the first frame, with what was read by then.
    pub first_frame_ms: f64,
    /// Steps that are on it.
    pub first_frame_steps: u64,
    /// Until the end of the frame that shows the whole past.
    pub complete_ms: f64,
}

/// Reads a run as a cockpit does, and draws as it does meanwhile.
pub fn measure(history: Arc<dyn History>, theme: &ThemeFile, size: (u16, u16)) -> io::Result<Start> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let begun = Instant::now();
    let watched = Watched::new(theme, size)?;
    runtime.block_on(read(Feed::stored(history), watched, begun))
}

async fn read(mut feed: Feed, mut watched: Watched, begun: Instant) -> io::Result<Start> {
    let mut pace = Pace::new(Duration::ZERO, begun + FIRST);
    let mut first = None;
    loop {
        let due = pace.due().unwrap_or_else(|| Instant::now() + FIRST);
        let delivery = tokio::select! {
            biased;
            () = sleep_until(due.into()) => {
                watched.frame()?;
                pace.drawn(Instant::now());
                first.get_or_insert((milliseconds(begun.elapsed()), watched.app.run.step()));
                continue;
            }
            delivery = feed.next(watched.app.last_seq()) => delivery,
        };
        pace.note(Change::of_delivery(&delivery));
        match delivery {
            Delivery::Portion(records) => {
                for record in &records {
                    watched.fold(record);
                }
                watched.app.came(records.len());
            }
            Delivery::Records(records) => {
                for record in &records {
                    watched.fold(record);
                }
                watched.app.arrived();
                watched.frame()?;
                let complete_ms = milliseconds(begun.elapsed());
                let (first_frame_ms, first_frame_steps) = first.unwrap_or((complete_ms, watched.app.run.step()));
                return Ok(Start { first_frame_ms, first_frame_steps, complete_ms });
            }
            Delivery::Failed(error) => return Err(io::Error::other(error)),
            Delivery::Coming { records, left_out } => watched.app.expect(records, left_out),
            Delivery::Anew => watched.app.forget(),
            Delivery::Presence(_) | Delivery::NoTrainer | Delivery::Closed => {}
        }
    }
}
