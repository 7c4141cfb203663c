//! The cockpit in a real pseudo-terminal: taken over, drawn on change only, and given back on every way out.
//!
//! `script` of util-linux makes the terminal; in it runs this very test binary with nothing but [`child`].

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command as Process, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{CockpitOptions, Feed, History, HistoryError, Symbols, fixture::RunBuilder, run};
use crate::run::{
    command::{Command, CommandSink},
    event::{EndReason, Record},
};
use crate::settings::UiSettings;

struct Memory(Vec<Record>);

impl History for Memory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        Ok(self.0.iter().filter(|record| record.seq > seq).cloned().collect())
    }
}

/// Ends the run when told to stop, and panics when told to pause.
struct Trainer(mpsc::Sender<Arc<Record>>);

impl CommandSink for Trainer {
    fn send(&self, command: Command) {
        assert_ne!(command, Command::Pause, "a panic on the drawing thread");
        if let Command::Stop { .. } = command {
            let mut run = RunBuilder::with_steps(3);
            run.end(3, EndReason::Stopped);
            let _ = self.0.try_send(Arc::new(run.records().pop().unwrap()));
        }
    }
}

#[test]
#[ignore = "started inside a pseudo-terminal by the tests below"]
fn child() {
    let records = RunBuilder::with_steps(3).records();
    let (queue, receiver) = mpsc::channel(8);
    let (_latest, newest) = watch::channel(0);
    let feed = Feed::live(receiver, newest, Arc::new(Memory(records)));
    let settings = UiSettings { theme: "night".into(), fps: 50, ..UiSettings::default() };
    let options = CockpitOptions { symbols: &Symbols::UNICODE, ..CockpitOptions::from_environment(&settings).unwrap() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(run(feed, Some(Arc::new(Trainer(queue))), options)).unwrap();
    println!("LEFT {:?}", outcome.left);
}

struct Session {
    script: Child,
    keys: ChildStdin,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    /// Starts the child; `None` where there is no `script`.
    fn start() -> Option<Self> {
        let me = std::env::current_exe().unwrap();
        let me = me.display();
        let child = format!("exec '{me}' --exact cockpit::pty_tests::child --ignored --nocapture --test-threads=1");
        let command =
            format!("stty rows 24 cols 80; sh -c \"echo PID \\$\\$; {child}\"; echo MODES; stty -a; echo DONE");
        let mut script = match Process::new("script")
            .args(["-qfec", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        {
            Ok(script) => script,
            Err(error) => {
                println!("skipped: no `script` to make a pseudo-terminal with ({error})");
                return None;
            }
        };
        let output = Arc::new(Mutex::new(Vec::new()));
        let (mut stdout, sink) = (script.stdout.take().unwrap(), Arc::clone(&output));
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut part) {
                sink.lock().unwrap().extend_from_slice(&part[..length]);
            }
        });
        let keys = script.stdin.take().unwrap();
        Some(Self { script, keys, output })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, needle: &str) -> &Self {
        let start = Instant::now();
        while !self.text().contains(needle) {
            let text = self.text();
            let tail: String = text.chars().skip(text.chars().count().saturating_sub(600)).collect();
            assert!(start.elapsed() < Duration::from_secs(20), "no {needle:?} at the end of {tail:?}");
            thread::sleep(Duration::from_millis(10));
        }
        self
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    fn kill(&self, signal: &str) {
        let text = self.text();
        let pid = text.split("PID ").nth(1).unwrap().split_whitespace().next().unwrap();
        assert!(Process::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// Waits for the shell behind the child, and checks that it has its terminal back.
    fn ends_restored(mut self) -> String {
        self.wait_for("DONE");
        let _ = self.script.wait();
        let text = self.text();
        let last = |needle: &str| text.rfind(needle).unwrap_or_else(|| panic!("no {needle:?} in {text:?}"));
        assert!(last("\u{1b}[?1049l") > last("\u{1b}[?1049h"), "the alternate screen is left");
        assert!(last("\u{1b}[?25h") > last("\u{1b}[?25l"), "the cursor is shown");
        assert!(last("\u{1b}[?2026l") > last("\u{1b}[?2026h"), "the last frame is closed");
        let modes = &text[last("MODES")..];
        assert!(modes.contains(" icanon") && modes.contains(" echo "), "raw mode is left: {modes}");
        text
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Only matters after a failed assertion.
        let _ = self.script.kill();
    }
}

#[test]
fn quitting_gives_the_terminal_back() {
    let Some(mut session) = Session::start() else { return };
    session.wait_for("● running");
    session.press("q").wait_for("detach");
    session.press("c");
    assert!(session.ends_restored().contains("LEFT Key(Stopped)"));
}

#[test]
fn signals_give_the_terminal_back_and_are_told() {
    for (signal, told) in [("-TERM", "Terminate"), ("-HUP", "Hangup"), ("-INT", "Interrupt")] {
        let Some(session) = Session::start() else { return };
        session.wait_for("● running").kill(signal);
        assert!(session.ends_restored().contains(&format!("LEFT Signal({told})")), "{signal}");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_speaks() {
    let Some(mut session) = Session::start() else { return };
    session.wait_for("● running");
    session.press(" ");
    let text = session.ends_restored();
    assert!(text.find("a panic on the drawing thread").unwrap() > text.find("\u{1b}[?1049l").unwrap(), "{text:?}");
}

#[test]
fn an_idle_cockpit_sends_nothing_and_frames_come_whole() {
    let Some(mut session) = Session::start() else { return };
    session.wait_for("● running");
    thread::sleep(Duration::from_millis(300));
    let before = session.output.lock().unwrap().len();
    thread::sleep(Duration::from_millis(700));
    assert_eq!(session.output.lock().unwrap().len(), before, "nothing changed, nothing is sent");
    session.press("?").wait_for("help");
    session.press("?").press("qs");
    let text = session.ends_restored();
    assert!(text.matches("\u{1b}[?2026h").count() >= 2);
    // Every frame is closed before the next is opened.
    let frames = text.split("\u{1b}[?2026h").skip(1);
    assert!(frames.into_iter().all(|frame| frame.contains("\u{1b}[?2026l")));
}
