//! Speed of training steps: ready prompts, completions of a fixed length, a reward that costs nothing.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    BenchError,
    machine::{Products, matmul_peak},
};
use crate::{
    model::{Completion, Model, PackedGroup},
    reward::advantage::Rewards,
    rl::{
        TrainError,
        engine::{Asked, Completed, Engine},
        policy::Policy,
        update::{Given, Lesson},
        watch::Unwatched,
    },
    run::memory::peak_bytes,
    settings::Settings,
};

/// What was measured. Seconds are wall clock; those that are no list are means of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrpoReport {
    /// This program.
    pub peer: &'static str,
    /// Completions of a prompt.
    pub k: usize,
    /// Tokens of each completion.
    pub new_tokens: usize,
    /// Threads that computed.
    pub threads: usize,
    /// Tokens of each step's prompt.
    pub prompt_tokens: Vec<usize>,
    /// Seconds of each step.
    pub step_s: Vec<f64>,
    /// Seconds of the rollout.
    pub rollout_s: f64,
    /// Seconds of the reward.
    pub reward_s: f64,
    /// Seconds of the reference pass.
    pub reference_s: f64,
    /// Seconds of gradient and optimizer.
    pub update_s: f64,
    /// Completion tokens written a second of rollout.
    pub rollout_tok_s: f64,
    /// Completion tokens a second of step.
    pub tok_s: f64,
    /// Flop/s of large float32 products on this machine, in units of 10⁹.
    pub matmul_gflops: f64,
    /// Share of that which the steps' products with frozen weights reached.
    pub peak_fraction: f64,
    /// The most memory held, in MiB.
    pub peak_mb: Option<f64>,
}

/// A list of ready prompts.
///
/// # Errors
/// The file cannot be read, or is no list of strings with something in it.
pub fn read_prompts(path: &Path) -> Result<Vec<String>, BenchError> {
    let fail = |why: String| BenchError::Prompts { path: path.to_owned(), why };
    let text = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let prompts: Vec<String> = serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))?;
    if prompts.is_empty() { Err(fail("the list is empty".into())) } else { Ok(prompts) }
}

/// Seconds of a step's parts.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    rollout: Duration,
    reward: Duration,
    reference: Duration,
    update: Duration,
}

/// Trains `steps` steps, each on the next `rollout.prompts_per_step` of `prompts`, with everything else as `settings` say.
///
/// # Errors
/// Nothing to do, or the model fails.
pub fn grpo(model: &Model, settings: &Settings, prompts: &[String], steps: usize) -> Result<GrpoReport, BenchError> {
    let (k, new_tokens) = (settings.rollout.num_generations, settings.rollout.max_completion_length);
    if steps == 0 || prompts.is_empty() {
        return Err(BenchError::Usage("a prompt and a step at least are needed".into()));
    }
    let prompts = prompts.iter().map(|text| model.tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
    let mut policy = Policy::start(model, settings, &model.decoder().device())?;
    let mut drawn = prompts.iter().cycle();
    let (mut prompt_tokens, mut each, mut sum, mut flops) = (Vec::new(), Vec::new(), Parts::default(), 0.0);
    for step in 1..=steps as u64 {
        let now: Vec<&[u32]> = drawn.by_ref().take(settings.rollout.prompts_per_step).map(Vec::as_slice).collect();
        let started = Instant::now();
        let parts = train(model, settings, &mut policy, step, &now)?;
        each.push(started.elapsed().as_secs_f64());
        sum.rollout += parts.rollout;
        sum.reward += parts.reward;
        sum.reference += parts.reference;
        sum.update += parts.update;
        prompt_tokens.push(now.iter().map(|prompt| prompt.len()).sum());
        flops += now.iter().map(|prompt| step_flops(model, prompt.len(), k, new_tokens)).sum::<f64>();
    }
    let peak_mb = peak_bytes().map(|bytes| bytes as f64 / 1_048_576.0);
    let peak = matmul_peak(&model.decoder().device());
    let mean = |sum: Duration| sum.as_secs_f64() / steps as f64;
    let (seconds, written) = (each.iter().sum::<f64>(), steps * settings.rollout.prompts_per_step * k * new_tokens);
    Ok(GrpoReport {
        peer: env!("CARGO_PKG_NAME"),
        k,
        new_tokens,
        threads: rayon::current_num_threads(),
        prompt_tokens,
        step_s: each,
        rollout_s: mean(sum.rollout),
        reward_s: mean(sum.reward),
        reference_s: mean(sum.reference),
        update_s: mean(sum.update),
        rollout_tok_s: written as f64 / sum.rollout.as_secs_f64(),
        tok_s: written as f64 / seconds,
        matmul_gflops: peak / 1e9,
        peak_fraction: flops / seconds / peak,
        peak_mb,
    })
}

/// One step, through the trainer's own engine.
fn train(
    model: &Model,
    settings: &Settings,
    policy: &mut Policy,
    step: u64,
    prompts: &[&[u32]],
) -> Result<Parts, BenchError> {
    let broken_off = || TrainError::Unusable("a step was broken off though nobody asked for it".into());
    let started = Instant::now();
    let engine = Engine { model, policy, settings, max_steps: 1000, stops: false };
    let asked: Vec<Asked<'_>> = prompts.iter().map(|prompt| Asked::from(*prompt)).collect();
    let Completed { completions, recordings } =
        engine.complete(step, 0, &asked, &mut Unwatched)?.ok_or_else(broken_off)?;
    let rollout = started.elapsed();
    let rewards: Vec<Vec<f64>> = completions.iter().map(|group| group.iter().map(reward).collect()).collect();
    let advantages = Rewards::whole(&rewards).advantages(&settings.grpo);
    let counts: Vec<Vec<bool>> = completions.iter().map(|group| vec![true; group.len()]).collect();
    let given: Vec<Vec<Given>> = completions.iter().map(|group| vec![Given::new(); group.len()]).collect();
    let scored = started.elapsed();
    let group = |(prompt, completions): (&&[u32], Vec<Completion>)| PackedGroup {
        prompt: prompt.to_vec(),
        completions: completions.into_iter().map(|c| c.tokens).collect(),
    };
    let groups: Vec<PackedGroup> = prompts.iter().zip(completions).map(group).collect();
    let lesson = Lesson { groups: &groups, recordings, advantages: &advantages, counts: &counts, given: &given };
    let updated = engine.update(step, lesson, &mut Unwatched)?.ok_or_else(broken_off)?;
    (policy.adapter, policy.optimizer) = (updated.adapter, updated.optimizer);
    let reference = updated.report.reference_time;
    let update = started.elapsed().saturating_sub(scored + reference);
    Ok(Parts { rollout, reward: scored.saturating_sub(rollout), reference, update })
}

/// A reward that costs nothing and differs between completions.
fn reward(completion: &Completion) -> f64 {
    let mixed = completion.tokens.iter().fold(0_u32, |hash, token| hash.wrapping_mul(31).wrapping_add(*token));
    f64::from(mixed % 100) / 100.0
}

/// Floating-point operations with frozen weights in a step: rollout, reference, forward and backward, each row once in each.
fn step_flops(model: &Model, prompt: usize, k: usize, new_tokens: usize) -> f64 {
    let products = Products::of(&model.weights);
    let (own, head) = (k * new_tokens.saturating_sub(1), 1 + k * new_tokens.saturating_sub(1));
    let rows = prompt + own;
    // The head's gradient takes a second look at its logits, which are never held whole.
    products.flops(rows, head) * 3.0 + products.flops(rows, 2 * head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_a_list_of_strings() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prompts.json");
        for (text, good) in [("[\"a\", \"b\"]", true), ("[]", false), ("{}", false), ("[1]", false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_prompts(&path).is_ok(), good, "{text}");
        }
        let error = read_prompts(&dir.path().join("absent.json")).unwrap_err().to_string();
        assert!(error.contains("absent.json") && error.contains("list of strings"), "{error}");
    }

    #[test]
    fn rewards_differ_with_the_tokens() {
        let of = |tokens: &[u32]| reward(&Completion { tokens: tokens.to_vec(), ..Completion::default() });
        assert!((of(&[1, 2, 3]) - of(&[1, 2, 4])).abs() > 1e-9);
        assert!((0.0..1.0).contains(&of(&[40_000; 48])));
    }
}
