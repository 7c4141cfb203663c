//! The SQL that a reply contains.

use super::scan::{Kind, Token, tokens};

/// Words with which a query goes on after an empty line.
const CONTINUES: [&str; 21] = [
    "select",
    "from",
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "on",
    "and",
    "or",
];

/// Takes the query out of a model's reply; empty if there is none.
///
/// As methods.md 2.7 has it: code fences and backticks dropped, the text after `SQL:` if there is such, from the first
/// SELECT (or WITH of a common table expression) up to the first semicolon outside of quotes. Beyond that, prose is told
/// from SQL where it can be: a fenced block that holds a query is preferred to the text around it, and the query also
/// ends at a fence, at a tag such as `</answer>`, or at an empty line that is not followed by more SQL; a SELECT in a
/// comment before the query is none.
///
/// Of a reply with tags only the answer counts (methods.md 1.1): what stands in the last `<answer>`, of several blocks in
/// there the last; without such tags, what stands outside of `<think>`.
pub fn extract_sql(reply: &str) -> String {
    let (text, last) = match answer(reply) {
        Some(answer) => (answer, true),
        None => (outside_thoughts(reply), false),
    };
    let text = fenced_query(text, last).or_else(|| labelled_query(text)).unwrap_or(text);
    let Some(start) = query_start(text) else { return String::new() };
    let query = &text[start..];
    let query = &query[..inline_code_end(&text[..start], query)];
    query[..query_end(query)].trim().to_owned()
}

/// What stands in the last `<answer>` that has a query in it, up to its end tag if there is one.
fn answer(reply: &str) -> Option<&str> {
    // Lowering ASCII letters moves nothing.
    let lower = reply.to_ascii_lowercase();
    let mut opened = lower.rmatch_indices("<answer>").map(|(at, tag)| at + tag.len());
    opened.find_map(|start| {
        let length = lower[start..].find("</answer>").unwrap_or(lower.len() - start);
        Some(&reply[start..start + length]).filter(|answer| query_start(answer).is_some())
    })
}

/// The text outside of thoughts: behind them if there is a query, else before them. Thoughts without a beginning began in
/// the prompt; those without an end go on to the end.
fn outside_thoughts(reply: &str) -> &str {
    let lower = reply.to_ascii_lowercase();
    let before = lower.find("<think>").map(|start| &reply[..start]);
    match lower.rfind("</think>").map(|end| &reply[end + "</think>".len()..]) {
        Some(behind) if before.is_none() || query_start(behind).is_some() => behind,
        _ => before.unwrap_or(reply),
    }
}

/// The first or last fenced block with a query in it, without its fences and language tag.
fn fenced_query(text: &str, last: bool) -> Option<&str> {
    // Pieces between fences: every other one, from the second on, is inside of a block.
    let mut blocks = text.split("```").skip(1).step_by(2).filter(|block| query_start(block).is_some());
    if last { blocks.last() } else { blocks.next() }
}

/// The text after the first `SQL:` that has a query behind it.
fn labelled_query(reply: &str) -> Option<&str> {
    let lower = reply.to_ascii_lowercase();
    lower
        .match_indices("sql:")
        .filter(|(at, _)| !lower[..*at].ends_with(|c: char| c.is_alphanumeric()))
        .map(|(at, label)| &reply[at + label.len()..])
        .find(|rest| query_start(rest).is_some())
}

/// Where the query starts: at the first place that looks like the start of a statement, else at the first SELECT.
fn query_start(text: &str) -> Option<usize> {
    let words: Vec<Token<'_>> = prose_words(text);
    let mut candidates: Vec<usize> = (0..words.len()).filter(|&i| starts_query(text, &words, i)).collect();
    // In prose, two dashes may be a dash: only where there is another SELECT is one behind them a comment's.
    if candidates.iter().any(|&i| !is_in_comment(text, words[i].start)) {
        candidates.retain(|&i| !is_in_comment(text, words[i].start));
    }
    let first = *candidates.first()?;
    let at_line_start = |&i: &usize| is_line_start(text, words[i].start) && !continues_query(text, &words, i);
    let chosen = candidates.into_iter().find(at_line_start).unwrap_or(first);
    Some(words[chosen].start)
}

/// Words, with no regard to quotes: an apostrophe in prose opens none.
fn prose_words(text: &str) -> Vec<Token<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
        let start = text.len() - rest.len() + begin;
        let length = rest[begin..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len() - begin);
        words.push(Token { kind: Kind::Word, text: &rest[begin..begin + length], start });
        rest = &rest[begin + length..];
    }
    words
}

fn starts_query(text: &str, words: &[Token<'_>], i: usize) -> bool {
    words[i].is_word("select") || (words[i].is_word("with") && opens_with_clause(&text[words[i].end()..]))
}

/// Whether ` [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (` follows: "with" alone is mostly prose.
fn opens_with_clause(after: &str) -> bool {
    let mut rest = tokens(after).filter(|token| !token.is_blank()).peekable();
    rest.next_if(|token| token.is_word("recursive"));
    if rest.next_if(|token| matches!(token.kind, Kind::Word | Kind::Quoted)).is_none() {
        return false;
    }
    if rest.next_if(|token| token.is_symbol("(")).is_some() {
        rest.find(|token| token.is_symbol(")"));
    }
    let has_as = rest.next_if(|token| token.is_word("as")).is_some();
    rest.next_if(|token| token.is_word("not"));
    rest.next_if(|token| token.is_word("materialized"));
    has_as && rest.next().is_some_and(|token| token.is_symbol("("))
}

/// Whether a place is behind `--` on its line, or in `/* ... */`.
fn is_in_comment(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.contains("--") || before.rfind("/*").is_some_and(|open| !before[open..].contains("*/"))
}

fn is_line_start(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.chars().all(|c| c.is_whitespace() || "`>(*-".contains(c)) || line.trim_end().ends_with(':')
}

/// Whether what is before a SELECT at the start of a line makes it a part of a query.
fn continues_query(text: &str, words: &[Token<'_>], i: usize) -> bool {
    let before = text[..words[i].start].trim_end();
    let joined = |word: &Token<'_>| ["union", "all", "intersect", "except", "as"].iter().any(|w| word.is_word(w));
    before.ends_with('(') || (i > 0 && joined(&words[i - 1]) && before.len() == words[i - 1].end())
}

/// Where inline code that opened right before the query closes; the query's length if none did.
fn inline_code_end(before: &str, query: &str) -> usize {
    if !before.ends_with('`') {
        return query.len();
    }
    let line_end = query.find(['\n', ';']).unwrap_or(query.len());
    // Backticks around names come in pairs, so the closing one is the last of an odd number.
    query[..line_end].rfind('`').filter(|_| query[..line_end].matches('`').count() % 2 == 1).unwrap_or(query.len())
}

fn query_end(query: &str) -> usize {
    let mut depth = 0usize;
    let mut all = tokens(query);
    while let Some(token) = all.next() {
        match token.kind {
            Kind::Unclosed => return token.start + plain_end(token.text),
            Kind::Space if depth == 0 && is_empty_line(token.text) && !goes_on(all.clone()) => return token.start,
            Kind::Quoted if token.text == "``" && query[token.end()..].starts_with('`') => return token.start,
            Kind::Symbol => match token.text {
                ";" => return token.start,
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "<" if is_tag(&query[token.end()..]) => return token.start,
                _ => {}
            },
            _ => {}
        }
    }
    query.len()
}

/// Whether what follows a `<` makes it a tag: `</...`, `<|...`, `<think>` or `<answer>`.
fn is_tag(rest: &str) -> bool {
    let opens = |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    rest.starts_with(['/', '|']) || opens("think>") || opens("answer>")
}

/// The end in a text whose quotes cannot be trusted: the first semicolon, fence or line break.
fn plain_end(text: &str) -> usize {
    [text.find(';'), text.find("```"), text.find('\n')].into_iter().flatten().min().unwrap_or(text.len())
}

fn is_empty_line(space: &str) -> bool {
    space.matches('\n').count() >= 2
}

fn goes_on<'a>(mut rest: impl Iterator<Item = Token<'a>>) -> bool {
    rest.find(|token| !token.is_blank())
        .is_some_and(|token| CONTINUES.iter().any(|word| token.is_word(word)) || token.kind == Kind::Symbol)
}

#[cfg(test)]
mod tests;
