//! A list of questions as it stands in a file, entry by entry, with what is wrong where something is.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::Problem;

/// Fields of interest. Spider has the query under `query`, BIRD under `SQL`; `evidence` and `difficulty` are BIRD's.
const KNOWN: [&str; 6] = ["db_id", "question", "query", "SQL", "evidence", "difficulty"];
/// Names of fields kept for messages.
const MOST_NAMES: usize = 12;

/// What a question's entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of the database.
    pub db_id: String,
    /// The question.
    pub question: String,
    /// The gold query.
    pub query: String,
    /// What the question takes for known.
    pub evidence: Option<String>,
    /// BIRD's level.
    pub difficulty: Option<String>,
}

/// Reads a list of entries. An entry that says something else than it should is a [`Problem`] in its place. Where the
/// text is no JSON from some place on, what stands before is returned with the error.
pub fn parse(text: &[u8]) -> (Vec<Result<Entry, Problem>>, Option<serde_json::Error>) {
    let (raw, error) = list::<Raw>(text);
    (raw.into_iter().map(Raw::entry).collect(), error)
}

/// Reads a list; where the text is no such list from some place on, what stands before is returned with the error.
pub fn list<T: DeserializeOwned>(text: &[u8]) -> (Vec<T>, Option<serde_json::Error>) {
    let mut items = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let done = List(&mut items).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    (items, done.err())
}

/// An entry of which nothing is demanded.
enum Raw {
    /// Its known fields, and the names of all.
    Object(BTreeMap<&'static str, Value>, Vec<String>),
    /// What stands there instead.
    Other(&'static str),
}

impl Raw {
    fn entry(self) -> Result<Entry, Problem> {
        let (mut fields, has) = match self {
            Self::Object(fields, has) => (fields, has.join(", ")),
            Self::Other(found) => return Err(Problem::NotAnObject { found }),
        };
        let mut text = |field: &'static str| match fields.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(found) => Err(Problem::NotText { field, found: shorten(&found.to_string()) }),
        };
        let missing = |field| Problem::Missing { field, has: has.clone() };
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(Entry {
            db_id: text("db_id")?.ok_or_else(|| missing("db_id"))?,
            question: text("question")?.ok_or_else(|| missing("question"))?,
            query: text("query")?.or(text("SQL")?).ok_or_else(|| missing("query"))?,
            evidence: filled(text("evidence")?),
            difficulty: filled(text("difficulty")?),
        })
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(39).chain(['…']).collect() } else { text.to_owned() }
}

/// Fills a list, so that what was read before an error is not lost.
struct List<'a, T>(&'a mut Vec<T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of questions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            self.0.push(item);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a question")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let (mut fields, mut has) = (BTreeMap::new(), Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            match KNOWN.iter().find(|known| **known == name) {
                Some(known) => _ = fields.insert(*known, map.next_value()?),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
            if has.len() < MOST_NAMES {
                has.push(name);
            }
        }
        Ok(Raw::Object(fields, has))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Raw::Other("a list"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Raw, E> {
        Ok(Raw::Other("text"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Other("true or false"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Other("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Other("a number"))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Other("null"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_layouts_are_read() {
        let text = r#"[{"db_id": "d", "question": "q", "query": "SELECT 1", "sql": {"from": []}},
            {"question_id": 7, "db_id": "d", "question": "q", "evidence": "e", "SQL": "SELECT 2", "difficulty": "simple"},
            {"db_id": "d", "question": "q", "evidence": "", "SQL": "SELECT 3"}]"#;
        let (entries, broken) = parse(text.as_bytes());
        let entries: Vec<Entry> = entries.into_iter().map(Result::unwrap).collect();
        assert!(broken.is_none());
        assert_eq!((entries[0].query.as_str(), entries[0].evidence.as_deref()), ("SELECT 1", None));
        assert_eq!((entries[1].query.as_str(), entries[1].evidence.as_deref()), ("SELECT 2", Some("e")));
        assert_eq!(entries[1].difficulty.as_deref(), Some("simple"));
        assert_eq!(entries[2].evidence, None, "empty evidence is none");
    }

    #[test]
    fn one_wrong_entry_does_not_hide_the_others() {
        let text = r#"[{"db_id": "d", "question": "q"}, 7, [1, {}], {"db_id": "d", "question": 5, "query": ""},
                       {"db_id": "d", "question": "q", "query": "SELECT 1"}]"#;
        let (entries, broken) = parse(text.as_bytes());
        assert!(broken.is_none());
        let told: Vec<String> =
            entries.iter().map(|e| e.as_ref().map_or_else(ToString::to_string, |_| String::new())).collect();
        for (entry, parts) in
            [(0, ["query", "db_id, question"]), (1, ["a number", ""]), (2, ["a list", ""]), (3, ["question", "5"])]
        {
            assert!(parts.iter().all(|part| told[entry].contains(part)), "{told:?}");
        }
        assert_eq!(told[4], "");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}:,\"a-z0-9 \\\\.-]{0,80}", bytes: Vec<u8>) {
            for text in [text.as_bytes(), &bytes] {
                let (entries, broken) = parse(text);
                prop_assert!(broken.is_some() || serde_json::from_slice::<Vec<IgnoredAny>>(text).unwrap().len() == entries.len());
            }
        }
    }

    #[test]
    fn what_stands_before_broken_json_is_kept() {
        let whole = r#"{"db_id": "d", "question": "q", "query": "SELECT 1"}"#;
        let (entries, broken) = parse(format!("[{whole},\n{whole},\n{{\"db_id\": \"d").as_bytes());
        assert_eq!(entries.len(), 2);
        assert!(broken.unwrap().to_string().contains("line 3"));
        assert!(parse(b"{}").1.unwrap().to_string().contains("a list of questions"));
        assert!(parse(format!("[{whole}] x").as_bytes()).1.is_some());
    }
}
