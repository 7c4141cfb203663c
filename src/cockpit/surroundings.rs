//! What the terminal says of itself when it is asked: its background, and how long an answer takes.

use std::time::{Duration, Instant};

use terminal_colorsaurus::{QueryOptions, background_color};

use super::theme::Ground;

/// How long an answer is waited for: a person waits for the first frame.
const PATIENCE: Duration = Duration::from_millis(100);
/// Time of an answer from which on a line counts as slow.
const SLOW: Duration = Duration::from_millis(60);

/// What is known of the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Its background; `None` if it does not say.
    pub ground: Option<Ground>,
    /// Whether the line to it is slow.
    pub slow: bool,
}

impl Surroundings {
    /// Asks the terminal (OSC 11, with the device attributes behind it as terminals that know no OSC 11 answer those).
    /// Must be over before keys are read.
    pub fn ask() -> Self {
        let mut options = QueryOptions::default();
        options.timeout = PATIENCE;
        let asked = Instant::now();
        let answer = background_color(options);
        let took = asked.elapsed();
        let ground = answer
            .as_ref()
            .ok()
            .map(|color| if color.perceived_lightness() > 0.5 { Ground::Light } else { Ground::Dark });
        // A terminal that says nothing may be near and ignorant: only an answer proves a slow line.
        Self { ground, slow: answer.is_ok() && took > SLOW }
    }
}
