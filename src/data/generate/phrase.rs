//! Questions in words.

use std::collections::BTreeMap;

use super::{
    bind::Binding,
    error::GenerateError,
    plural::plural,
    random::Draw,
    schema::{Column, Fill},
    template::{Piece, Slot, pieces},
};

/// Says a binding's question in one of its shape's ways.
///
/// # Errors
/// [`GenerateError::Slot`] for a mistake in the shape.
pub fn question(binding: &Binding, draw: &mut Draw) -> Result<String, GenerateError> {
    let template = draw.word(binding.shape.asks);
    say(binding, template, draw)
}

/// Fills the slots of a question.
///
/// # Errors
/// [`GenerateError::Slot`] for a mistake in the template.
pub fn say(binding: &Binding, template: &'static str, draw: &mut Draw) -> Result<String, GenerateError> {
    let mut speaker = Speaker { binding, nouns: BTreeMap::new(), phrases: BTreeMap::new(), draw };
    let mut text = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(piece) => text += piece,
            Piece::Slot(slot) => {
                let words = speaker.fill(&slot);
                text += &words.ok_or_else(|| GenerateError::Slot { slot: slot.text.to_owned(), template })?;
            }
        }
    }
    let mut letters = text.chars();
    Ok(letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default())
}

/// Keeps to one noun for a table and one phrase for a column throughout a question.
struct Speaker<'a> {
    binding: &'a Binding,
    nouns: BTreeMap<&'static str, (&'static str, &'static str)>,
    phrases: BTreeMap<&'static str, &'static str>,
    draw: &'a mut Draw,
}

impl Speaker<'_> {
    fn fill(&mut self, slot: &Slot) -> Option<String> {
        if slot.role.is_empty() {
            return self.word(slot);
        }
        if slot.sign == "=" {
            return self.binding.values.get(&(slot.table, slot.role)).cloned();
        }
        if let Some(condition) = self.binding.conditions.get(&(slot.table, slot.role)) {
            let phrase = self.phrase(condition.column);
            return Some(condition.words(phrase, self.draw));
        }
        if let Some(relation) = self.binding.relation(slot.table, slot.role) {
            return Some(relation.to_owned());
        }
        let column = self.binding.column(slot.table, slot.role)?;
        let phrase = self.phrase(column);
        match slot.sign {
            "" => Some(phrase.to_owned()),
            "+" => Some(plural(phrase)),
            "^" => self.extreme(slot.table, column, phrase, false),
            "^+" => self.extreme(slot.table, column, phrase, true),
            "~" => Some(self.sorted(phrase)),
            "*" => Some(format!("{} {phrase}", self.aggregate())),
            _ => None,
        }
    }

    fn noun(&mut self, table: &'static str) -> Option<(&'static str, &'static str)> {
        let nouns = self.binding.table(table)?.nouns;
        let draw = &mut *self.draw;
        Some(*self.nouns.entry(table).or_insert_with(|| draw.pick(nouns).copied().unwrap_or_default()))
    }

    fn phrase(&mut self, column: &'static Column) -> &'static str {
        let draw = &mut *self.draw;
        self.phrases.entry(column.name).or_insert_with(|| draw.word(column.phrases))
    }

    fn word(&mut self, slot: &Slot) -> Option<String> {
        let binding = self.binding;
        let number = binding.number;
        let words: &[&'static str] = match slot.table {
            "n" => return Some(number.to_string()),
            "many" => return Some(self.many()),
            "Show" => &["Show", "List", "Find", "Give", "Return", "Tell me"],
            "show" => &["show", "list", "find", "give", "return", "tell me"],
            "every" => &["each", "every"],
            "different" => &["different", "distinct"],
            "number" => &["number", "count"],
            "total" => &["total", "overall"],
            "avg" => &["average", "mean"],
            "max" => &["maximum", "highest"],
            "min" => &["minimum", "lowest"],
            "dir" if binding.descending => &["most"],
            "dir" => &["fewest"],
            "end" if binding.descending => &["highest", "largest"],
            "end" => &["lowest", "smallest"],
            table => {
                let (one, several) = self.noun(table)?;
                return Some(if slot.sign == "'" { one } else { several }.to_owned());
            }
        };
        Some(self.draw.word(words).to_owned())
    }

    fn many(&mut self) -> String {
        let number = self.binding.number;
        let patterns: &[&'static str] = match self.binding.comparison {
            ">=" => &["at least #", "# or more"],
            ">" => &["more than #", "over #"],
            _ => &["exactly #"],
        };
        self.draw.word(patterns).replace('#', &number.to_string())
    }

    fn aggregate(&mut self) -> &'static str {
        self.draw.word(match self.binding.aggregate {
            "avg" => &["average", "mean"],
            "max" => &["maximum", "highest", "largest"],
            _ => &["minimum", "lowest", "smallest"],
        })
    }

    fn sorted(&mut self, phrase: &str) -> String {
        let patterns: &[&'static str] = if self.binding.descending {
            &["in descending order of #", "sorted by # from high to low", "ordered by # descending"]
        } else {
            &["in ascending order of #", "sorted by # from low to high", "ordered by #"]
        };
        self.draw.word(patterns).replace('#', phrase)
    }

    /// "oldest singer", "singers with the lowest age".
    fn extreme(&mut self, table: &'static str, column: &Column, phrase: &str, several: bool) -> Option<String> {
        let (one, many) = self.noun(table)?;
        let noun = if several { many } else { one };
        let own = if self.binding.descending { column.most } else { column.least };
        if !own.is_empty() && self.draw.percent(50) {
            return Some(format!("{} {noun}", self.draw.word(own)));
        }
        let year = matches!(column.fill, Fill::Year(..));
        let end: [&'static str; 2] = match (self.binding.descending, year) {
            (true, false) => ["highest", "largest"],
            (false, false) => ["lowest", "smallest"],
            (true, true) => ["latest", "last"],
            (false, true) => ["earliest", "first"],
        };
        Some(format!("{noun} with the {} {phrase}", self.draw.word(&end)))
    }
}
