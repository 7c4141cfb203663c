//! The view, driven by keys.

use crossterm::event::KeyCode;
use serde_json::json;

use crate::{
    cockpit::{
        Symbols,
        theme::ColorDepth,
        views::testing::{Driver, SIZES, run},
    },
    run::{
        command::Command,
        event::{Alarm, Cost, CostOf, Event, Remedy, SetTo, Severity},
    },
};

fn alarm(detector: &str, severity: Severity, active: bool) -> Event {
    Event::Alarm(Box::new(Alarm {
        detector: detector.into(),
        active,
        severity,
        since: 30,
        step: if active { 33 } else { 41 },
        confidence: 0.8,
        what: format!("what {detector} has found wrong with this run, in a sentence that is long enough to be cut off"),
        cost: Some(Cost { share: 0.4, of: CostOf::Rollouts }),
        remedies: vec![
            Remedy { text: "look at the rollouts".into(), set: None },
            Remedy {
                text: "grpo.beta: 0.08: the reference pulls harder".into(),
                set: Some(SetTo { key: "grpo.beta".into(), value: json!(0.08) }),
            },
        ],
        done: None,
    }))
}

fn ill() -> Vec<Event> {
    vec![
        alarm("length", Severity::Notice, true),
        alarm("dead_groups", Severity::Warning, true),
        alarm("kl", Severity::Critical, true),
        alarm("length", Severity::Notice, false),
    ]
}

fn driver(events: Vec<Event>) -> Driver {
    let mut driver = Driver::new(&run(events), &Symbols::UNICODE, ColorDepth::True);
    driver.keys("3");
    driver
}

#[test]
fn alarms_and_health_at_four_sizes() {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("doctor_ill_{width}x{height}"), driver(ill()).screen(width, height));
        insta::assert_snapshot!(format!("doctor_well_{width}x{height}"), driver(Vec::new()).screen(width, height));
    }
}

#[test]
fn the_tab_counts_what_is_wrong_and_the_worst_comes_first() {
    let screen = driver(ill()).screen(120, 36);
    assert!(screen.contains("Doctor !2"), "{screen}");
    let at = |words: &str| screen.find(words).unwrap_or_else(|| panic!("{words} is missing: {screen}"));
    assert!(at("!! critical") < at("! warning ") && at("! warning ") < at("over  "), "{screen}");
    assert!(!driver(Vec::new()).screen(120, 36).contains("Doctor !"));
}

#[test]
fn a_remedy_that_is_a_setting_is_looked_at_and_applied() {
    let mut driver = driver(ill());
    // Into the remedies, on advice first.
    driver.press(KeyCode::Enter).press(KeyCode::Enter);
    assert_eq!(driver.sent(), []);
    assert!(driver.screen(120, 36).contains("this is advice"));
    driver.keys("j").press(KeyCode::Enter);
    let screen = driver.screen(120, 36);
    assert!(screen.contains("new value: 0.08") && screen.contains("grpo.beta: was 0.04, from step 43 on"), "{screen}");
    assert_eq!(driver.sent(), []);
    driver.press(KeyCode::Enter);
    assert_eq!(driver.sent(), [Command::Set { key: "grpo.beta".into(), value: json!(0.08) }]);
}

#[test]
fn signs_do_without_colour_and_without_unicode() {
    let mut driver = Driver::new(&run(ill()), &Symbols::ASCII, ColorDepth::None);
    let screen = driver.keys("3").screen(100, 30);
    assert!(screen.is_ascii() && screen.contains("!! critical"), "{screen}");
}
