//! Changes and going back: looked at in the row in which one types, and asked of the trainer with enter.

use serde_json::Value;

use crate::{
    cockpit::{app::App, entry::Purpose},
    run::{command::Command, event::LogLevel},
    settings::{Settings, is_live},
};

/// Lets the person look at a change, type another value, and take it or leave it.
pub fn propose(app: &mut App, key: &str, value: &Value) {
    if !is_live(key) {
        let set = format!("--set {key}={value}");
        return app.toast(LogLevel::Warn, format!("{key} cannot change while a run trains: a new run with {set}"));
    }
    if let Some(why) = app.why_no_orders() {
        return app.toast(LogLevel::Warn, why);
    }
    key.clone_into(&mut app.ui.controls.editing);
    app.type_line(Purpose::Value, &shown(value));
}

/// A value as a person types it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a person typed, as a value: YAML, as in settings files.
fn typed(text: &str) -> Result<Value, String> {
    serde_yaml::from_str(text).map_err(|_| "no value".to_owned())
}

/// The settings that the run trains by.
pub(super) fn settings(app: &App) -> Option<Settings> {
    serde_json::from_value(app.run.info()?.settings.clone()).ok()
}

/// What stands behind the row: the change and when it takes effect, or why it cannot be; whether it can.
pub fn hint(app: &App, text: &str) -> (bool, String) {
    let key = &app.ui.controls.editing;
    let old = settings(app).and_then(|settings| settings.value(key)).unwrap_or_default();
    let checked = typed(text).and_then(|value| match settings(app) {
        Some(settings) => settings.with_live(key, &value).map_err(|error| error.to_string()),
        // Settings of another version: the trainer checks them.
        None => Ok(Settings::default()),
    });
    match checked {
        Ok(_) => {
            let step = app.run.step() + 1;
            (true, format!("{key}: was {}, from step {step} on; enter applies, esc leaves", shown(&old)))
        }
        Err(why) => (false, why),
    }
}

/// Asks for the change that was typed.
pub fn take_value(app: &mut App, text: &str) {
    let (possible, why) = hint(app, text);
    let key = std::mem::take(&mut app.ui.controls.editing);
    match typed(text).ok().filter(|_| possible) {
        Some(value) => {
            let words = format!("{key} becomes {} after the step", shown(&value));
            app.order(Command::Set { key, value }, &words);
        }
        None => app.toast(LogLevel::Warn, why),
    }
}

/// Asks for a checkpoint with what was typed as its note.
pub fn take_note(app: &mut App, text: &str) {
    let note = Some(text.trim().to_owned()).filter(|note| !note.is_empty());
    app.order(Command::Checkpoint { note }, "a checkpoint is written at the end of the step");
}

/// Goes back to the marked checkpoint if that was confirmed.
pub fn take_roll_back(app: &mut App, text: &str) {
    let Some(step) = super::checkpoints::marked(app) else { return };
    if text.trim().eq_ignore_ascii_case("yes") {
        app.order(Command::RollBack { checkpoint: step }, &format!("going back to step {step} after the step"));
    } else {
        app.toast(LogLevel::Info, "nothing was done: it takes a yes".into());
    }
}
