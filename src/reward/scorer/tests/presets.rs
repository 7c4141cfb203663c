//! What each preset promises.

use super::*;
use crate::settings::RewardPreset;

const PRESETS: [RewardPreset; 5] = [
    RewardPreset::ExecutionPartial,
    RewardPreset::SqlR1,
    RewardPreset::Arctic,
    RewardPreset::ReasoningSql,
    RewardPreset::Think2sql,
];

fn preset(preset: RewardPreset) -> Scorer {
    scorer_by(RewardSettings { preset, ..RewardSettings::default() }, Comparison::Spider)
}

/// A reply that keeps the format.
fn formatted(sql: &str) -> String {
    format!("<think>\nhm\n</think>\n<answer>\n```sql\n{sql}\n```\n</answer>")
}

#[test]
fn rewards_are_those_of_the_papers() {
    let place = Place::new();
    let example = place.example("SELECT a FROM t WHERE a = 2");
    let (right, wrong, broken) =
        ("SELECT a FROM t WHERE a > 1 AND a < 3", "SELECT a FROM t WHERE a > 2", "SELECT a FROM");
    let rewards = |p, replies: [String; 4]| replies.map(|reply| preset(p).score(&example, &reply).reward);
    let bare = |sql: &str| sql.to_owned();
    let close = |found: [f64; 4], expected: [f64; 4]| {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9), "{found:?}, expected {expected:?}");
    };
    let replies = || [formatted(right), formatted(wrong), formatted(broken), bare(right)];
    // Lengths, counted by hand: 4 characters of thought, 50 of answer, 37 of query.
    let length = 0.5 * 54.0 / 2048.0 + 37.0 / 50.0;
    close(rewards(RewardPreset::SqlR1, replies()), [6.0 + length, 0.0, -1.0, -1.0]);
    close(rewards(RewardPreset::Arctic, replies()), [1.0, 0.1, 0.0, 1.0]);
    // The wrong one has cell 3: none of gold's 2, 2; one row against two.
    close(rewards(RewardPreset::Think2sql, replies()), [1.0, 0.85 / 6.0 + 0.15, 0.15, 0.85]);
    // Names: t and a in both. Pairs, gold: SELECT a, a FROM, FROM t, t WHERE, WHERE a, a =, = 2; the right one has the first five
    // of them and a >, > 1, 1 AND, AND a, a <, < 3; the wrong one those five and a >, > 2; the broken one two and no `t`.
    let ngram = [5.0 / 13.0, 5.0 / 9.0, 2.0 / 7.0, 5.0 / 13.0];
    close(
        rewards(RewardPreset::ReasoningSql, replies()),
        [6.0 + ngram[0], 3.0 + ngram[1], 1.5 + ngram[2], 5.0 + ngram[3]],
    );
}

#[test]
fn every_component_that_counts_is_there_and_no_other() {
    let place = Place::new();
    let settings: RewardSettings =
        serde_yaml::from_str("{preset: none, ngram: 1, cell_recall: 2, length: 0.5}").unwrap();
    let scored = scorer_by(settings, Comparison::Spider).score(&place.example("SELECT a FROM t"), "SELECT a FROM t");
    let names: Vec<&str> = scored.components.keys().map(String::as_str).collect();
    assert_eq!(names, ["cell_recall", "length", "ngram"]);
    let expected = 1.0 + 2.0 + 0.5 * scored.components["length"];
    assert!((scored.reward - expected).abs() < 1e-12, "{scored:?}");
}

#[test]
fn a_gold_query_that_fails_costs_no_reply_anything() {
    let place = Place::new();
    let scored = preset(RewardPreset::SqlR1).score(&place.example("SELECT q FROM nowhere"), &formatted("SELECT 1"));
    assert_eq!(scored.components["execution"], 0.0);
    assert_eq!(scored.reward, 3.0, "format and execution");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn right_outscores_every_wrong_query(gold in reply(), queries in prop::collection::vec(reply(), 2..12), tagged in any::<bool>()) {
        let place = Place::new();
        let example = place.example(&gold);
        // SQL-R1 promises nothing without the format.
        let replies = |p| queries.iter().map(|q| if tagged || p == RewardPreset::SqlR1 { formatted(q) } else { q.clone() }).collect::<Vec<_>>();
        for p in PRESETS {
            let group = preset(p).score_group(&example, &replies(p));
            for right in group.iter().filter(|s| s.correct) {
                for wrong in group.iter().filter(|s| !s.correct) {
                    // QATCH's cell metrics can be perfect for a wrong result, so Think2SQL promises no more than no loss.
                    let fine = if p == RewardPreset::Think2sql { wrong.reward <= right.reward + 1e-12 } else { wrong.reward < right.reward };
                    prop_assert!(fine, "{p:?}: {wrong:?} against {right:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_rows_counts_only_where_gold_asks_for_it(
        rows in prop::collection::vec((0..4_i64, 0..3_i64), 2..9),
        by in prop::sample::select(vec!["a", "b", "a, b", "b, a", "b DESC", "random()"]),
    ) {
        let place = Place::new();
        let values = rows.iter().map(|(a, b)| format!("SELECT {a} AS a, {b} AS b")).collect::<Vec<_>>().join(" UNION ALL ");
        let all = format!("SELECT a, b FROM ({values})");
        for p in PRESETS {
            let free = preset(p).score(&place.example(&all), &formatted(&format!("{all} ORDER BY {by}")));
            prop_assert!(free.correct, "{p:?}: {free:?}");
            let up = place.example(&format!("{all} ORDER BY a, b"));
            let down = preset(p).score(&up, &formatted(&format!("{all} ORDER BY a DESC, b DESC")));
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            let reversed: Vec<_> = sorted.iter().rev().copied().collect();
            prop_assert_eq!(down.correct, sorted == reversed || is_permuted(&sorted, &reversed), "{:?}", p);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing(gold in reply(), queries in prop::collection::vec((reply(), any::<bool>()), 1..8)) {
        let place = Place::new();
        let example = place.example(&gold);
        let replies: Vec<String> = queries.into_iter().map(|(q, tagged)| if tagged { formatted(&q) } else { q }).collect();
        for p in PRESETS {
            let bits = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let group = pool.install(|| preset(p).score_group(&example, &replies));
                group.iter().map(|s| (s.reward.to_bits(), s.components.clone(), s.correct)).collect::<Vec<_>>()
            };
            let one = bits(1);
            prop_assert_eq!(&one, &bits(2));
            prop_assert_eq!(&one, &bits(5));
            let alone: Vec<_> = replies.iter().map(|r| preset(p).score(&example, r)).map(|s| (s.reward.to_bits(), s.components, s.correct)).collect();
            prop_assert_eq!(&one, &alone, "in a group or alone");
        }
    }

    #[test]
    fn what_is_no_sql_gets_the_floor(text in "[a-z(,*=<>' ]{0,30}", tagged in any::<bool>()) {
        let place = Place::new();
        // The bracket is never closed.
        let sql = format!("SELECT ( {text}");
        let reply = if tagged { formatted(&sql) } else { sql };
        for p in PRESETS {
            let scored = preset(p).score(&place.example("SELECT a FROM t"), &reply);
            prop_assert!(!scored.correct && scored.result.outcome != "database_error", "{scored:?}");
            let floor = match p {
                RewardPreset::ExecutionPartial => 0.3 * scored.components["partial"],
                RewardPreset::SqlR1 => -1.0,
                RewardPreset::ReasoningSql => {
                    ["format", "schema", "ngram"].iter().map(|name| scored.components[*name]).sum()
                }
                RewardPreset::Think2sql => 0.1 * scored.components["format"] + 0.05 * scored.components["tags"],
                RewardPreset::Arctic | RewardPreset::None => 0.0,
            };
            prop_assert!((scored.reward - floor).abs() < 1e-12, "{p:?}: {scored:?}");
        }
    }
}

/// Whether two sequences of rows are the same but for the order of their columns.
fn is_permuted(a: &[(i64, i64)], b: &[(i64, i64)]) -> bool {
    a.iter().zip(b).all(|(a, b)| *a == (b.1, b.0))
}
