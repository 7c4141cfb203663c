//! A reply as far as it is written: which part of it is the query, and whether that can go on so.

use super::{
    lexer::Query,
    names::Rules,
    prose::{Prose, Turn, query_in_fence},
};

/// A reply as far as it is written, byte by byte.
///
/// The query is where [`extract_sql`](crate::sql::extract_sql) would look for it: in a code fence (of SQL, or of no language), in `<answer>`, and
/// where the reply is to be nothing but the query, behind a SELECT at the start of a line; never in `<think>`. There it has to keep to the
/// rules, and the reply may only end where the query may. Everything else is free.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    prose: Prose,
    part: Part,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Prose,
    /// Behind an opening fence: its language.
    Language(Vec<u8>),
    Query(Query, End),
    /// Backticks of the closing fence.
    Closing(u8),
    /// `<` that can only be the closing tag's.
    Tag,
}

/// What ends a query, other than the end of the reply and a semicolon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Reply,
    Backtick,
    Fence,
    Tag,
}

impl Reply {
    /// An empty reply to `prompt`. If that speaks neither of code fences nor of `<answer>`, the reply may be a query and nothing else.
    pub fn to(prompt: &str) -> Self {
        let bare = !prompt.contains("```") && !prompt.contains("<answer>");
        Self { prose: Prose::new(bare), part: Part::Prose }
    }

    /// Whether the rules count for what comes next.
    pub fn is_in_query(&self) -> bool {
        matches!(self.part, Part::Query(..) | Part::Closing(_) | Part::Tag)
    }

    /// Whether the reply may end here.
    pub fn may_end(&self, rules: &Rules) -> bool {
        match &self.part {
            Part::Prose | Part::Language(_) => true,
            Part::Query(query, _) => query.is_complete(rules),
            Part::Closing(_) | Part::Tag => false,
        }
    }

    /// Reads a byte; whether it may stand here. Where it may not, the reply is of no use any more.
    pub fn push(&mut self, byte: u8, rules: &Rules) -> bool {
        match &mut self.part {
            Part::Prose => match self.prose.push(byte) {
                Turn::Prose => true,
                Turn::Fence => {
                    self.part = Part::Language(Vec::new());
                    true
                }
                Turn::Select { marked } => {
                    let other = if self.prose.answering { End::Tag } else { End::Reply };
                    self.begin(b"select", if marked { End::Backtick } else { other }, rules) && self.push(byte, rules)
                }
            },
            Part::Language(language) => {
                if byte.is_ascii_alphanumeric() || (byte == b'`' && language.is_empty()) {
                    language.extend((byte != b'`').then(|| byte.to_ascii_lowercase()));
                    language.truncate(16);
                    return true;
                }
                let begin = |text: &[u8]| {
                    let mut query = Query::new();
                    text.iter().all(|&byte| query.push(byte, rules)).then_some(query)
                };
                self.part = match query_in_fence(language, byte, begin) {
                    Some(query) => Part::Query(query, End::Fence),
                    None => Part::Prose,
                };
                self.push(byte, rules)
            }
            Part::Query(..) => self.push_to_query(byte, rules),
            Part::Closing(count) => {
                *count += 1;
                if *count == 3 {
                    self.prose.fenced = false;
                    self.leave();
                }
                byte == b'`'
            }
            Part::Tag => {
                self.leave_by_tag();
                byte == b'/'
            }
        }
    }

    fn begin(&mut self, text: &[u8], end: End, rules: &Rules) -> bool {
        let mut query = Query::new();
        let begun = text.iter().all(|&byte| query.push(byte, rules));
        self.part = Part::Query(query, end);
        begun
    }

    fn push_to_query(&mut self, byte: u8, rules: &Rules) -> bool {
        let Part::Query(query, end) = &mut self.part else { return false };
        if query.is_quoting() {
            return query.push(byte, rules);
        }
        match (byte, *end) {
            (b'/', End::Tag) if query.is_complete_before_less(rules) => {
                self.leave_by_tag();
                true
            }
            // Behind what is no value, there is nothing to compare.
            (b'<', End::Tag) if query.is_complete(rules) && !query.clone().push(byte, rules) => {
                self.part = Part::Tag;
                true
            }
            (b';', _) | (b'`', End::Fence | End::Backtick) if query.is_complete(rules) => {
                if (byte, *end) == (b'`', End::Fence) {
                    self.part = Part::Closing(1);
                } else {
                    self.leave();
                }
                true
            }
            _ => query.push(byte, rules),
        }
    }

    fn leave_by_tag(&mut self) {
        self.leave();
        self.prose.tail = b"</".to_vec();
    }

    fn leave(&mut self) {
        self.prose.resume();
        self.part = Part::Prose;
    }
}
