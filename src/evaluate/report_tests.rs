use super::*;
use crate::evaluate::answer::Turn;

fn answer(hardness: Option<Hardness>, exec: u8, exact: Option<u8>, failure: Option<Failure>) -> Answer {
    let outcome = if failure == Some(Failure::Syntax) { "syntax_error" } else { "rows" };
    Answer {
        hardness,
        exec,
        exact,
        exec_clean: u8::from(failure.is_none()),
        exact_clean: exact,
        failure,
        finished: true,
        outcome: outcome.into(),
        ..Answer::default()
    }
}

fn answers() -> Vec<Answer> {
    let mut answers = vec![
        answer(Some(Hardness::Easy), 1, Some(1), None),
        answer(Some(Hardness::Easy), 0, Some(0), None),
        answer(Some(Hardness::Extra), 0, Some(0), Some(Failure::Syntax)),
        answer(None, 0, Some(0), Some(Failure::WrongFilter)),
    ];
    answers.extend((0..5).map(|_| answer(Some(Hardness::Extra), 0, Some(0), Some(Failure::WrongFilter))));
    answers[3].finished = false;
    answers[4].too_long = true;
    answers
}

#[test]
fn shares_are_counted_by_hardness() {
    let report = Report::new(About::default(), &answers());
    assert_eq!(report.score.n, 9);
    assert!((report.score.execution_accuracy - 1.0 / 9.0).abs() < 1e-12);
    assert!((report.score.execution_accuracy_clean - 2.0 / 9.0).abs() < 1e-12);
    let easy = report.hardness[&Hardness::Easy];
    assert_eq!((easy.n, easy.exact_match), (2, Some(0.5)));
    assert_eq!(easy.execution_interval, wilson(1, 2));
    assert!(!report.hardness.contains_key(&Hardness::Medium));
    assert_eq!(report.hardness[&Hardness::Extra].n, 6);
}

#[test]
fn failures_are_counted_and_shown_by_example() {
    let report = Report::new(About::default(), &answers());
    assert_eq!(report.failures[&Failure::WrongFilter].count, 6);
    assert_eq!(report.failures[&Failure::WrongFilter].examples.len(), EXAMPLES);
    assert_eq!(report.by_frequency()[0].0, Failure::WrongFilter);
    assert_eq!((report.too_long, report.cut_off), (1, 1));
    assert_eq!(report.outcomes["syntax_error"], 1);
    let wrong: usize = report.failures.values().map(|f| f.count).sum();
    assert_eq!(wrong, 7, "every answer that is wrong as written is in one group");
}

#[test]
fn the_object_has_the_names_that_programs_read() {
    let value = serde_json::to_value(Report::new(About::default(), &answers())).unwrap();
    assert_eq!(value["n"], 9);
    assert!((value["execution_accuracy"].as_f64().unwrap() - 1.0 / 9.0).abs() < 1e-12);
    assert_eq!(value["hardness"]["easy"]["exact_match"], 0.5);
    assert_eq!(value["failures"]["wrong_filter"]["count"], 6);
    assert_eq!(value["failures"]["timeout"]["count"], 0);
}

#[test]
fn without_tables_there_is_no_exact_match() {
    let mut answers = answers();
    for a in &mut answers {
        (a.exact, a.exact_clean) = (None, None);
    }
    let report = Report::new(About::default(), &answers);
    assert_eq!((report.score.exact_match, report.score.exact_interval), (None, None));
    assert!(report.to_string().contains("no tables.json"));
}

#[test]
fn nothing_asked_is_no_division_by_zero() {
    let report = Report::new(About::default(), &[]);
    assert!(report.score.execution_accuracy.abs() < f64::EPSILON);
    assert_eq!(report.score.execution_interval, [0.0, 1.0]);
}

#[test]
fn the_table_and_the_markdown_are_for_people() {
    let report = Report::new(About { split: "dev".into(), decode: "greedy".into(), ..About::default() }, &answers());
    let table = report.to_string();
    assert!(table.contains("execution %                   50.0         0.0        11.1"), "{table}");
    assert!(table.contains("    6 wrong: wrong filter"), "{table}");
    let markdown = super::super::markdown(&report);
    assert!(markdown.contains("| easy | 2 | 50.0 |") && markdown.contains("### wrong filter"), "{markdown}");
}

#[test]
fn what_feedback_brought_is_counted() {
    assert_eq!(Report::new(About::default(), &answers()).corrections, None);
    let mut some = answers();
    let turn = |outcome: &str, exec: u8| Turn { outcome: outcome.into(), exec, ..Turn::default() };
    some[0].turns = vec![turn("syntax_error", 0)];
    some[1].turns = vec![turn("rows", 1), turn("unknown_name", 0)];
    some[2].turns = vec![turn("timeout", 0)];
    let report = Report::new(About::default(), &some);
    let found = report.corrections.unwrap();
    assert_eq!((found.questions, found.corrected, found.spoilt), (3, 1, 1));
    assert_eq!((found.failed_first, found.failed_last), (2, 1));
    let text = report.to_string();
    assert!(
        text.contains("Feedback in 3 questions: 1 of them corrected, 1 spoilt; 2 first and 1 last replies"),
        "{text}"
    );
}
