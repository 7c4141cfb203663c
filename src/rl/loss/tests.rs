use serde_json::Value;

use super::*;
use crate::{
    model::golden,
    settings::{GrpoSettings, ImportanceSampling, LossType},
};

fn rows(value: &Value, mask: &[usize]) -> Vec<Vec<f32>> {
    let row =
        |(row, n): (&Value, &usize)| row.as_array().unwrap()[..*n].iter().map(|v| v.as_f64().unwrap() as f32).collect();
    value.as_array().unwrap().iter().zip(mask).map(row).collect()
}

/// The objective of a golden case, whose keys are TRL's option names, and its `top_entropy_quantile`.
fn objective(config: &Value) -> (Objective, f64) {
    let mut options = config.as_object().unwrap().clone();
    // The one that says how the case was made, that which is no part of the loss's options here, and the one that defaults to 0 there.
    options.remove("on_policy");
    let max_completion_length = options.remove("max_completion_length").unwrap().as_u64().unwrap() as usize;
    let entropy_coef = options.remove("entropy_coef").and_then(|c| c.as_f64()).unwrap_or(0.0);
    options.entry("beta").or_insert_with(|| 0.0.into());
    let grpo: GrpoSettings = serde_json::from_value(Value::Object(options)).unwrap();
    (Objective::new(&grpo, grpo.beta, entropy_coef, max_completion_length), grpo.top_entropy_quantile)
}

#[test]
fn golden_losses_gradients_and_metrics_are_trls() {
    let Some(lines) = golden::lines("grpo_loss.jsonl") else { return };
    assert!(!lines.is_empty());
    for case in &lines {
        let (objective, quantile) = objective(&case["config"]);
        check(case, &objective, quantile);
    }
}

fn check(case: &Value, objective: &Objective, quantile: f64) {
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
            counts: true,
        })
        .collect();
    let totals = Totals::new(lengths.len(), &entropy.iter().map(Vec::as_slice).collect::<Vec<_>>(), quantile);
    let found = objective.evaluate(&sequences, totals);
    let close =
        |a: f64, b: f64, what: &str| assert!((a - b).abs() < 1e-6, "{what}: {a} is not {b} in {}", case["config"]);
    close(found.loss, case["loss"].as_f64().unwrap(), "loss");
    for (mine, theirs) in found.gradient.iter().flatten().zip(rows(&case["grad_logp"], &lengths).iter().flatten()) {
        close(f64::from(*mine), f64::from(*theirs), "gradient");
    }
    let metrics = found.stats.metrics();
    for (name, theirs) in case["metrics"].as_object().unwrap() {
        let theirs = theirs.as_f64().unwrap();
        match name.as_str() {
            "policy_loss" => close(found.stats.policy_loss, theirs, name),
            "entropy_coef" => close(objective.entropy_coef, theirs, name),
            _ => {
                let mine = metrics.iter().find(|(mine, _)| mine == name);
                close(mine.unwrap_or_else(|| panic!("no {name} in {}", case["config"])).1, theirs, name);
            }
        }
    }
}

const ALL: [LossType; 8] = [
    LossType::Grpo,
    LossType::Bnpo,
    LossType::Dapo,
    LossType::DrGrpo,
    LossType::Luspo,
    LossType::Cispo,
    LossType::Sapo,
    LossType::Vespo,
];

fn dapo(beta: f64) -> Objective {
    Objective::new(&GrpoSettings::default(), beta, 0.0, 8)
}

#[test]
fn kl_is_zero_only_where_policy_and_reference_agree() {
    let (p, q) = ([-1.0, -2.0], [-1.5, -1.0]);
    let kl = |reference| {
        let s = Sequence { logprobs: &p, old: None, reference, entropies: &[0.0; 2], advantage: 0.0, counts: true };
        dapo(0.0).evaluate(&[s], Totals::new(1, &[&[0.0; 2]], 1.0)).stats.kl
    };
    assert!(kl(&p).abs() < 1e-12);
    assert!(kl(&q) > 0.1);
}

#[test]
fn parts_of_a_batch_add_up_to_the_batch() {
    let s = |logprobs, advantage| Sequence {
        logprobs,
        old: None,
        reference: &[-1.0; 3],
        entropies: &[0.5; 3],
        advantage,
        counts: true,
    };
    let all = [s(&[-1.0, -0.5], 1.0), s(&[-2.0, -0.1, -0.3], -1.0)];
    for loss_type in ALL {
        let objective = Objective { loss_type, ..dapo(0.1) };
        let totals = Totals::new(2, &[&[0.5; 2], &[0.5; 3]], 1.0);
        let whole = objective.evaluate(&all, totals);
        let (mut first, second) = (objective.evaluate(&all[..1], totals), objective.evaluate(&all[1..], totals));
        assert!((whole.loss - first.loss - second.loss).abs() < 1e-12);
        first.stats.merge(second.stats);
        assert!((first.stats.policy_loss - whole.stats.policy_loss).abs() < 1e-12);
        first.stats.policy_loss = whole.stats.policy_loss;
        assert_eq!(first.stats, whole.stats);
    }
}

/// A batch of two sequences away from the policy that sampled them.
fn batch<'a>(logprobs: &'a [Vec<f32>], entropies: &'a [Vec<f32>]) -> Vec<Sequence<'a>> {
    let row = |i: usize| Sequence {
        logprobs: &logprobs[i],
        old: Some(&[-1.0, -0.8, -1.3][..logprobs[i].len()]),
        reference: &[-1.1, -0.9, -0.4],
        entropies: &entropies[i],
        advantage: if i == 0 { 1.2 } else { -0.7 },
        counts: true,
    };
    (0..logprobs.len()).map(row).collect()
}

#[test]
fn gradients_are_the_derivatives_of_the_loss() {
    let (logprobs, entropies) =
        (vec![vec![-0.9, -1.0], vec![-1.1, -0.7, -1.2]], vec![vec![0.4, 0.9], vec![0.2, 0.6, 0.8]]);
    let totals = Totals::new(2, &[&entropies[0], &entropies[1]], 0.6);
    // The weights of these two are not differentiated, by definition.
    for loss_type in ALL.into_iter().filter(|kind| !matches!(kind, LossType::Cispo | LossType::Vespo)) {
        for level in [ImportanceSampling::Token, ImportanceSampling::Sequence] {
            let objective = Objective {
                loss_type,
                importance_sampling: level,
                use_bias_correction_kl: true,
                dual_clip: Some(3.0),
                ..Objective::new(&GrpoSettings::default(), 0.1, 0.05, 8)
            };
            let found = objective.evaluate(&batch(&logprobs, &entropies), totals);
            for (i, row) in logprobs.iter().enumerate() {
                for t in 0..row.len() {
                    let moved = |by: f32| {
                        let (mut logprobs, step) = (logprobs.clone(), by * 1e-3);
                        logprobs[i][t] += step;
                        objective.evaluate(&batch(&logprobs, &entropies), totals).loss
                    };
                    let slope = (moved(1.0) - moved(-1.0)) / 2e-3;
                    let gradient = f64::from(found.gradient[i][t]);
                    assert!((slope - gradient).abs() < 2e-4, "{loss_type:?} {level:?}: {slope} is not {gradient}");
                    let moved = |by: f32| {
                        let mut entropies = entropies.clone();
                        entropies[i][t] += by * 1e-3;
                        objective.evaluate(&batch(&logprobs, &entropies), totals).loss
                    };
                    let slope = (moved(1.0) - moved(-1.0)) / 2e-3;
                    assert!((slope - f64::from(found.entropy_gradient[i][t])).abs() < 2e-4, "{loss_type:?}: entropy");
                }
            }
        }
    }
}

#[test]
fn a_sequence_that_does_not_count_is_as_if_it_were_not_there_but_for_the_mean_over_sequences() {
    let (logprobs, entropies) =
        (vec![vec![-0.9, -1.0], vec![-1.1, -0.7, -1.2]], vec![vec![0.4, 0.9], vec![0.2, 0.6, 0.8]]);
    let mut sequences = batch(&logprobs, &entropies);
    sequences[1].counts = false;
    for loss_type in ALL {
        let objective = Objective { loss_type, ..dapo(0.1) };
        let masked = objective.evaluate(&sequences, Totals::new(2, &[&entropies[0]], 1.0));
        let alone = objective.evaluate(&sequences[..1], Totals::new(1, &[&entropies[0]], 1.0));
        let by_sequence = matches!(loss_type, LossType::Grpo | LossType::Sapo | LossType::DrGrpo | LossType::Luspo);
        let expected = if by_sequence { alone.loss / 2.0 } else { alone.loss };
        assert!((masked.loss - expected).abs() < 1e-12, "{loss_type:?}");
        assert_eq!(masked.gradient[1], [0.0; 3]);
        assert_eq!(masked.stats.tokens, 2);
    }
}

#[test]
fn dual_clip_bounds_what_a_bad_token_can_cost() {
    let s = Sequence {
        logprobs: &[3.0],
        old: Some(&[0.0]),
        reference: &[3.0],
        entropies: &[0.0],
        advantage: -1.0,
        counts: true,
    };
    let totals = Totals::new(1, &[&[0.0]], 1.0);
    let loss = |dual_clip| Objective { dual_clip, ..dapo(0.0) }.evaluate(&[s], totals);
    assert!(loss(None).loss > 20.0);
    assert!((loss(Some(3.0)).loss - 3.0).abs() < 1e-12);
    assert_eq!(loss(Some(3.0)).gradient, [[0.0]]);
}
