//! Conditions in words.

use super::{
    condition::{Condition, Test},
    random::Draw,
    schema::Fill,
};

impl Condition {
    /// The condition in words that follow a noun; `phrase` is what the column is called.
    pub fn words(&self, phrase: &str, draw: &mut Draw) -> String {
        let year = matches!(self.column.fill, Fill::Year(..) | Fill::Date(..));
        let (own, common, values): (&[&'static str], &[&'static str], [&str; 2]) = match &self.test {
            Test::Equal(v) => (self.column.equal, &["whose # is {}", "with # {}"], [v, ""]),
            Test::Not(v) => (&[], &["whose # is not {}", "with # other than {}"], [v, ""]),
            Test::More(v) if year => (self.column.more, &["whose # is after {}", "with # after {}"], [v, ""]),
            Test::Less(v) if year => (self.column.less, &["whose # is before {}", "with # before {}"], [v, ""]),
            Test::More(v) => {
                (self.column.more, &["whose # is greater than {}", "with # above {}", "with # over {}"], [v, ""])
            }
            Test::Less(v) => {
                (self.column.less, &["whose # is less than {}", "with # below {}", "with # under {}"], [v, ""])
            }
            Test::AtLeast(v) => {
                (&[], &["whose # is at least {}", "with # of at least {}", "with # {} or more"], [v, ""])
            }
            Test::AtMost(v) => (&[], &["whose # is at most {}", "with # of at most {}", "with # {} or less"], [v, ""]),
            Test::Between(low, high) => {
                (&[], &["whose # is between {} and ^", "with # from {} to ^", "with # between {} and ^"], [low, high])
            }
            Test::Contains(part) => (&[], &["whose # contains '{}'", "with '{}' in the #"], [part, ""]),
            Test::Starts(part) => (&[], &["whose # starts with '{}'", "with # starting with '{}'"], [part, ""]),
            Test::Ends(part) => (&[], &["whose # ends with '{}'", "with # ending in '{}'"], [part, ""]),
        };
        // A column's own ways of speaking and the common ones are equally likely.
        let pattern = if !own.is_empty() && draw.percent(50) { draw.word(own) } else { draw.word(common) };
        pattern.replace('#', phrase).replace("{}", values[0]).replace('^', values[1])
    }
}
