//! How one query became another, word by word.

/// A run of words of either query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// In both.
    Same(&'a str),
    /// Only in the old one.
    Gone(&'a str),
    /// Only in the new one.
    New(&'a str),
}

/// Words above which queries are not compared: the table of the comparison grows with their product.
const MOST: usize = 600;

/// Words and signs of a query; blanks separate them.
fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for chunk in sql.split_whitespace() {
        let mut rest = chunk;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || "_.'\"".contains(c);
            let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
            let (word, after) = rest.split_at(end);
            words.push(word);
            rest = after;
        }
    }
    words
}

/// The parts of both, in order, by a longest common subsequence of words; letter case aside.
pub fn compared<'a>(old: &'a str, new: &'a str) -> Vec<Part<'a>> {
    let (old, new) = (words(old), words(new));
    if old.len() > MOST || new.len() > MOST {
        return old.into_iter().map(Part::Gone).chain(new.into_iter().map(Part::New)).collect();
    }
    let same = |i: usize, j: usize| old[i].eq_ignore_ascii_case(new[j]);
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if same(i, j) { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut parts) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && same(i, j) {
            parts.push(Part::Same(new[j]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            parts.push(Part::Gone(old[i]));
            i += 1;
        } else {
            parts.push(Part::New(new[j]));
            j += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_changed_is_told_by_words() {
        let parts = compared("SELECT name FROM singer WHERE age>20", "select name, age FROM singer");
        let told: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Part::Same(word) => (*word).to_owned(),
                Part::Gone(word) => format!("-{word}"),
                Part::New(word) => format!("+{word}"),
            })
            .collect();
        assert_eq!(told.join(" "), "select name +, +age FROM singer -WHERE -age -> -20");
    }

    proptest! {
        #[test]
        fn both_queries_can_be_read_off(old in "[a-c(),= ]{0,30}", new in "[a-c(),= ]{0,30}") {
            let parts = compared(&old, &new);
            let side = |wanted: fn(&Part<'_>) -> Option<String>| parts.iter().filter_map(wanted).collect::<String>();
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(side(|part| match part { Part::Gone(w) | Part::Same(w) => Some((*w).into()), Part::New(_) => None }), plain(&old));
            prop_assert_eq!(side(|part| match part { Part::New(w) | Part::Same(w) => Some((*w).into()), Part::Gone(_) => None }), plain(&new));
        }
    }
}
