//! Random and mutated SQL against the workers of the built program: `SQLR1_FUZZ_SECONDS=600 SQLR1_FUZZ_SEED=1 cargo nextest
//! run --release --test fuzz_sql`. Without these variables a few seconds with a fixed seed. `fuzz/` has a target for
//! cargo-fuzz, which looks for new paths by itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use common::place::{Place, first_cell, workers};
use rand::{Rng, RngExt as _, SeedableRng, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use sqlr1_tui::{settings::SqlSettings, sql::Outcome};

/// What queries are made of, beside the gold queries of the demonstration.
const PIECES: &str = "SELECT|FROM|WHERE|GROUP BY|ORDER BY|HAVING|LIMIT|OFFSET|DISTINCT|ALL|UNION|UNION ALL|INTERSECT|EXCEPT|JOIN|LEFT JOIN|
    FULL JOIN|CROSS JOIN|NATURAL JOIN|ON|USING|AS|AND|OR|NOT|IN|EXISTS|BETWEEN|LIKE|GLOB|MATCH|REGEXP|ESCAPE|IS|ISNULL|NULL|CASE|WHEN|
    THEN|ELSE|END|CAST|COLLATE|NOCASE|ASC|DESC|NULLS FIRST|WITH|WITH RECURSIVE|MATERIALIZED|VALUES|OVER|PARTITION BY|ROWS|RANGE|GROUPS|
    UNBOUNDED PRECEDING|CURRENT ROW|FILTER|WINDOW|EXPLAIN|PRAGMA|ATTACH|INSERT INTO|UPDATE|DELETE FROM|DROP TABLE|CREATE TABLE|VACUUM|
    REINDEX|ANALYZE|BEGIN|RETURNING|INDEXED BY|NOT INDEXED|(|)|(|)|(|)|,|,|,|;|.|*|+|-|/|%|~|&|<<|>>|<|<=|=|==|<>|!=|->|->>|'|''|\"|`|[|]|--|
    /*|*/|?|:a|@b|$c|0|1|-1|2.5|1e309|9223372036854775807|-9223372036854775808|0x7fffffffffffffff|x''|x'00ff'|'a'|'%'|\"b\"|t|a|b|big|i|s|
    odd|c|v|f|r|id|x0|body|n|sqlite_schema|json_each('[1,[2]]')|json_tree|pragma_table_info('t')|generate_series(1,9)|fts5vocab|
    count(*)|sum(|total(|avg(|min(|max(|group_concat(|abs(|round(|length(|substr(|instr(|replace(|upper(|hex(|zeroblob(|randomblob(|printf(|
    char(|unicode(|quote(|date(|strftime(|julianday(|json(|json_extract(|json_object(|json_patch(|jsonb(|coalesce(|iif(|likelihood(|
    load_extension(|highlight(|snippet(|bm25(|rtreecheck(|row_number() OVER (|lag(|ntile(|nth_value(|1000000000|ROWID|_rowid_|main.|temp.";

/// A known query with the name of its database.
type Known = (String, String);

struct Mill {
    random: ChaCha8Rng,
    pieces: Vec<String>,
    known: Vec<Known>,
}

impl Mill {
    fn new(seed: u64) -> Self {
        let questions: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(demo().join("dev.json")).unwrap()).unwrap();
        let field = |question: &serde_json::Value, name: &str| question[name].as_str().unwrap().to_owned();
        let mut known: Vec<Known> = questions.iter().map(|q| (field(q, "db_id"), field(q, "query"))).collect();
        known.sort_unstable();
        known.dedup();
        let pieces = PIECES.split('|').map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect();
        Self { random: ChaCha8Rng::seed_from_u64(seed), pieces, known }
    }

    fn piece(&mut self) -> String {
        self.pieces.choose(&mut self.random).unwrap().clone()
    }

    /// A database and a query for it, most of them nearly right: what the parser refuses at once reaches little.
    fn query(&mut self) -> Known {
        let (database, known) = self.known.choose(&mut self.random).unwrap().clone();
        let mut text = if self.random.random_bool(0.1) { self.heap() } else { known };
        for _ in 0..self.random.random_range(0..4) {
            text = if self.random.random_bool(0.85) { self.respoken(&database, &text) } else { self.changed(&text) };
        }
        (database, text)
    }

    /// The query with a word left out, said twice, or replaced by one of another query to the same database.
    fn respoken(&mut self, database: &str, text: &str) -> String {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let of_same: Vec<&Known> = self.known.iter().filter(|(other, _)| other == database).collect();
        let other = &of_same.choose(&mut self.random).unwrap().1;
        let others: Vec<&str> = other.split_whitespace().collect();
        let word = others.choose(&mut self.random).unwrap();
        let at = self.random.random_range(0..words.len().max(1));
        let nested = format!("(SELECT * FROM ({other}))");
        match self.random.random_range(0..6) {
            0 if !words.is_empty() => _ = words.remove(at),
            1 if !words.is_empty() => words.insert(at, words[at]),
            2 => words.insert(at.min(words.len()), word),
            3 => words.extend(["UNION", other]),
            4 => words.extend(["LIMIT", &nested]),
            _ if !words.is_empty() => words[at] = word,
            _ => {}
        }
        words.join(" ")
    }

    fn heap(&mut self) -> String {
        let count = self.random.random_range(1..40);
        let pieces: Vec<String> = (0..count).map(|_| self.piece()).collect();
        format!("SELECT {}", pieces.join(" "))
    }

    /// The text with one thing changed.
    fn changed(&mut self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let at = self.random.random_range(0..=characters.len());
        let to = self.random.random_range(at..=characters.len().min(at + 30));
        let take = |range: &[char]| range.iter().collect::<String>();
        let (before, middle, after) = (take(&characters[..at]), take(&characters[at..to]), take(&characters[to..]));
        match self.random.random_range(0..7) {
            0 => format!("{before}{after}"),
            1 => format!("{before}{middle}{middle}{after}"),
            2 => format!("{before} {} {middle}{after}", self.piece()),
            3 => format!("{before} {} {after}", self.piece()),
            4 => format!("{before}({text}){after}"),
            5 => {
                let times = self.random.random_range(1..200);
                format!("{before}{}{after}", middle.repeat(times))
            }
            _ => {
                let character = char::from_u32(self.random.next_u32() % 0x300).unwrap();
                format!("{before}{character}{middle}{after}")
            }
        }
    }
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo")
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Copies of the demonstration's databases, one file each.
fn databases(folder: &Path) {
    for entry in fs::read_dir(demo().join("database")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let file = demo().join("database").join(&name).join(format!("{name}.sqlite"));
        fs::copy(file, folder.join(name + ".sqlite")).unwrap();
    }
}

#[test]
fn whatever_is_written_ends_typed_and_changes_nothing() {
    let (seed, seconds) = (number("SQLR1_FUZZ_SEED", 7), number("SQLR1_FUZZ_SECONDS", 3));
    let place = Place::new();
    databases(place.folder());
    let before = place.files();
    let settings = SqlSettings {
        timeout: 2.0,
        max_steps: 2_000_000,
        max_memory_mb: 128,
        workers: Some(1),
        ..SqlSettings::default()
    };
    let sandbox = workers(&settings);
    let (mut mill, start, mut queries) = (Mill::new(seed), Instant::now(), 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let (database, sql) = mill.query();
        let execution = sandbox.run(&place.folder().join(database + ".sqlite"), &sql);
        queries += 1;
        // A defect in SQLite would cost a worker and no more, but should be known.
        if let Outcome::RuntimeError(text) | Outcome::TooLarge(text) | Outcome::DatabaseError(text) = &execution.outcome
        {
            let worse = text.contains("worker process") || text.contains("cannot read");
            assert!(!worse, "seed {seed}, query {queries}: {text}: {sql}");
        }
        assert!(
            execution.elapsed < Duration::from_secs(30),
            "seed {seed}, query {queries}: {:?}: {sql}",
            execution.elapsed
        );
        if queries.is_multiple_of(1000) {
            assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT group_concat(a) FROM t")), "1,2,3");
        }
    }
    assert_eq!(place.files(), before);
    let (outcomes, by_clock) = (sandbox.tally().outcomes, sandbox.tally().stopped_by_clock);
    println!("seed {seed}, {seconds} s: {queries} queries, {outcomes:?}, {by_clock} by the clock");
    assert!(outcomes.contains_key("rows") && outcomes.contains_key("syntax_error") && queries > 10);
}
