//! What the cockpit tells the terminal beside the picture: text for its clipboard, notices, a title.
//!
//! All of them are control sequences (OSC 52, 9, 777 and 2, and the bell) that go through SSH; tmux hands them on when
//! they are wrapped.

use crate::harmless;

/// Bytes that a clipboard is given at most: many terminals drop a longer sequence, or hang on it.
pub const LONGEST_COPY: usize = 74_000;

/// How a person wants to be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calling {
    /// Not at all.
    Off,
    /// By the bell.
    Bell,
    /// By the bell and a desktop notice as iTerm, kitty, `WezTerm`, Ghostty and Windows Terminal know it (OSC 9).
    #[default]
    Osc9,
    /// By the bell and a desktop notice as urxvt, foot and VTE know it (OSC 777).
    Osc777,
}

impl Calling {
    /// The value of `ui.notify`.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Self::Off,
            "bell" => Self::Bell,
            "osc9" => Self::Osc9,
            "osc777" => Self::Osc777,
            _ => return None,
        })
    }

    /// What tells a person of something that cannot wait until they look.
    pub fn notice(self, text: &str, tmux: bool) -> String {
        let text = plain(text);
        match self {
            Self::Off => String::new(),
            Self::Bell => "\x07".into(),
            Self::Osc9 => format!("\x07{}", wrapped(&format!("\x1b]9;{text}\x07"), tmux)),
            Self::Osc777 => format!("\x07{}", wrapped(&format!("\x1b]777;notify;sqlr1-tui;{text}\x07"), tmux)),
        }
    }
}

/// Puts a text into the clipboard of the terminal in front of the person.
pub fn copy(text: &str, tmux: bool) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    wrapped(&format!("\x1b]52;c;{encoded}\x07"), tmux)
}

/// Names the window. tmux keeps titles itself.
pub fn title(text: &str) -> String {
    format!("\x1b]2;{}\x07", plain(text))
}

/// A text that ends no sequence and begins none.
fn plain(text: &str) -> String {
    harmless::text(text).replace([';', '\n', '\t'], " ")
}

fn wrapped(sequence: &str, tmux: bool) -> String {
    if tmux { format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")) } else { sequence.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_base64_in_osc_52() {
        assert_eq!(copy("SELECT 1", false), "\x1b]52;c;U0VMRUNUIDE=\x07");
        assert_eq!(copy("SELECT 1", true), "\x1bPtmux;\x1b\x1b]52;c;U0VMRUNUIDE=\x07\x1b\\");
    }

    #[test]
    fn what_comes_from_outside_ends_no_sequence() {
        for hostile in ["a\x07b", "a\x1b\\b", "a\x1b]52;c;eA==\x07", "a;b\nc\u{9c}d"] {
            let sent = Calling::Osc777.notice(hostile, false);
            let inner = &sent["\x07\x1b]777;notify;sqlr1-tui;".len()..sent.len() - 1];
            assert!(!inner.contains(|c: char| c.is_control() || c == ';'), "{sent:?}");
            assert!(!title(hostile)[4..].trim_end_matches('\x07').contains(char::is_control));
        }
    }

    #[test]
    fn a_person_is_called_as_they_wish() {
        assert_eq!(Calling::Off.notice("x", false), "");
        assert_eq!(Calling::Bell.notice("x", false), "\x07");
        assert_eq!(Calling::Osc9.notice("best: 55 %", false), "\x07\x1b]9;best: 55 %\x07");
    }
}
