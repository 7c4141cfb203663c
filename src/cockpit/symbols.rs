//! The signs that the screen is drawn with, in Unicode or in ASCII.

use ratatui::symbols::border;

use super::text::Cleaner;

/// One set of signs.
#[derive(Debug, Clone, Copy)]
pub struct Symbols {
    /// Whether only ASCII may be used.
    pub ascii: bool,
    /// Frames.
    pub border: border::Set<'static>,
    /// A right answer.
    pub right: &'static str,
    /// A wrong answer.
    pub wrong: &'static str,
    /// The selected row.
    pub cursor: &'static str,
    /// Where something was cut off.
    pub ellipsis: &'static str,
    /// Between things of a kind.
    pub dot: &'static str,
    /// From here to there.
    pub to: &'static str,
    /// The done part of a gauge.
    pub full: &'static str,
    /// The rest of a gauge.
    pub rest: &'static str,
    /// A rule.
    pub rule: &'static str,
    /// A held-out evaluation in a chart.
    pub eval: &'static str,
    /// Something happened at a step, on the upper and the lower frame of a chart.
    pub tick: [&'static str; 2],
    /// The same, where something went wrong.
    pub alarm: &'static str,
    /// The same, where somebody changed something.
    pub change: &'static str,
    /// The cursor over charts.
    pub line: &'static str,
    /// Between columns of a table.
    pub column: &'static str,
    /// Running.
    pub running: &'static str,
    /// Being played.
    pub playing: &'static str,
    /// Waiting.
    pub paused: &'static str,
    /// On its way to another state.
    pub turning: &'static str,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Symbols {
    /// Signs for terminals that show Unicode.
    pub const UNICODE: Self = Self {
        ascii: false,
        border: border::ROUNDED,
        right: "✓",
        wrong: "✗",
        cursor: "▸",
        ellipsis: "…",
        dot: "·",
        to: "→",
        full: "█",
        rest: "░",
        rule: "─",
        eval: "◆",
        column: "│",
        tick: ["┬", "┴"],
        alarm: "!",
        change: "±",
        line: "│",
        running: "●",
        playing: "▶",
        paused: "‖",
        turning: "◌",
    };

    /// Signs for all others.
    pub const ASCII: Self = Self {
        ascii: true,
        border: ASCII_BORDER,
        right: "+",
        wrong: "x",
        cursor: ">",
        ellipsis: "..",
        dot: "-",
        to: "->",
        full: "#",
        rest: ".",
        rule: "-",
        eval: "o",
        column: "|",
        tick: ["+", "+"],
        alarm: "!",
        change: "~",
        line: "|",
        running: "*",
        playing: ">",
        paused: "=",
        turning: "~",
    };

    /// The signs that fit the locale; `lookup` gives the value of an environment variable.
    pub fn detect(lookup: impl Fn(&str) -> Option<String>) -> &'static Self {
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| lookup(name).filter(|value| !value.is_empty()));
        let unicode = locale.is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        });
        if unicode { &Self::UNICODE } else { &Self::ASCII }
    }

    /// The cleaner that leaves only what these signs' terminal shows.
    pub fn cleaner(&self) -> Cleaner {
        Cleaner { ascii: self.ascii }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        let ascii = |vars: &[(&str, &str)]| {
            Symbols::detect(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())).ascii
        };
        assert!(!ascii(&[("LANG", "de_DE.UTF-8")]));
        assert!(!ascii(&[("LC_ALL", ""), ("LANG", "C.utf8")]));
        assert!(ascii(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(ascii(&[]));
    }
}
