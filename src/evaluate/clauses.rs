//! A query's words by the clause that they stand in, for telling in what two queries differ.

use std::collections::BTreeMap;

use crate::sql::scan::{Kind, Token, tokens};

/// What a word belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clause {
    /// What is selected, aggregate functions aside.
    Select,
    /// Tables.
    Tables,
    /// What tables are joined on.
    JoinOn,
    /// WHERE.
    Filter,
    /// GROUP BY and HAVING.
    Group,
    /// ORDER BY, LIMIT and OFFSET.
    Order,
    /// UNION, INTERSECT, EXCEPT.
    Combine,
    /// Names of aggregate functions, wherever they stand.
    Aggregate,
}

/// Each clause's words, sorted: in no query's meaning does it matter where in a clause most words stand.
pub(super) type Words = BTreeMap<Clause, Vec<String>>;

const AGGREGATES: [&str; 7] = ["count", "sum", "avg", "min", "max", "total", "group_concat"];
/// Words that say nothing of their own.
const FILLERS: [&str; 8] = ["as", "inner", "outer", "left", "by", "asc", "all", "distinct"];

/// The words of a query, names in lower case and without the table in front, texts without their quotes. All levels of
/// subqueries are taken together.
pub(super) fn words(sql: &str) -> Words {
    let tokens: Vec<Token<'_>> = tokens(sql).filter(|token| !token.is_blank()).collect();
    let (mut clause, mut around) = (Clause::Select, Vec::new());
    let mut expects_table = false;
    let mut words = Words::new();
    for (i, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") {
            around.push(clause);
        } else if token.is_symbol(")") {
            clause = around.pop().unwrap_or(clause);
        } else if let Some(next) = opens(token) {
            (clause, expects_table) = (next, matches!(next, Clause::Tables));
            if clause == Clause::Combine {
                words.entry(clause).or_default().push(normal(token));
            }
        } else if clause == Clause::Tables {
            if token.is_symbol(",") {
                expects_table = true;
            } else if expects_table && matches!(token.kind, Kind::Word | Kind::Quoted) {
                words.entry(clause).or_default().push(normal(token));
                // What follows is an alias.
                expects_table = false;
            }
        } else if counts(token) && !is_qualifier(&tokens, i) {
            let is_call = tokens.get(i + 1).is_some_and(|next| next.is_symbol("("));
            let aggregate = is_call && AGGREGATES.iter().any(|name| token.is_word(name));
            let place = if aggregate { Clause::Aggregate } else { clause };
            words.entry(place).or_default().push(normal(token));
        }
    }
    for list in words.values_mut() {
        list.sort_unstable();
    }
    words
}

fn opens(token: &Token<'_>) -> Option<Clause> {
    const OPENERS: [(&str, Clause); 14] = [
        ("select", Clause::Select),
        ("from", Clause::Tables),
        ("join", Clause::Tables),
        ("on", Clause::JoinOn),
        ("using", Clause::JoinOn),
        ("where", Clause::Filter),
        ("group", Clause::Group),
        ("having", Clause::Group),
        ("order", Clause::Order),
        ("limit", Clause::Order),
        ("offset", Clause::Order),
        ("union", Clause::Combine),
        ("intersect", Clause::Combine),
        ("except", Clause::Combine),
    ];
    OPENERS.iter().find(|(word, _)| token.is_word(word)).map(|(_, clause)| *clause)
}

fn counts(token: &Token<'_>) -> bool {
    let separator = [",", ";", "."].iter().any(|s| token.is_symbol(s));
    !separator && !FILLERS.iter().any(|word| token.is_word(word))
}

/// Whether a name only says whose column the next one is.
fn is_qualifier(tokens: &[Token<'_>], i: usize) -> bool {
    matches!(tokens[i].kind, Kind::Word | Kind::Quoted) && tokens.get(i + 1).is_some_and(|next| next.is_symbol("."))
}

fn normal(token: &Token<'_>) -> String {
    match token.kind {
        // A text's case may decide what it finds.
        Kind::Quoted => token.text.trim_matches(['"', '\'', '`', '[', ']']).to_owned(),
        _ => token.text.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_clause() {
        let words = words(
            "SELECT T1.Name, count(*) FROM singer AS T1 JOIN [band] b ON T1.id = b.id WHERE T1.age > 3 AND \
             b.x IN (SELECT y FROM z WHERE q = 'A b') GROUP BY T1.Name HAVING count(*) > 1 ORDER BY max(w) LIMIT 1",
        );
        let list = |clause| words.get(&clause).map(|w| w.join(" ")).unwrap_or_default();
        assert_eq!(list(Clause::Select), "* name y");
        assert_eq!(list(Clause::Tables), "band singer z");
        assert_eq!(list(Clause::JoinOn), "= id id");
        assert_eq!(list(Clause::Filter), "3 = > A b age and in q x");
        assert_eq!(list(Clause::Group), "* 1 > name");
        assert_eq!(list(Clause::Order), "1 w");
        assert_eq!(list(Clause::Aggregate), "count count max");
    }

    #[test]
    fn aliases_quotes_and_case_do_not_count() {
        assert_eq!(words("select a from t where b = \"x\""), words("SELECT T1.A FROM T AS T1 WHERE T1.B = 'x'"),);
    }

    #[test]
    fn any_text_has_words_or_none() {
        for text in ["", ")))", "((", "'", "from from from", "select . from ,,"] {
            words(text);
        }
    }
}
