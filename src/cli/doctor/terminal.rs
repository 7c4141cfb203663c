//! What the terminal can show.

use super::{finding::Finding, surroundings::Surroundings};
use crate::cockpit::{Symbols, theme::ColorDepth};

/// The smallest size at which all panes are seen.
const COMFORT: (u16, u16) = (80, 24);

/// Size, colours and signs, the clipboard, and what lies in between.
pub fn findings(around: &Surroundings) -> Vec<Finding> {
    let Some(size) = around.terminal else {
        return vec![Finding::ok("terminal", "standard output is no terminal: train runs headless")];
    };
    vec![screen(around, size), clipboard(around)]
}

fn screen(around: &Surroundings, (columns, rows): (u16, u16)) -> Finding {
    let lookup = |name: &str| around.variable(name);
    let depth = match ColorDepth::detect(lookup) {
        ColorDepth::None => "no colours",
        ColorDepth::Ansi16 => "16 colours",
        ColorDepth::Ansi256 => "256 colours",
        ColorDepth::True => "24-bit colours",
    };
    let ascii = Symbols::detect(lookup).ascii;
    let signs = if ascii { "ASCII only" } else { "Unicode" };
    let term = around.variable("TERM").unwrap_or_else(|| "TERM not set".into());
    let inside = multiplexer(around).map(|name| format!(", inside {name}")).unwrap_or_default();
    let found = format!("{term}{inside}: {columns}x{rows}, {depth}, {signs}");
    if columns < COMFORT.0 || rows < COMFORT.1 {
        return Finding::warn(
            "terminal",
            found,
            "from 80x24 on all panes are seen at once; make the window larger or the letters smaller",
        );
    }
    if ascii {
        return Finding::warn(
            "terminal",
            found,
            "set a UTF-8 locale, as in LANG=C.UTF-8, if the terminal shows Unicode",
        );
    }
    Finding::ok("terminal", found)
}

fn multiplexer(around: &Surroundings) -> Option<&'static str> {
    if around.variable("TMUX").is_some() {
        Some("tmux")
    } else if around.variable("STY").is_some() {
        Some("screen")
    } else {
        None
    }
}

/// Whether OSC 52, by which a program in the terminal fills the clipboard, is likely to work. It cannot be asked for.
fn clipboard(around: &Surroundings) -> Finding {
    const NAME: &str = "clipboard";
    let lower = |name: &str| around.variable(name).unwrap_or_default().to_ascii_lowercase();
    let (program, term) = (lower("TERM_PROGRAM"), lower("TERM"));
    match multiplexer(around) {
        Some("tmux") => {
            return Finding::ok(NAME, "through tmux: OSC 52 works where `set -g set-clipboard on` is set");
        }
        Some(_) => return Finding::ok(NAME, "screen does not pass OSC 52 on: copy with the mouse"),
        None => {}
    }
    let knows = ["iterm", "wezterm", "kitty", "alacritty", "foot", "ghostty", "contour", "vscode"];
    let refuses = program.contains("apple_terminal") || around.variable("VTE_VERSION").is_some();
    let likely = !refuses
        && (knows.iter().any(|name| program.contains(name) || term.contains(name))
            || around.variable("WT_SESSION").is_some());
    let text = if likely { "OSC 52 is likely to work" } else { "OSC 52 may not work here: copy with the mouse" };
    Finding::ok(NAME, text)
}
