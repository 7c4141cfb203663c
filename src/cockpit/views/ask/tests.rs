//! The view, driven by keys.

use crossterm::event::KeyCode;

use crate::{
    cockpit::{
        Symbols,
        theme::ColorDepth,
        views::testing::{Driver, SIZES, run},
    },
    run::{
        command::Command,
        event::{Answer, Event, Reply, ResultPreview},
        fixture::table,
    },
};

fn answer(question: &str) -> Event {
    let base = Reply {
        text: "SELECT nmae FROM singer".into(),
        sql: "SELECT nmae FROM singer".into(),
        result: ResultPreview {
            outcome: "unknown_name".into(),
            message: Some("no such column: nmae".into()),
            ..ResultPreview::default()
        },
        tokens: 12,
        finished: true,
    };
    let policy = Reply {
        text: "SELECT name, age FROM singer ORDER BY age DESC".into(),
        sql: "SELECT name, age FROM singer ORDER BY age DESC".into(),
        result: table(&["name", "age"], &[&["Joe Sharp", "52"], &["東京", "32"]], 2),
        tokens: 20,
        finished: false,
    };
    Event::Answer(Box::new(Answer {
        db_id: "concert_singer".into(),
        question: question.into(),
        step: 42,
        base: Some(base),
        policy,
        time: 1.5,
    }))
}

fn driver(events: Vec<Event>) -> Driver {
    let mut driver = Driver::new(&run(events), &Symbols::UNICODE, ColorDepth::True);
    driver.keys("5");
    driver
}

#[test]
fn answers_and_none_at_four_sizes() {
    for (width, height) in SIZES {
        let mut asked = driver(vec![answer("Who sings, from the oldest on?")]);
        insta::assert_snapshot!(format!("ask_{width}x{height}"), asked.press(KeyCode::Tab).screen(width, height));
        insta::assert_snapshot!(format!("ask_empty_{width}x{height}"), driver(Vec::new()).screen(width, height));
    }
}

#[test]
fn a_question_goes_to_the_database_that_was_chosen() {
    let mut driver = driver(Vec::new());
    driver.keys("/WORLD").press(KeyCode::Enter).press(KeyCode::Enter);
    driver.keys("How many cities? ").press(KeyCode::Enter);
    let (database, question) = ("world_1".into(), "How many cities?".into());
    assert_eq!(driver.sent(), [Command::Ask { database, question }]);
    driver.press(KeyCode::Enter).press(KeyCode::Enter);
    assert_eq!(driver.sent().len(), 1, "nothing typed, nothing asked");
}

#[test]
fn older_answers_are_kept() {
    let mut driver = driver(vec![answer("the first question"), answer("the second question")]);
    driver.press(KeyCode::Tab);
    assert!(driver.screen(120, 36).contains("the second question"));
    assert!(driver.keys("h").screen(120, 36).contains("the first question"));
    assert!(driver.keys("l").screen(120, 36).contains("the second question"));
}
