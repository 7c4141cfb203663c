use super::*;

fn table(rows: &[&[i64]]) -> Table {
    let rows = rows.iter().map(|row| row.iter().map(|n| Value::Integer(*n)).collect()).collect();
    Table { columns: Vec::new(), rows }
}

fn check(truth: &[&[i64]], answer: &[&[i64]], exec: bool, f1: f64) {
    let (truth, answer) = (table(truth), table(answer));
    assert_eq!(same_rows(&truth, &answer), exec, "{truth:?} {answer:?}");
    assert!((soft_f1(&truth, &answer) - f1).abs() < 1e-12, "{truth:?} {answer:?}: {}", soft_f1(&truth, &answer));
}

#[test]
fn scores_are_as_worked_out_by_hand() {
    check(&[], &[], true, 1.0);
    check(&[&[1, 2]], &[&[1, 2], &[1, 2]], true, 1.0);
    // Columns swapped: all cells are found, but the rows are others.
    check(&[&[1, 2]], &[&[2, 1]], false, 1.0);
    // Rows swapped: the same set, but by position nothing matches.
    check(&[&[1], &[2]], &[&[2], &[1]], true, 0.0);
    // One of two cells: P = R = (1/2) / (1/2 + 1/2).
    check(&[&[1, 2]], &[&[1, 3]], false, 0.5);
    // A column too many: P = 1 / (1 + 1/1), R = 1.
    check(&[&[1]], &[&[1, 3]], false, 2.0 / 3.0);
    // A row missing: P = 1, R = 1 / 2. A row too many: the other way round.
    check(&[&[1], &[2]], &[&[1]], false, 2.0 / 3.0);
    check(&[&[1]], &[&[1], &[2]], false, 2.0 / 3.0);
    check(&[&[1]], &[], false, 0.0);
}

#[test]
fn times_are_rewarded_in_steps() {
    let rewards = [2.0, 1.99, 1.0, 0.99, 0.5, 0.3, 0.25, 0.1].map(time_reward);
    assert_eq!(rewards, [1.25, 1.0, 1.0, 0.75, 0.75, 0.5, 0.5, 0.25]);
    let mut ratios = vec![1.0; 50];
    assert!((mean_ratio(&ratios) - 1.0).abs() < 1e-12);
    ratios.push(1000.0);
    assert!((mean_ratio(&ratios) - 1.0).abs() < 1e-12);
}

#[test]
fn queries_are_executed() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("d.sqlite");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        .unwrap();
    let sandbox = Sandbox::in_process(&crate::settings::SqlSettings::default());
    let score = |predicted| bird_score(&sandbox, &database, "SELECT a FROM t", predicted, 5);
    let right = score("SELECT DISTINCT a FROM t UNION SELECT 1");
    assert!(right.exec && right.reward >= 0.25, "{right:?}");
    let wrong = score("SELECT z FROM t");
    assert_eq!((wrong.exec, wrong.soft_f1, wrong.reward, wrong.outcome), (false, 0.0, 0.0, "unknown_name"));
    let slow =
        score("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT max(1) FROM n");
    assert!(slow.exec && slow.reward < 0.5, "{slow:?}");
}
