use proptest::prelude::*;

use super::*;
use crate::{cockpit::fixture::group, settings::RewardComponent};

fn parsed(line: &str) -> Filter {
    line.parse().unwrap()
}

/// Numbers of the candidates found in the made-up group: other rows, right, an error, no SQL.
fn found(line: &str) -> Vec<usize> {
    Subject::new(&group(7, 1), Flip::Lost).found(&parsed(line)).collect()
}

#[test]
fn each_field_is_asked_of_what_it_names() {
    for (line, expected) in [
        ("", vec![0, 1, 2, 3]),
        ("reward<0.5", vec![0, 2, 3]),
        ("reward<=0.3 reward>0", vec![0]),
        ("advantage>0", vec![1]),
        ("outcome:empty", vec![3]),
        ("outcome=unknown_name", vec![2]),
        ("outcome=unknown", vec![]),
        ("db:CONCERT step>6 id:701 flip:lost", vec![0, 1, 2, 3]),
        ("step>=8", vec![]),
        ("flip:gained | flip:none", vec![]),
        ("correct:yes", vec![1]),
        ("finished:no", vec![3]),
        ("dead:no accuracy:0.25", vec![0, 1, 2, 3]),
        ("mean=0.325 spread>0.3", vec![0, 1, 2, 3]),
        ("rows>1", vec![1]),
        ("execution=1 partial>0.5", vec![1]),
        ("partial=0.3", vec![0]),
        ("sql:france", vec![0]),
        ("sorry", vec![3]),
        ("reply:\"i cannot\"", vec![3]),
        ("gold:desc question:oldest", vec![0, 1, 2, 3]),
        ("nmae | france", vec![0, 2]),
        ("-correct:yes !finished:no", vec![0, 2]),
        ("NOT (nmae OR france) AND sql:select", vec![1]),
        ("text:\"age desc\" sql!=\"\" correct!=yes", vec![0, 2]),
        ("ngram>0", vec![]),
    ] {
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (line, expected) in [
        ("reward<high", "at character 8: a number is wanted"),
        ("reward<", "at character 8: what is asked of `reward` is missing"),
        ("db<3", "at character 4: `db` is a text"),
        ("rewards<3", "at character 1: there is no field `rewards`; there are db, outcome,"),
        ("a (b", "at character 3: this parenthesis is not closed"),
        ("a b)", "at character 4: there is no parenthesis"),
        ("a |", "at character 4: something is missing"),
        ("| a", "at character 1: something is missing"),
        ("x \"y", "at character 3: the closing quote is missing"),
        ("correct:maybe", "at character 9: yes or no"),
        ("flip:up", "at character 6: lost, gained or none"),
        ("step:nan", "at character 6: a number"),
        ("()", "at character 2: something is missing"),
    ] {
        let error = line.parse::<Filter>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{line}: {error}");
    }
    let deep = "(".repeat(100_000);
    assert!(deep.parse::<Filter>().unwrap_err().to_string().contains("within each other"));
}

#[test]
fn what_is_typed_is_what_is_printed() {
    for line in
        ["reward<0.5 outcome:syntax", "a | b c", "-(a | b) -flip:lost", "text:\"count(\"", "\"or\" \"a:b\" \"-x\""]
    {
        assert_eq!(parsed(line).to_string(), line);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,5}", "(or|AND|not|-x|!|a:b|x<3|count\\(|\"|\\\\|é 東|)", ".{0,6}"]
}

fn filters() -> impl Strategy<Value = Filter> {
    let number = (-1e6f64..1e6, 0..NUMBERS.len(), any::<bool>());
    let leaf = prop_oneof![
        text().prop_map(Filter::Word),
        (0..TEXTS.len(), any::<bool>(), text()).prop_map(|(at, whole, text)| Filter::Text(TEXTS[at].1, whole, text)),
        number.prop_map(|(value, at, less)| {
            let comparison = if less { Comparison::AtMost } else { Comparison::Unequal };
            Filter::Number(NUMBERS[at].1.clone(), comparison, value)
        }),
        (0..RewardComponent::ALL.len()).prop_map(|at| {
            Filter::Number(NumberField::Part(RewardComponent::ALL[at].name()), Comparison::More, 0.5)
        }),
        (0..FACTS.len(), any::<bool>()).prop_map(|(at, is)| Filter::Is(FACTS[at].1, is)),
        (0..3usize).prop_map(|at| Filter::Flip(Flip::ALL[at])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #[test]
    fn every_filter_is_read_as_it_is_printed(filter in filters()) {
        let printed = filter.to_string();
        prop_assert_eq!(printed.parse::<Filter>(), Ok(filter), "{}", printed);
    }

    #[test]
    fn no_line_breaks_the_parser(line in ".{0,60}") {
        if let Ok(filter) = line.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
    }

    #[test]
    fn no_line_of_its_own_signs_breaks_the_parser(line in "[a-c():|!\\-\"<>= \\\\]{0,30}") {
        if let Ok(filter) = line.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
    }
}
