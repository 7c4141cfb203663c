//! Partial credit: how much of the gold query's text a wrong query has (methods.md 2.7).

use std::collections::BTreeSet;

use super::overlap::jaccard;
use crate::sql::scan::{Kind, Token, tokens};

/// The keywords whose presence is compared.
const KEYWORDS: [&str; 14] = [
    "SELECT", "FROM", "WHERE", "JOIN", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "DISTINCT", "COUNT", "SUM", "AVG",
    "MAX", "MIN",
];

/// Words that end a list of tables.
const AFTER_TABLES: [&str; 9] =
    ["WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "SELECT"];

/// Words that end a WHERE clause.
const AFTER_WHERE: [&str; 7] = ["GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INTERSECT", "EXCEPT"];

type Set = BTreeSet<String>;

/// Between 0 and 1: the mean of the Jaccard overlaps of the select lists, the tables, the words of the WHERE clauses,
/// the keywords (each only if the gold query has it) and all words. Case and white space do not count; quotes, operators
/// and names do.
pub fn partial_credit(gold: &str, predicted: &str) -> f64 {
    let (gold, predicted) = (Parts::of(gold), Parts::of(predicted));
    let pairs = [
        (&gold.select, &predicted.select),
        (&gold.tables, &predicted.tables),
        (&gold.condition, &predicted.condition),
        (&gold.keywords, &predicted.keywords),
    ];
    let mut overlaps: Vec<f64> = pairs.iter().filter(|(g, _)| !g.is_empty()).map(|(g, p)| jaccard(g, p)).collect();
    overlaps.push(jaccard(&gold.words, &predicted.words));
    overlaps.iter().sum::<f64>() / overlaps.len() as f64
}

/// What of a query is compared.
struct Parts {
    select: Set,
    tables: Set,
    condition: Set,
    keywords: Set,
    words: Set,
}

impl Parts {
    fn of(sql: &str) -> Self {
        let tokens: Vec<Placed> = placed(sql);
        let words: Set = tokens.iter().filter(|t| !",();.".contains(&t.text)).map(|t| t.text.clone()).collect();
        Self {
            select: select_list(&tokens),
            tables: tables(&tokens),
            condition: condition(&tokens),
            keywords: KEYWORDS.iter().filter(|k| has_keyword(&tokens, k)).map(|&k| k.to_owned()).collect(),
            words,
        }
    }
}

/// A token in upper case with the number of parentheses around it.
struct Placed {
    text: String,
    kind: Kind,
    depth: usize,
}

impl Placed {
    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

fn placed(sql: &str) -> Vec<Placed> {
    let mut depth = 0usize;
    let place = |token: Token<'_>| {
        if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        }
        let placed = Placed { text: token.text.to_uppercase(), kind: token.kind, depth };
        if token.is_symbol("(") {
            depth += 1;
        }
        placed
    };
    tokens(sql).filter(|token| !token.is_blank()).map(place).collect()
}

/// The expressions between the first SELECT and its FROM.
fn select_list(tokens: &[Placed]) -> Set {
    let Some(select) = tokens.iter().position(|t| t.is("SELECT")) else { return Set::new() };
    let depth = tokens[select].depth;
    let list = tokens[select + 1..].iter().take_while(|t| t.depth >= depth && !(t.depth == depth && t.is("FROM")));
    let list: Vec<&Placed> = list.filter(|t| !(t.depth == depth && t.is("DISTINCT"))).collect();
    list.split(|t| t.depth == depth && t.text == ",")
        .map(|item| item.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" "))
        .filter(|item| !item.is_empty())
        .collect()
}

/// The names that follow FROM, JOIN or a comma between tables, at any depth.
fn tables(tokens: &[Placed]) -> Set {
    let mut names = Set::new();
    let mut list_depth = None;
    let mut expected = false;
    for token in tokens {
        if token.is("FROM") || token.is("JOIN") {
            (list_depth, expected) = (Some(token.depth), true);
        } else if token.is_one_of(&AFTER_TABLES) || list_depth.is_some_and(|depth| token.depth < depth) {
            (list_depth, expected) = (None, false);
        } else if token.text == "," && list_depth == Some(token.depth) {
            expected = true;
        } else if expected {
            expected = false;
            if matches!(token.kind, Kind::Word | Kind::Quoted) {
                names.insert(token.text.trim_matches(['"', '`', '\'', '[', ']']).to_owned());
            }
        }
    }
    names
}

/// The words of the first WHERE clause, subqueries included.
fn condition(tokens: &[Placed]) -> Set {
    let Some(start) = tokens.iter().position(|t| t.is("WHERE")) else { return Set::new() };
    let depth = tokens[start].depth;
    let ends = |t: &Placed| t.depth < depth || (t.depth == depth && (t.text == ";" || t.is_one_of(&AFTER_WHERE)));
    let clause = tokens[start + 1..].iter().take_while(|t| !ends(t));
    clause.filter(|t| !",().".contains(&t.text)).map(|t| t.text.clone()).collect()
}

fn has_keyword(tokens: &[Placed], keyword: &str) -> bool {
    match keyword.split_once(' ') {
        Some((first, second)) => tokens.windows(2).any(|pair| pair[0].is(first) && pair[1].is(second)),
        None => tokens.iter().any(|token| token.is(keyword)),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
mod tests;
