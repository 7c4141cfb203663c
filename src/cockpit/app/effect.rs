//! What a key may ask of the loop around the app.

use crate::cockpit::work::Work;

/// What the loop around the app has to do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Write the curves as a picture.
    Export,
    /// Draw the whole screen anew.
    Redraw,
    /// Suspend the process.
    Suspend,
    /// Write the screen as pictures and text.
    Screenshot,
    /// Show the themes at hand.
    Themes,
    /// Take the theme of a name.
    Theme(String),
    /// Take the mouse, or give it back.
    Mouse,
    /// Do some work on another thread, and give the app its result.
    Work(Work),
    /// Leave the cockpit.
    Leave(Leave),
}

/// Why the cockpit was left by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// No trainer was at work.
    Quit,
    /// The run was stopped from here, and the trainer said that it ended.
    Stopped,
    /// Training goes on.
    Detached,
    /// The run was stopped from here, and the person did not wait for its end.
    Unwaited,
}
