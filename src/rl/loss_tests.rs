use serde_json::Value;

use super::*;
use crate::rl::testing::golden_lines;

fn rows(value: &Value, mask: &[usize]) -> Vec<Vec<f32>> {
    let row =
        |(row, n): (&Value, &usize)| row.as_array().unwrap()[..*n].iter().map(|v| v.as_f64().unwrap() as f32).collect();
    value.as_array().unwrap().iter().zip(mask).map(row).collect()
}

/// The objective of a golden case, where it is of the kind that this file computes.
fn objective(config: &Value) -> Option<Objective> {
    let known = ["loss_type", "beta", "max_completion_length", "on_policy", "epsilon", "epsilon_high"];
    let loss_type = serde_json::from_value(config["loss_type"].clone()).ok()?;
    let supported = config.as_object().unwrap().keys().all(|k| known.contains(&k.as_str()));
    let epsilon = config["epsilon"].as_f64().unwrap_or(0.2);
    supported.then(|| Objective {
        loss_type,
        beta: config["beta"].as_f64().unwrap_or(0.0),
        epsilon_low: epsilon,
        epsilon_high: config["epsilon_high"].as_f64().unwrap_or(epsilon),
        max_completion_length: config["max_completion_length"].as_u64().unwrap() as usize,
    })
}

#[test]
fn golden_losses_gradients_and_metrics_are_trls() {
    let Some(lines) = golden_lines("grpo_loss.jsonl") else { return };
    let mut checked = 0;
    for case in &lines {
        let Some(objective) = objective(&case["config"]) else { continue };
        check(case, &objective);
        checked += 1;
    }
    assert!(checked >= 20, "only {checked} cases are of the supported kind");
}

fn check(case: &Value, objective: &Objective) {
    let mask = case["mask"].as_array().unwrap();
    let lengths: Vec<usize> =
        mask.iter().map(|m| m.as_array().unwrap().iter().filter(|v| v.as_f64() == Some(1.0)).count()).collect();
    let (logp, reference) = (rows(&case["logp"], &lengths), rows(&case["ref_logp"], &lengths));
    let entropy = rows(&case["entropy"], &lengths);
    let old = (!case["old_logp"].is_null()).then(|| rows(&case["old_logp"], &lengths));
    let sequences: Vec<_> = (0..lengths.len())
        .map(|i| Sequence {
            logprobs: &logp[i],
            old: old.as_ref().map(|o| o[i].as_slice()),
            reference: &reference[i],
            entropies: &entropy[i],
            advantage: case["advantages"][i].as_f64().unwrap(),
        })
        .collect();
    let totals = Totals { sequences: lengths.len(), tokens: lengths.iter().sum() };
    let found = objective.evaluate(&sequences, totals);
    let close =
        |a: f64, b: f64, what: &str| assert!((a - b).abs() < 1e-6, "{what}: {a} is not {b} in {}", case["config"]);
    close(found.loss, case["loss"].as_f64().unwrap(), "loss");
    for (mine, theirs) in found.gradient.iter().flatten().zip(rows(&case["grad_logp"], &lengths).iter().flatten()) {
        close(f64::from(*mine), f64::from(*theirs), "gradient");
    }
    for (name, value) in found.stats.metrics() {
        if let Some(theirs) = case["metrics"].get(name) {
            close(value, theirs.as_f64().unwrap(), name);
        }
    }
}

fn dapo(beta: f64) -> Objective {
    Objective { loss_type: LossType::Dapo, beta, epsilon_low: 0.2, epsilon_high: 0.2, max_completion_length: 8 }
}

#[test]
fn kl_is_zero_only_where_policy_and_reference_agree() {
    let (p, q) = ([-1.0, -2.0], [-1.5, -1.0]);
    let kl = |reference| {
        let s = Sequence { logprobs: &p, old: None, reference, entropies: &[0.0; 2], advantage: 0.0 };
        dapo(0.0).evaluate(&[s], Totals { sequences: 1, tokens: 2 }).stats.kl
    };
    assert!(kl(&p).abs() < 1e-12);
    assert!(kl(&q) > 0.1);
}

#[test]
fn parts_of_a_batch_add_up_to_the_batch() {
    let s =
        |logprobs, advantage| Sequence { logprobs, old: None, reference: &[-1.0; 3], entropies: &[0.5; 3], advantage };
    let all = [s(&[-1.0, -0.5], 1.0), s(&[-2.0, -0.1, -0.3], -1.0)];
    for loss_type in [LossType::Grpo, LossType::Bnpo, LossType::Dapo, LossType::DrGrpo] {
        let objective = Objective { loss_type, ..dapo(0.1) };
        let totals = Totals { sequences: 2, tokens: 5 };
        let whole = objective.evaluate(&all, totals);
        let (mut first, second) = (objective.evaluate(&all[..1], totals), objective.evaluate(&all[1..], totals));
        assert!((whole.loss - first.loss - second.loss).abs() < 1e-12);
        first.stats.merge(second.stats);
        assert_eq!(first.stats, whole.stats);
    }
}
