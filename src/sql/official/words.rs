//! Cutting a query into words the way Spider's parser does, which is the way of a tokenizer for English.
//!
//! White space separates; brackets, commas, semicolons and a few other signs are words of their own; `=` is not, so that
//! `a=1` is one word, which no clause accepts. That is one of the reasons why the official parser fails on valid SQL.

use std::collections::HashMap;

/// The words of a query in lower case, quoted text as one word with double quotes and its own case.
/// `None` if the quotes are odd in number.
pub fn words(sql: &str) -> Option<Vec<String>> {
    let (text, quoted) = set_quotes_aside(sql)?;
    let mut words = Vec::new();
    for word in spaced_out(&text).split_whitespace() {
        let word = word.to_lowercase();
        // A text right behind an equals sign is the one case in which the sign is split off.
        let word = match word.strip_prefix('=') {
            Some(rest) if rest.starts_with(MARK) => {
                words.push("=".to_owned());
                rest.to_owned()
            }
            _ => word,
        };
        words.push(quoted.get(&word).cloned().unwrap_or(word));
    }
    Some(join_comparisons(words))
}

/// How the stand-ins for quoted text begin.
const MARK: &str = "__val_";

/// The query with a stand-in for each quoted text, and what each stands for. All quotes are alike here: an apostrophe
/// within double quotes ends the text.
fn set_quotes_aside(sql: &str) -> Option<(String, HashMap<String, String>)> {
    let mut text = String::with_capacity(sql.len());
    let mut quoted = HashMap::new();
    for (i, piece) in sql.split(['\'', '"']).enumerate() {
        if i % 2 == 0 {
            text.push_str(piece);
        } else {
            let stand_in = format!("{MARK}{i}__");
            text.push_str(&stand_in);
            quoted.insert(stand_in, format!("\"{piece}\""));
        }
    }
    sql.matches(['\'', '"']).count().is_multiple_of(2).then_some((text, quoted))
}

/// The text with spaces around signs that are words of their own.
fn spaced_out(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 16);
    let trimmed = text.trim_end();
    let mut rest = trimmed.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let alone = match c {
            ';' | '@' | '#' | '$' | '%' | '&' | '?' | '!' | '*' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<'
            | '>' => true,
            // Within a number, as in `1,000`, they separate nothing.
            ',' | ':' => next.is_none_or(|n| !n.is_ascii_digit()),
            // Only the full stop that ends the text.
            '.' => next.is_none() && before != '.',
            _ => false,
        };
        if c == '-' && next == Some('-') {
            rest.next();
            spaced.push_str(" -- ");
        } else if alone {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
        before = c;
    }
    spaced
}

/// `!`, `>` or `<` and an `=` that follows are one word.
fn join_comparisons(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(last) if word == "=" && matches!(last.as_str(), "!" | ">" | "<") => last.push('='),
            _ => joined.push(word),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[&str]) {
        assert_eq!(words(sql).unwrap(), expected, "{sql}");
    }

    #[test]
    fn words_are_cut_as_in_english() {
        check("SELECT count(*) FROM t;", &["select", "count", "(", "*", ")", "from", "t", ";"]);
        check("a,b , 1,000", &["a", ",", "b", ",", "1,000"]);
        check("T1.Name  =  'It' AND x=\"y\" ", &["t1.name", "=", "\"It\"", "and", "x=__val_3__"]);
        check("x =\"y\"", &["x", "=", "\"y\""]);
        check(
            "a != 1 b >= 2 c! =3 d < = 4 e<5",
            &["a", "!=", "1", "b", ">=", "2", "c", "!", "=3", "d", "<=", "4", "e", "<", "5"],
        );
        check("a=1 -- b", &["a=1", "--", "b"]);
        check("1.5 t1.a.", &["1.5", "t1.a", "."]);
        assert_eq!(words("it's"), None);
    }
}
