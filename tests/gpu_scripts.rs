//! The plan for a GPU machine (docs/gpu.md), as a dry run on the CPU: each step on what the one before it left.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sqlr1-tui");

/// Where a dry run takes place.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, step: &str, device: &str, args: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gpu").join(step);
        let mut command = Command::new(script);
        command.env_remove("OUT").env("SQLR1_GPU_KIT", self.path("kit")).env("XDG_CACHE_HOME", self.path("cache"));
        command.args(["--device", device, "--out"]).arg(self.path("out")).args(args);
        command.output().unwrap()
    }

    /// The result of a step that must succeed.
    fn step(&self, step: &str, args: &[&str]) -> Value {
        let output = self.run(step, "cpu", args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{step}: {}\n{told}", String::from_utf8_lossy(&output.stdout));
        let name =
            args.iter().position(|arg| *arg == "--part").map_or(step.into(), |at| format!("{step}-{}", args[at + 1]));
        let result = self.result(&name);
        assert!(result["ok"] == true && result["dry_run"] == true, "{result}");
        assert!(result["device_name"].as_str().unwrap().starts_with("cpu, "), "{result}");
        result
    }

    fn result(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("out").join(format!("{name}.json"))).unwrap()).unwrap()
    }
}

fn python_is_there() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok();
    if !there {
        println!("skipped: there is no python3");
    }
    there
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_program_travels_in_parts_and_passes_the_steps() {
    if !python_is_there() {
        return;
    }
    let place = Place::new();
    let (parcel, golden) = (text(&place.path("parcel")), place.path("golden"));
    std::fs::create_dir_all(golden.join("deep")).unwrap();
    std::fs::write(golden.join("deep/values.json"), "[1, 2]").unwrap();
    place.step("build", &["--parcel", &parcel, "--program", PROGRAM]);
    let packed = place.step(
        "pack",
        &["--parcel", &parcel, "--golden", &text(&golden), "--spider", "/nowhere", "--part-mib", "8", "--preset", "0"],
    );
    let parts = packed["parts"].as_object().unwrap();
    assert!(parts.len() > 1 && parts.values().all(|bytes| bytes.as_u64().unwrap() < 9 << 20), "{packed}");
    assert!(packed["left_out"].to_string().contains("spider"), "{packed}");

    // A part that is late is waited for.
    let late = place.path("late");
    std::fs::rename(place.path("parcel/part-2"), &late).unwrap();
    let unpacked = place.step("unpack", &["--from", &parcel]);
    assert_eq!(unpacked["waits_for_parts"]["sqlr1-tui"], serde_json::json!([2]), "{unpacked}");
    std::fs::remove_dir_all(&parcel).unwrap();
    std::fs::create_dir_all(&parcel).unwrap();
    std::fs::rename(&late, place.path("parcel/part-2")).unwrap();
    let unpacked = place.step("unpack", &["--from", &parcel]);
    assert!(
        unpacked["whole"].to_string().contains("sqlr1-tui") && unpacked["waits_for_parts"] == serde_json::json!({})
    );
    assert_eq!(std::fs::read_to_string(place.path("kit/golden/deep/values.json")).unwrap(), "[1, 2]");

    let check = place.step("check", &[]);
    assert!(
        check["version"].as_str().unwrap().contains("sqlr1-tui") && check["step"]["peak_mb"].is_number(),
        "{check}"
    );
    let memory = place.step("memory", &[]);
    assert!(memory["shapes"]["tiny"]["verdict"]["under_12_gb"] == true, "{memory}");
    assert!(memory["shapes"]["tiny"]["memory"]["forecast"]["peak"].as_u64().unwrap() > 0);
    let speed = place.step("speed", &["--steps", "1"]);
    assert!(speed["grpo"]["tiny"]["update_tok_s"].as_f64().unwrap() > 0.0, "{speed}");
    assert!(speed["decode"]["tiny, batch 2"]["decode_tok_s"].as_f64().unwrap() > 0.0, "{speed}");
}

#[test]
fn a_killed_run_is_resumed_to_the_bit() {
    if !python_is_there() {
        return;
    }
    let result = Place::new().step("resume", &["--program", PROGRAM, "--steps", "4"]);
    assert!(result["equal_to_the_bit"] == true && result["killed_after_steps"] == 2, "{result}");
}

#[test]
fn training_hands_its_adapter_on_through_the_results() {
    if !python_is_there() {
        return;
    }
    let place = Place::new();
    let step =
        |part: &str, more: &[&str]| place.step("train", &[&["--program", PROGRAM, "--part", part][..], more].concat());
    assert!(step("before", &[])["eval"].is_object());
    let sft = step("sft", &["--steps", "2"]);
    assert_eq!((sft["steps"].as_u64(), place.path("out/adapter.tar.xz.00").exists()), (Some(2), true), "{sft}");
    // Another machine has nothing but the pieces.
    std::fs::remove_dir_all(place.path("kit")).unwrap();
    let pieces = text(&place.path("out"));
    let grpo = step("grpo", &["--steps", "2", "--from", &pieces]);
    assert!(grpo["last_step"].is_object() && grpo["steps"] == 2, "{grpo}");
    assert!(step("after", &[])["eval"].is_object());
}

#[test]
fn what_is_missing_is_said() {
    if !python_is_there() {
        return;
    }
    let place = Place::new();
    for (step, args, missing) in [
        ("check", &[][..], "scripts/gpu/unpack"),
        ("goldens", &["--program", PROGRAM], "lib-tests"),
        ("peers", &["--program", PROGRAM, "--python", "/nowhere/python3"], "torch"),
        ("unpack", &["--from", "/nowhere"], "scripts/gpu/pack"),
        ("train", &["--part", "after", "--program", PROGRAM], "adapter"),
    ] {
        let output = place.run(step, "cpu", args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(3) && told.contains("missing") && told.contains(missing),
            "{step}: {told}"
        );
    }
    if Command::new("nvidia-smi").output().is_err() {
        let output = place.run("memory", "cuda", &["--program", PROGRAM]);
        assert_eq!(output.status.code(), Some(3));
        assert!(place.result("memory")["missing"].to_string().contains("NVIDIA GPU"));
    }
}
