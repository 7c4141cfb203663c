//! A disk without room: a limit on the size of files, and a small file system that fills up.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{assert_code, demo_run, events, short_run, smollm2, wait_for};
use sqlr1_tui::run::{
    checkpoint,
    event::{Event, Record},
    store::RunStore,
};

/// The command under a limit of about 1 MiB a file: more than the store needs, less than an adapter.
fn with_small_files(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    limited
}

fn checkpoints(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("checkpoints")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_without_room_fails_the_run_and_spoils_nothing() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert_code(&short_run(&model, &run, 2).output().unwrap(), 0);
    let mut resumed = short_run(&model, &run, 4);
    let output = with_small_files(resumed.arg("--resume")).output().unwrap();
    assert_code(&output, 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("step-00000004") && said.contains("File too large"), "{said}");
    let last = events(&output).pop().unwrap();
    assert_eq!((last["type"].as_str(), last["reason"].as_str()), (Some("end"), Some("failed")));
    assert_eq!(checkpoints(&run), ["step-00000002"], "no half of a checkpoint is left");
    let again = short_run(&model, &run, 4).arg("--resume").output().unwrap();
    assert_code(&again, 0);
    assert_eq!(events(&again)[0]["resumed_from"], 2);
}

/// A run on the built-in model in a file system of 12 MiB of its own, with a shell beside it that fills and empties it: once there is
/// a file `fill`, all but `left` bytes are taken; once there is a file `empty`, they are given back. What the run leaves is
/// copied to `after`. `None`, with a message, where this user may not mount anything.
struct SmallDisk {
    dir: tempfile::TempDir,
    child: Child,
}

impl SmallDisk {
    fn start(left: &str, sets: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let may_mount = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none \"$1\"", "sh"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        if !may_mount.is_ok_and(|status| status.success()) {
            println!("skipped: this user may not mount a small file system (unshare --map-root-user --mount)");
            return None;
        }
        let disk = dir.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let script = "cd \"$1\"; mount -t tmpfs -o size=12m none disk; shift; left=$1; shift; \"$@\" 2>said & run=$!
            until [ -e fill ]; do sleep 0.05; done
            cat /dev/zero >disk/filler 2>/dev/null; truncate -s -$left disk/filler; touch filled
            until [ -e empty ]; do sleep 0.05; done
            rm disk/filler; wait $run; code=$?; cp -r disk/run after; exit $code";
        let run = demo_run(&disk.join("run"), 12, sets);
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(dir.path()).arg(left);
        command.arg(run.get_program()).args(run.get_args()).stdin(Stdio::null()).stdout(Stdio::piped());
        Some(Self { child: command.spawn().unwrap(), dir })
    }

    fn say(&self, word: &str) {
        fs::write(self.dir.path().join(word), "").unwrap();
    }

    fn said(&self) -> String {
        fs::read_to_string(self.dir.path().join("said")).unwrap_or_default()
    }

    fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let patience = Instant::now() + Duration::from_mins(2);
        while !done() {
            assert!(Instant::now() < patience, "{what}: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Fills the disk after the first step, sees that the run pauses, and makes room again.
    fn pause_and_go_on(&mut self) -> (Output, Vec<Record>) {
        wait_for(&mut self.child, |e| e["type"] == "step" && e["step"] == 1);
        self.say("fill");
        self.wait_until("the run pauses", || self.said().contains("paused until it can be written"));
        let paused = self.said();
        // It stays paused, and alive.
        thread::sleep(Duration::from_secs(3));
        assert!(self.child.try_wait().unwrap().is_none(), "{}", self.said());
        assert_eq!(self.said().matches("paused until").count(), paused.matches("paused until").count());
        self.say("empty");
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}", self.said());
        let stored = RunStore::read_run(&self.dir.path().join("after/run.db")).unwrap();
        assert!(stored.damage.is_none());
        (Output { status, stdout: rest.into(), stderr: Vec::new() }, stored.records)
    }
}

/// The run went through all its steps, each told and stored once, and its last checkpoint is whole.
fn assert_nothing_lost(disk: &SmallDisk, output: &Output, records: &[Record]) {
    let told: Vec<_> = events(output).iter().filter(|e| e["type"] == "step").map(|e| e["step"].as_u64()).collect();
    assert_eq!(told.last(), Some(&Some(12)));
    let step = |record: &Record| if let Event::Step(done) = &record.event { Some(done.step) } else { None };
    assert_eq!(records.iter().filter_map(step).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert!(records.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    let log = |record: &&Record| matches!(&record.event, Event::Log(line) if line.message.contains("nothing could be written"));
    assert_eq!(records.iter().filter(log).count(), 1);
    let newest = checkpoint::newest(&disk.dir.path().join("after/checkpoints")).unwrap();
    assert!(newest.1.is_empty() && newest.0.unwrap().manifest.step == 12);
}

#[test]
fn a_run_without_room_for_its_events_pauses_until_there_is() {
    let Some(mut disk) = SmallDisk::start("0", &["run.checkpoint_every=0"]) else { return };
    let (output, records) = disk.pause_and_go_on();
    assert!(disk.said().contains("run.db"), "it says what has no room: {}", disk.said());
    assert_nothing_lost(&disk, &output, &records);
}

#[test]
fn a_run_without_room_for_a_checkpoint_pauses_until_there_is() {
    let Some(mut disk) = SmallDisk::start("600K", &["run.checkpoint_every=4"]) else { return };
    let (output, records) = disk.pause_and_go_on();
    assert!(disk.said().contains("cannot fill the checkpoint"), "it says what has no room: {}", disk.said());
    assert_nothing_lost(&disk, &output, &records);
    assert_eq!(events(&output).iter().filter(|e| e["type"] == "checkpoint").count(), 3);
}

#[test]
fn a_run_without_room_can_be_ended() {
    let Some(mut disk) = SmallDisk::start("0", &["run.checkpoint_every=1"]) else { return };
    wait_for(&mut disk.child, |e| e["type"] == "step" && e["step"] == 3);
    disk.say("fill");
    disk.wait_until("the run pauses", || disk.said().contains("paused until it can be written"));
    // The trainer is a child of the shell, in a namespace that shares its process numbers with us.
    let trainer = fs::read_to_string(format!("/proc/{0}/task/{0}/children", disk.child.id())).unwrap();
    let trainer = trainer.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-TERM", trainer]).status().unwrap().success());
    disk.wait_until("the run ends", || disk.said().contains("the run fails"));
    disk.say("empty");
    assert_eq!(disk.child.wait().unwrap().code(), Some(1), "{}", disk.said());
    let (newest, damaged) = checkpoint::newest(&disk.dir.path().join("after/checkpoints")).unwrap();
    assert!(newest.unwrap().manifest.step >= 2 && damaged.is_empty());
}
