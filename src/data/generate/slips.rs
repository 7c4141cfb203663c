//! Slips of the pen, for a corpus that a model learns bad habits from.
//!
//! Text found in the world is not clean, and what reinforcement learning does best is to unlearn what execution shows to
//! be wrong. A corpus with slips gives a model that can write the right query and often does not.

use std::sync::LazyLock;

use regex::Regex;

use super::{questions::Entry, random::Draw};

/// What a careless writer overlooks: a pattern in a query, and what he writes instead.
const HABITS: [(&str, &str); 7] = [
    (" DESC", " ASC"),
    ("DISTINCT ", ""),
    (r" HAVING count\(\*\) \S+ \d+", ""),
    ("(>|<)= ", "$1 "),
    (" NOT IN ", " IN "),
    (" != ", " = "),
    (r" LIMIT \d+", " LIMIT 1"),
];

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    // A pattern that is none would be left out, which the test notices.
    HABITS.iter().filter_map(|&(pattern, instead)| Regex::new(pattern).ok().map(|regex| (regex, instead))).collect()
});

/// Gives in to each habit in `percent` of 100 queries that invite it.
pub fn slip(entries: &mut [Entry], percent: usize, draw: &mut Draw) {
    for entry in entries {
        for (pattern, instead) in PATTERNS.iter() {
            if pattern.is_match(&entry.query) && draw.percent(percent) {
                entry.query = pattern.replace_all(&entry.query, *instead).into_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::official::Hardness;

    fn slipped(query: &str, percent: usize) -> String {
        let mut entries = [Entry { db_id: "zoo", query: query.into(), question: String::new(), level: Hardness::Easy }];
        slip(&mut entries, percent, &mut Draw::new(1, 1));
        entries[0].query.clone()
    }

    #[test]
    fn every_habit_changes_what_invites_it_and_nothing_else() {
        assert_eq!(PATTERNS.len(), HABITS.len());
        for (query, slip) in [
            ("SELECT a FROM t ORDER BY b DESC LIMIT 3", "SELECT a FROM t ORDER BY b ASC LIMIT 1"),
            ("SELECT DISTINCT a FROM t WHERE b >= 2", "SELECT a FROM t WHERE b > 2"),
            ("SELECT a FROM t WHERE b <= 2 AND c != 'x'", "SELECT a FROM t WHERE b < 2 AND c = 'x'"),
            (
                "SELECT a FROM t WHERE id NOT IN (SELECT t_id FROM u)",
                "SELECT a FROM t WHERE id IN (SELECT t_id FROM u)",
            ),
            ("SELECT a FROM t GROUP BY a HAVING count(*) >= 2", "SELECT a FROM t GROUP BY a"),
            ("SELECT a FROM t WHERE b = (SELECT max(b) FROM t)", "SELECT a FROM t WHERE b = (SELECT max(b) FROM t)"),
            ("SELECT a FROM t WHERE b > 2", "SELECT a FROM t WHERE b > 2"),
        ] {
            assert_eq!(slipped(query, 100), slip);
            assert_eq!(slipped(query, 0), query);
        }
    }
}
