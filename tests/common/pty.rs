//! The built program in a pseudo-terminal, which `script` of util-linux makes.

use std::{
    io::{Read, Write},
    num::NonZero,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A command in a terminal of 120 columns and 40 rows.
pub struct Pty {
    script: Child,
    keys: ChildStdin,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    /// Runs a command; `None`, with a message, where there is no `script`.
    pub fn start(command: &Command) -> Option<Self> {
        let quote = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"));
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
        let inner = format!("echo PID $$; exec {}", words.join(" "));
        let outer = format!("stty rows 40 cols 120; sh -c {}; echo CODE $?; echo DONE", quote(inner.as_ref()));
        let mut script = Command::new("script");
        script.args(["-qfec", &outer, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        script
            .current_dir(command.get_current_dir().unwrap())
            .env_remove("SSH_CONNECTION")
            .env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        let mut script = match script.spawn() {
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

    /// All that came so far, escapes and all.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// What the terminal shows now. What was sent is not enough: of a line that changes, only the cells that differ are sent.
    pub fn screen(&self) -> String {
        let size = |cells: u16| NonZero::new(cells).unwrap();
        let mut terminal = vt100::Parser::new(size(40), size(120), 0);
        terminal.process(&self.output.lock().unwrap());
        terminal.screen().contents()
    }

    /// Waits until the terminal was sent `needle`, or shows it.
    pub fn wait_for(&mut self, needle: &str) -> &mut Self {
        let start = Instant::now();
        while !self.text().contains(needle) && !self.screen().contains(needle) {
            assert!(start.elapsed() < PATIENCE, "no {needle:?} on\n{}", self.screen());
            thread::sleep(Duration::from_millis(20));
        }
        self
    }

    /// Types keys.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// The process of the command.
    pub fn pid(&mut self) -> u32 {
        self.wait_for("PID ");
        let text = self.text();
        text.split("PID ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Closes the terminal, as when a link drops: everything in it gets SIGHUP.
    pub fn close(mut self) {
        self.script.kill().unwrap();
        self.script.wait().unwrap();
    }

    /// Waits until the command has ended; its exit code, and what it left on the terminal after the screen.
    pub fn ends(mut self) -> (i32, String) {
        self.wait_for("DONE");
        let _ = self.script.wait();
        let text = self.text();
        let after = text.rsplit("\u{1b}[?1049l").next().unwrap().to_owned();
        let code = after.split("CODE ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        (code, after)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Only matters after a failed assertion.
        let _ = self.script.kill();
    }
}

/// Waits until something is so.
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "it never came about that {what}");
        thread::sleep(Duration::from_millis(30));
    }
}
