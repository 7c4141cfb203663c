//! A person's whole session with the built program in a real terminal: every view, a resize, pause, checkpoint, exports, leaving.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{fs, process::Command};

use common::{assert_code, pty::Pty, runs::Place};

#[test]
fn a_session_from_the_first_frame_to_the_shell() {
    let place = Place::new();
    let mut train = place.train("run", 1_000_000);
    train.args(["--set", "run.checkpoint_every=100000"]);
    let Some(mut cockpit) = Pty::start(&train) else { return };
    cockpit.wait_for("● running").wait_for("step 2");
    for (key, sign) in [
        ("8", "log"),
        ("7", "runs"),
        ("6", "model"),
        ("5", "ask"),
        ("4", "controls"),
        ("3", "doctor"),
        ("2", "questions"),
        ("1", "reward"),
    ] {
        cockpit.press(key).wait_for(sign);
    }
    cockpit.press(":zoo").wait_for("whole screen").press("\r").press("z");
    cockpit.press("t").wait_for("enter keeps").press("jq");
    cockpit.press(" ").wait_for("‖ paused");
    cockpit.press("c").wait_for("is saved");
    cockpit.press("x").wait_for("curves are in");
    cockpit.press("\u{13}").wait_for("the screen is in");

    let terminal = format!("/proc/{}/fd/0", cockpit.pid());
    let size = |rows: &str, columns: &str| {
        let resized =
            Command::new("stty").args(["-F", terminal.as_str(), "rows", rows, "cols", columns]).status().unwrap();
        assert!(resized.success());
    };
    size("12", "44");
    size("40", "120");
    cockpit.press("?").wait_for("scroll, esc closes").press("?");

    let once = place.output(&["attach", "run", "--once", "--size", "80x24"]);
    assert_code(&once, 0);
    let frame = String::from_utf8(once.stdout).unwrap();
    assert!(frame.contains("1 Train") && frame.lines().count() <= 24, "{frame}");

    cockpit.press("q").wait_for("detach").press("s");
    let (code, said) = cockpit.ends();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("stopped after step"), "{said}");
    let mut written: Vec<String> = fs::read_dir(place.path("run").join("exports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    written.sort();
    let kinds: Vec<_> = written.iter().map(|name| name.trim_matches(|c: char| c.is_ascii_digit()).to_owned()).collect();
    for wanted in ["png", "svg", "txt", "-night.png"] {
        assert!(kinds.iter().any(|name| name.ends_with(wanted)), "no {wanted} in {written:?}");
    }
    for name in written.iter().filter(|name| name.rsplit_once('.').is_some_and(|(_, kind)| kind == "png")) {
        assert!(fs::read(place.path("run").join("exports").join(name)).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
}
