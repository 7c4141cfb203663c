//! A line that a person types: what it is for, the text, the cursor.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Characters that a line may have: a pasted file is no question.
const LONGEST: usize = 2000;

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The step to go to in a replay.
    Step,
    /// The name of an action.
    Command,
    /// Another value of a setting.
    Value,
    /// What is said of a checkpoint.
    Note,
    /// Whether to go back to a checkpoint.
    RollBack,
    /// Letters that settings must have.
    SettingFilter,
    /// Letters that databases must have.
    DatabaseFilter,
    /// A question on a database.
    Question,
    /// Which questions to show.
    Filter,
    /// Weights of a reward's components.
    Weights,
}

impl Purpose {
    /// What stands before the line.
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Step => "to step: ",
            Self::Command => ": ",
            Self::Value => "new value: ",
            Self::Note => "note: ",
            Self::RollBack => "back to the marked checkpoint? later steps are void; yes: ",
            Self::SettingFilter | Self::DatabaseFilter | Self::Filter => "/",
            Self::Question => "question: ",
            Self::Weights => "weights: ",
        }
    }

    /// What stands behind it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Step => "enter goes there, esc stays",
            // What stands behind a value depends on what it is.
            Self::Command | Self::Value => "",
            Self::Note => "enter writes the checkpoint",
            Self::RollBack => "enter, esc stays",
            Self::SettingFilter | Self::DatabaseFilter => "enter filters; nothing shows all",
            Self::Question => "enter asks",
            Self::Filter => "reward<0.5 outcome:syntax db:world step>300 flip:lost correct:no words; | or, - not",
            Self::Weights => "component=weight ...; none takes them back",
        }
    }

    fn takes(self, c: char) -> bool {
        match self {
            Self::Step => c.is_ascii_digit(),
            _ => true,
        }
    }
}

/// A line being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Byte offset of the cursor, at a character's start.
    cursor: usize,
}

impl Line {
    /// A line that has a text already, with the cursor behind it.
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Takes in a key; whether it was one for editing. Keys are those of a shell's line: arrows, home, end, ctrl-a, -e, -u, -w.
    pub fn key(&mut self, event: &KeyEvent, purpose: Purpose) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        match (event.code, ctrl) {
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.cursor = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.cursor = self.text.len(),
            (KeyCode::Char('u'), true) => self.cut_to(0),
            (KeyCode::Char('w'), true) => self.cut_to(self.word_start()),
            (KeyCode::Char(c), false) if !event.modifiers.contains(KeyModifiers::ALT) => {
                if purpose.takes(c) && !c.is_control() && self.text.len() < LONGEST {
                    self.text.insert(self.cursor, c);
                    self.cursor += c.len_utf8();
                }
            }
            (KeyCode::Left, _) => self.cursor = self.before(),
            (KeyCode::Right, _) => self.cursor = self.after(),
            (KeyCode::Backspace, _) => self.cut_to(self.before()),
            (KeyCode::Delete, _) => {
                let end = self.after();
                self.text.replace_range(self.cursor..end, "");
            }
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }

    fn word_start(&self) -> usize {
        let head = self.text[..self.cursor].trim_end();
        head.rfind(char::is_whitespace).map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8))
    }

    fn cut_to(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(line: &mut Line, code: KeyCode) -> bool {
        line.key(&KeyEvent::new(code, KeyModifiers::NONE), Purpose::Step)
    }

    #[test]
    fn only_what_the_purpose_takes_is_typed() {
        let mut line = Line::default();
        for c in "1x2é3".chars() {
            assert!(press(&mut line, KeyCode::Char(c)));
        }
        assert_eq!(line.text(), "123");
        assert!(!press(&mut line, KeyCode::Enter));
    }

    #[test]
    fn editing_keys_move_and_cut_whole_characters() {
        let mut line = Line::of("wie heißen äpfel");
        line.key(&KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL), Purpose::Step);
        assert_eq!(line.text(), "wie heißen ");
        for _ in 0..4 {
            press(&mut line, KeyCode::Left);
        }
        press(&mut line, KeyCode::Backspace);
        assert_eq!(line.parts(), ("wie he", "ßen "));
        press(&mut line, KeyCode::Delete);
        press(&mut line, KeyCode::Home);
        press(&mut line, KeyCode::Delete);
        assert_eq!(line.text(), "ie heen ");
        press(&mut line, KeyCode::End);
        line.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), Purpose::Step);
        assert_eq!(line.text(), "");
    }

    proptest! {
        #[test]
        fn no_keys_break_a_line(keys in prop::collection::vec((0usize..10, any::<char>()), 0..60)) {
            let mut line = Line::of("größe 東京");
            for (kind, c) in keys {
                let (code, modifiers) = match kind {
                    0 => (KeyCode::Left, KeyModifiers::NONE),
                    1 => (KeyCode::Right, KeyModifiers::NONE),
                    2 => (KeyCode::Backspace, KeyModifiers::NONE),
                    3 => (KeyCode::Delete, KeyModifiers::NONE),
                    4 => (KeyCode::Char('w'), KeyModifiers::CONTROL),
                    5 => (KeyCode::Home, KeyModifiers::NONE),
                    6 => (KeyCode::Char('u'), KeyModifiers::CONTROL),
                    _ => (KeyCode::Char(c), KeyModifiers::NONE),
                };
                line.key(&KeyEvent::new(code, modifiers), Purpose::Step);
                prop_assert!(line.text().is_char_boundary(line.cursor));
            }
        }
    }
}
