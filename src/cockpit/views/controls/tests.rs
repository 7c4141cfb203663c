//! The view, driven by keys.

use crossterm::event::KeyCode;
use serde_json::json;

use crate::{
    cockpit::{
        Symbols,
        app::Message,
        theme::ColorDepth,
        views::testing::{Driver, SIZES, run},
    },
    run::{
        command::Command,
        event::{ChangedBy, CheckpointReason, CheckpointSaved, Event, Refusal, SettingChanged},
    },
};

fn changed() -> Vec<Event> {
    let saved = CheckpointSaved {
        step: 42,
        path: "runs/test/checkpoint-42".into(),
        bytes: 2 << 20,
        reason: CheckpointReason::Manual,
        note: Some("before the change".into()),
    };
    let (old, new) = (json!(0.04), json!(0.1));
    let change = SettingChanged { key: "grpo.beta".into(), old, new, takes_effect: 43, by: ChangedBy::Person };
    vec![Event::Checkpoint(saved), Event::Changed(change)]
}

fn driver() -> Driver {
    let mut driver = Driver::new(&run(changed()), &Symbols::UNICODE, ColorDepth::True);
    driver.keys("4");
    driver
}

#[test]
fn live_and_all_settings_at_four_sizes() {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("controls_{width}x{height}"), driver().screen(width, height));
        insta::assert_snapshot!(format!("settings_{width}x{height}"), driver().keys(",").screen(width, height));
    }
}

#[test]
fn a_change_shows_what_is_allowed_before_it_is_asked_for() {
    let mut driver = driver();
    driver.keys("/temperature").press(KeyCode::Enter);
    driver.press(KeyCode::Enter);
    assert!(driver.screen(160, 36).contains("rollout.temperature: was 0.8, from step 43 on"));
    driver.press(KeyCode::Backspace).press(KeyCode::Backspace).press(KeyCode::Backspace).keys("11");
    assert!(driver.screen(200, 36).contains("above 0, up to 10"), "{}", driver.screen(200, 36));
    driver.press(KeyCode::Enter);
    assert_eq!(driver.sent(), [], "what cannot be is not even asked for");
    driver.press(KeyCode::Enter).press(KeyCode::Backspace).keys("9").press(KeyCode::Enter);
    assert_eq!(driver.sent(), [Command::Set { key: "rollout.temperature".into(), value: json!(0.9) }]);
}

#[test]
fn what_was_changed_is_shown_with_its_step_and_marks_the_charts() {
    let mut driver = driver();
    driver.keys("/grpo.beta").press(KeyCode::Enter);
    let screen = driver.screen(120, 36);
    assert!(screen.contains("0.1") && screen.contains("changed at 43"), "{screen}");
    let marks: Vec<_> = driver.app.run.markers().iter().map(|marker| marker.text.as_str()).collect();
    assert!(marks.contains(&"grpo.beta 0.04 → 0.1") && marks.contains(&"before the change"), "{marks:?}");
}

#[test]
fn a_setting_that_needs_a_new_run_says_so_and_is_copied() {
    let mut driver = driver();
    driver.keys(",/lora.r").press(KeyCode::Enter);
    assert!(driver.screen(120, 36).contains("needs a new run"));
    driver.press(KeyCode::Enter);
    assert!(driver.screen(120, 36).contains("--set lora.r=16"), "{}", driver.screen(120, 36));
    driver.keys("y");
    assert_eq!(driver.app.take_messages().pop(), Some(Message::Copy("--set 'lora.r=16'".into())));
    assert_eq!(driver.sent(), []);
}

#[test]
fn going_back_takes_a_yes() {
    let mut driver = driver();
    driver.keys("rno").press(KeyCode::Enter);
    assert_eq!(driver.sent(), []);
    driver.keys("jryes").press(KeyCode::Enter);
    assert_eq!(driver.sent(), [Command::RollBack { checkpoint: 40 }]);
}

#[test]
fn one_step_and_a_note() {
    let mut driver = driver();
    driver.keys("imas it was").press(KeyCode::Enter);
    let note = Some("as it was".to_owned());
    assert_eq!(driver.sent(), [Command::StepOnce, Command::Checkpoint { note }]);
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let refusal = Refusal { asked: "to set grpo.beta to -1".into(), reason: "allowed: 0 or more".into() };
    let mut driver = Driver::new(&run(Vec::new()), &Symbols::UNICODE, ColorDepth::True);
    let mut records = run(vec![Event::Refused(refusal)]);
    driver.app.record(&records.pop().unwrap());
    let screen = driver.screen(120, 36);
    assert!(screen.contains("asked to set grpo.beta to -1, which is refused: allowed: 0 or more"), "{screen}");
}
