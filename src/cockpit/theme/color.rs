//! Colours as written in theme files, and their nearest kin on poorer terminals.

use std::fmt;

use ratatui::style::Color;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: bold, dim and reversed carry the meaning.
    None,
    /// The sixteen named ones.
    Ansi16,
    /// The palette of 256.
    Ansi256,
    /// 24 bits.
    True,
}

impl ColorDepth {
    /// What the environment says; `lookup` gives the value of a variable. `NO_COLOR` wins where it is set and not empty.
    pub fn detect(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let has = |name: &str, words: &[&str]| {
            lookup(name).is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
        };
        if lookup("NO_COLOR").is_some_and(|value| !value.is_empty()) || has("TERM", &["dumb", "vt100"]) {
            Self::None
        } else if has("COLORTERM", &["truecolor", "24bit"]) || has("TERM", &["direct"]) {
            Self::True
        } else if has("TERM", &["256"]) {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }

    /// The nearest colour that the terminal shows.
    pub fn nearest(self, color: Color) -> Color {
        match (self, color) {
            (Self::None, _) => Color::Reset,
            (Self::Ansi256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_256(r, g, b)),
            (Self::Ansi16, Color::Rgb(r, g, b)) => nearest_16(r, g, b),
            (Self::Ansi16, Color::Indexed(i)) if i >= 16 => {
                let (r, g, b) = rgb_of_index(i);
                nearest_16(r, g, b)
            }
            _ => color,
        }
    }
}

/// A colour in a theme file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(pub Color);

impl<'de> Deserialize<'de> for Paint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PaintVisitor)
    }
}

struct PaintVisitor;

impl Visitor<'_> for PaintVisitor {
    type Value = Paint;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a colour: \"#rrggbb\", a number from 0 to 255, a colour name or \"default\"")
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Paint, E> {
        let index = u8::try_from(index).map_err(|_| E::invalid_value(Unexpected::Unsigned(index), &self))?;
        Ok(Paint(Color::Indexed(index)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Paint, E> {
        parse(text).map(Paint).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        if hex.len() != 6 || !hex.is_ascii() {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
        return Some(Color::Rgb(byte(0)?, byte(2)?, byte(4)?));
    }
    NAMES.iter().find(|(name, _)| *name == text).map(|(_, color)| *color)
}

const NAMES: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright_black", Color::DarkGray),
    ("bright_red", Color::LightRed),
    ("bright_green", Color::LightGreen),
    ("bright_yellow", Color::LightYellow),
    ("bright_blue", Color::LightBlue),
    ("bright_magenta", Color::LightMagenta),
    ("bright_cyan", Color::LightCyan),
    ("bright_white", Color::White),
];

/// The sixteen colours as xterm shows them, in the order of their codes.
const XTERM: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    // Eyes tell greens apart best.
    2 * d(a.0, b.0) + 4 * d(a.1, b.1) + 3 * d(a.2, b.2)
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    (16..=255).min_by_key(|i| distance(rgb_of_index(*i), (r, g, b))).unwrap_or(15)
}

fn nearest_16(r: u8, g: u8, b: u8) -> Color {
    let best = (0..16).min_by_key(|i| distance(XTERM[*i], (r, g, b))).unwrap_or(15);
    NAMES[best + 1].1
}

/// What a palette index usually looks like.
pub(crate) fn rgb_of_index(index: u8) -> (u8, u8, u8) {
    match index {
        0..16 => XTERM[usize::from(index)],
        16..232 => {
            let i = usize::from(index - 16);
            (LEVELS[i / 36], LEVELS[i / 6 % 6], LEVELS[i % 6])
        }
        _ => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// What a colour usually looks like; `None` for the terminal's own.
pub(crate) fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(rgb_of_index(index)),
        named => NAMES.iter().position(|(_, c)| *c == named).map(|at| XTERM[at - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(vars: &[(&str, &str)]) -> ColorDepth {
        ColorDepth::detect(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn environment_tells_the_depth() {
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]), ColorDepth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Ansi256);
        assert_eq!(depth(&[("TERM", "xterm")]), ColorDepth::Ansi16);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), ColorDepth::None);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), ColorDepth::Ansi256);
    }

    #[test]
    fn colours_come_down_to_their_nearest_kin() {
        let red = Color::Rgb(250, 10, 10);
        assert_eq!(ColorDepth::True.nearest(red), red);
        assert_eq!(ColorDepth::Ansi256.nearest(red), Color::Indexed(196));
        assert_eq!(ColorDepth::Ansi16.nearest(red), Color::LightRed);
        assert_eq!(ColorDepth::None.nearest(red), Color::Reset);
        assert_eq!(ColorDepth::Ansi16.nearest(Color::Green), Color::Green);
    }

    #[test]
    fn only_colours_are_read() {
        assert_eq!(parse("#0a0B0c"), Some(Color::Rgb(10, 11, 12)));
        assert_eq!(parse("bright_black"), Some(Color::DarkGray));
        for bad in ["#12345", "#12345g", "#ä2345", "redish", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
