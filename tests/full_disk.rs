//! A disk without room for a checkpoint, played by a limit on the size of files.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use common::{assert_code, events, short_run, smollm2};

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
