//! Keys with their modifiers.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Keys that are no letters.
const NAMES: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

impl Chord {
    pub(super) const fn key(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    pub(super) const fn char(c: char) -> Self {
        Self::key(KeyCode::Char(c))
    }

    pub(super) const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    /// Whether this key event is the chord. Shift is part of the character, save for shift-tab, which has a code of its own.
    pub fn is(&self, event: &KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER);
        event.code == self.code && ctrl == self.ctrl && !alt
    }

    /// A chord as it is written in hints and in `ui.keys`: `c`, `ctrl-p`, `space`, `shift-tab`, `f5`.
    pub fn parse(text: &str) -> Option<Self> {
        let (ctrl, name) = text.strip_prefix("ctrl-").map_or((false, text), |name| (true, name));
        let named = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, code)| *code);
        let function = || {
            let number = name.strip_prefix(['f', 'F'])?.parse::<u8>().ok()?;
            (1..=12).contains(&number).then_some(KeyCode::F(number))
        };
        let single = || {
            let mut chars = name.chars();
            chars.next().filter(|c| chars.next().is_none() && !c.is_control() && *c != ' ').map(KeyCode::Char)
        };
        named.or_else(function).or_else(single).map(|code| Self { code, ctrl })
    }

    /// The chord as written in hints and help.
    pub fn label(&self) -> String {
        let named = NAMES.iter().find(|(_, code)| *code == self.code).map(|(name, _)| (*name).to_owned());
        let name = named.unwrap_or_else(|| match self.code {
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(number) => format!("f{number}"),
            other => format!("{other:?}").to_lowercase(),
        });
        if self.ctrl { format!("ctrl-{name}") } else { name }
    }
}
