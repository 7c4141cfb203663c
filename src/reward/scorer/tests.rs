mod presets;

use proptest::prelude::*;

use super::*;
use crate::settings::SqlSettings;

/// A scorer and an example over a small database.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = rusqlite::Connection::open(folder.path().join("d.sqlite")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (2, 'z'), (3, NULL);",
            )
            .unwrap();
        Self { folder }
    }

    fn example(&self, gold: &str) -> Example {
        Example {
            id: 0,
            db_id: "d".into(),
            database: self.folder.path().join("d.sqlite"),
            question: String::new(),
            gold_sql: gold.into(),
            ..Example::default()
        }
    }
}

fn scorer(comparison: Comparison) -> Scorer {
    scorer_by(RewardSettings::default(), comparison)
}

fn scorer_by(rewards: RewardSettings, comparison: Comparison) -> Scorer {
    let settings = SqlSettings { comparison, ..SqlSettings::default() };
    Scorer::new(Sandbox::in_process(&settings), rewards, comparison)
}

#[test]
fn right_replies_get_the_whole_reward() {
    let place = Place::new();
    let judge = scorer(Comparison::Spider);
    for (gold, reply) in [
        ("SELECT a FROM t", "```sql\nSELECT a FROM t ORDER BY b\n```"),
        ("SELECT a, b FROM t", "SQL: SELECT b, a FROM t;"),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM t"),
        ("SELECT a FROM t WHERE a > = 2", "SELECT a FROM t WHERE a >= 2"),
        ("SELECT count(*) FROM t", "SELECT 4.0"),
    ] {
        let scored = judge.score(&place.example(gold), reply);
        assert!(scored.correct, "{reply}: {scored:?}");
        assert_eq!(scored.reward, 1.0);
        assert_eq!(scored.components, BTreeMap::from([("execution".into(), 1.0), ("partial".into(), 0.0)]));
    }
}

#[test]
fn wrong_replies_get_partial_credit_at_most() {
    let place = Place::new();
    let judge = scorer(Comparison::Spider);
    let example = place.example("SELECT a FROM t WHERE a = 2");
    let near = judge.score(&example, "SELECT a FROM t WHERE a = 1");
    let broken = judge.score(&example, "SELECT a FROM t WHERE a = 2 ,");
    let far = judge.score(&example, "DROP TABLE t");
    assert_eq!(broken.result.outcome, "syntax_error");
    assert_eq!((far.sql.as_str(), far.reward, far.result.outcome.as_str()), ("", 0.0, "empty_text"));
    assert!(near.reward > 0.0 && near.reward < 0.3 && broken.reward > 0.0 && broken.reward <= 0.3);
    assert!((near.reward - 0.3 * near.components["partial"]).abs() < 1e-12);
}

#[test]
fn a_gold_query_that_fails_rewards_no_match() {
    let place = Place::new();
    let judge = scorer(Comparison::Spider);
    let example = place.example("SELECT q FROM nowhere");
    assert!(!judge.score(&example, "SELECT q FROM nowhere").correct);
    assert_eq!(judge.gold(&example).outcome, "unknown_name");
    let missing = Example { database: "/no/such/file".into(), ..place.example("SELECT 1") };
    assert_eq!(judge.score(&missing, "SELECT 1").result.outcome, "database_error");
}

#[test]
fn the_comparison_is_a_setting() {
    let place = Place::new();
    let correct = |comparison, gold, reply| scorer(comparison).score(&place.example(gold), reply).correct;
    for (gold, reply, spider, loose) in [
        ("SELECT 'x'", "SELECT 'X'", false, true),
        ("SELECT 1", "SELECT '1'", false, true),
        ("SELECT 1", "SELECT 1.0", true, false),
        ("SELECT a FROM t", "SELECT DISTINCT a FROM t", true, true),
        ("SELECT a FROM t", "SELECT a FROM t GROUP BY a", false, true),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC", false, true),
    ] {
        assert_eq!(correct(Comparison::Spider, gold, reply), spider, "spider: {gold} / {reply}");
        assert_eq!(correct(Comparison::Loose, gold, reply), loose, "loose: {gold} / {reply}");
    }
}

fn reply() -> impl Strategy<Value = String> {
    let columns = prop::sample::select(vec!["a", "b", "a, b", "b, a", "count(*)", "max(a)", "z", "DISTINCT a"]);
    let rest = prop::sample::select(vec!["", " WHERE a > 1", " ORDER BY a", " GROUP BY a", " WHERE", " LIMIT 2", " ;"]);
    (columns, rest).prop_map(|(columns, rest)| format!("SELECT {columns} FROM t{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn right_outscores_wrong_and_threads_do_not_matter(gold in reply(), replies in prop::collection::vec(reply(), 1..12)) {
        let place = Place::new();
        let example = place.example(&gold);
        let same = |a: &Scored, b: &Scored| {
            (&a.sql, &a.components, a.correct, &a.result.outcome) == (&b.sql, &b.components, b.correct, &b.result.outcome)
                && a.reward.to_bits() == b.reward.to_bits()
        };
        let group = scorer(Comparison::Spider).score_group(&example, &replies);
        prop_assert_eq!(group.len(), replies.len());
        let one_by_one = scorer(Comparison::Spider);
        for (reply, scored) in replies.iter().zip(&group) {
            prop_assert!(same(scored, &one_by_one.score(&example, reply)));
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = pool.install(|| scorer(Comparison::Spider).score_group(&example, &replies));
            prop_assert!(group.iter().zip(&again).all(|(a, b)| same(a, b)));
        }
        for right in group.iter().filter(|s| s.correct) {
            prop_assert!(group.iter().filter(|s| !s.correct).all(|wrong| wrong.reward < right.reward));
        }
    }

    #[test]
    fn no_text_is_an_error_of_ours(reply in any::<String>()) {
        let place = Place::new();
        let scored = scorer(Comparison::Spider).score(&place.example("SELECT a FROM t"), &reply);
        prop_assert!(scored.result.outcome != "database_error");
        prop_assert!(scored.correct || scored.reward <= 0.3);
    }
}
