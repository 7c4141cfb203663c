//! Runs that start from an adapter.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::fs;

use common::{assert_code, events, short_run, smollm2};

#[test]
fn an_initial_adapter_is_the_reference_and_stays_it() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    assert_code(&short_run(&model, &first, 2).output().unwrap(), 0);
    let adapter = first.join("checkpoints/step-00000002");
    let output = short_run(&model, &second, 1).arg("--init-adapter").arg(&adapter).output().unwrap();
    assert_code(&output, 0);
    let step = events(&output).into_iter().find(|e| e["type"] == "step").unwrap();
    assert!(step["kl"].as_f64().unwrap().abs() < 1e-9, "the policy starts at its reference: {step}");
    let weights = |path: &std::path::Path| fs::read(path.join("adapter_model.safetensors")).unwrap();
    assert_eq!(weights(&second.join("checkpoints/step-00000001/reference")), weights(&adapter));
    let resumed = short_run(&model, &second, 2).arg("--resume").output().unwrap();
    assert_code(&resumed, 0);
    assert_eq!(weights(&second.join("checkpoints/step-00000002/reference")), weights(&adapter));
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_with_the_remedy() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    assert_code(&short_run(&model, &first, 1).output().unwrap(), 0);
    let adapter = first.join("checkpoints/step-00000001");
    let mut other = short_run(&model, &dir.path().join("second"), 1);
    let output = other.arg("--init-adapter").arg(&adapter).args(["--set", "lora.r=8"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("lora.r"), "{said}");
}
