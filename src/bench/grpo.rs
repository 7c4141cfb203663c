//! Speed and memory of training steps: ready or random prompts, completions of a fixed length, a reward that costs nothing.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;

use super::{
    BenchError,
    machine::{Place, PlaceReport, Products, matmul_peak},
};
use crate::{
    model::{Completion, Model, PackedGroup, device},
    reward::advantage::Rewards,
    rl::{
        TrainError,
        engine::{Asked, Completed, Engine},
        forecast::{Forecast, Question, runtime_bytes},
        policy::Policy,
        step_memory::StepMemory,
        update::{Given, Lesson},
        watch::Unwatched,
    },
    settings::Settings,
};

/// What was measured. Seconds are wall clock; those that are no list are means of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrpoReport {
    /// This program.
    pub peer: &'static str,
    /// The model.
    pub model: String,
    /// Where it was measured, and with what.
    #[serde(flatten)]
    pub place: PlaceReport,
    /// Bits of the numbers that it computes with.
    pub activation_bits: usize,
    /// Completions of a prompt.
    pub k: usize,
    /// Tokens of each completion.
    pub new_tokens: usize,
    /// Threads that computed.
    pub threads: usize,
    /// Tokens of each step's prompt.
    pub prompt_tokens: Vec<usize>,
    /// Seconds of the steps before those that were measured.
    pub warmup_s: Vec<f64>,
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
    /// Tokens of prompts and completions that the gradient was computed of, a second of update.
    pub update_tok_s: f64,
    /// Completion tokens a second of step.
    pub tok_s: f64,
    /// Flop/s of large float32 products on this machine, in units of 10⁹.
    pub matmul_gflops: f64,
    /// Share of that which the steps' products with frozen weights reached.
    pub peak_fraction: f64,
    /// The most memory held, in MiB: of the GPU where one computes, else the process's.
    pub peak_mb: Option<f64>,
    /// Memory by category.
    pub memory: MemoryReport,
}

/// Memory by category, in bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryReport {
    /// The frozen base.
    pub weights: u64,
    /// The adapter and the reference.
    pub adapters: u64,
    /// AdamW's moments.
    pub optimizer: u64,
    /// All else at the peak: activations, keys and values, logits, the program.
    pub rest: Option<u64>,
    /// The most while completions were written.
    pub peak_rollout: Option<u64>,
    /// The most while gradients were computed.
    pub peak_update: Option<u64>,
    /// What others used of the GPU meanwhile.
    pub others: u64,
    /// What the GPU's allocator held for tensors in the end, and what it held in reserve.
    pub allocator: Option<[u64; 2]>,
    /// What was to be expected.
    pub forecast: Forecast,
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

/// `steps` prompts of `length` random tokens, spread over a vocabulary; the same ones each time.
pub fn random_prompts(vocabulary: usize, length: usize, steps: usize) -> Vec<Vec<u32>> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut prompt = || (0..length).map(|_| random.random_range(0..vocabulary.max(1) as u32)).collect();
    (0..steps).map(|_| prompt()).collect()
}

/// Seconds of a step's parts.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    rollout: Duration,
    reward: Duration,
    reference: Duration,
    update: Duration,
}

/// How many steps are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Before anything is measured: a GPU's kernels are compiled at their first use.
    pub warmup: usize,
    /// That are measured.
    pub measured: usize,
}

/// Trains steps, each on the next `rollout.prompts_per_step` of `prompts`, with everything else as `settings` say.
///
/// # Errors
/// Nothing to do, or the model fails.
pub fn grpo(
    model: &Model,
    settings: &Settings,
    prompts: &[Vec<u32>],
    Steps { warmup, measured: steps }: Steps,
    place: &Place,
) -> Result<GrpoReport, BenchError> {
    let (k, new_tokens) = (settings.rollout.num_generations, settings.rollout.max_completion_length);
    if steps == 0 || prompts.is_empty() {
        return Err(BenchError::Usage("a prompt and a step at least are needed".into()));
    }
    let runtime = runtime_bytes(&place.meter, model.summary().weight_bytes);
    let mut policy = Policy::start(model, settings, &model.decoder().device())?;
    let mut drawn = prompts.iter().cycle();
    let (mut prompt_tokens, mut each, mut sum, mut flops) = (Vec::new(), Vec::new(), Parts::default(), 0.0);
    let (mut peaks, mut warmup_s) = ([None; 2], Vec::new());
    for step in 1..=warmup + steps {
        let now: Vec<&[u32]> = drawn.by_ref().take(settings.rollout.prompts_per_step).map(Vec::as_slice).collect();
        let started = Instant::now();
        let (parts, memory) = train(model, settings, &mut policy, (step as u64, &now), place)?;
        if step <= warmup {
            warmup_s.push(started.elapsed().as_secs_f64());
            continue;
        }
        peaks = [peaks[0].max(memory.parts()[0]), peaks[1].max(memory.parts()[1])];
        each.push(started.elapsed().as_secs_f64());
        sum.rollout += parts.rollout;
        sum.reward += parts.reward;
        sum.reference += parts.reference;
        sum.update += parts.update;
        prompt_tokens.push(now.iter().map(|prompt| prompt.len()).sum());
        flops += now.iter().map(|prompt| step_flops(model, prompt.len(), k, new_tokens)).sum::<f64>();
    }
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let question = Question::of(model, settings, &place.meter, longest, runtime);
    let memory = memory_report(model, &policy, peaks, place, question.forecast());
    let peak = matmul_peak(&model.decoder().device(), model.weights.activations);
    let mean = |sum: Duration| sum.as_secs_f64() / steps as f64;
    let (seconds, written) = (each.iter().sum::<f64>(), steps * settings.rollout.prompts_per_step * k * new_tokens);
    let learned = prompt_tokens.iter().sum::<usize>() + written;
    Ok(GrpoReport {
        peer: env!("CARGO_PKG_NAME"),
        model: model.summary().name,
        place: place.report(),
        activation_bits: model.weights.activations.size() * 8,
        k,
        new_tokens,
        threads: rayon::current_num_threads(),
        prompt_tokens,
        warmup_s,
        step_s: each,
        rollout_s: mean(sum.rollout),
        reward_s: mean(sum.reward),
        reference_s: mean(sum.reference),
        update_s: mean(sum.update),
        rollout_tok_s: written as f64 / sum.rollout.as_secs_f64(),
        update_tok_s: learned as f64 / sum.update.as_secs_f64(),
        tok_s: written as f64 / seconds,
        matmul_gflops: peak / 1e9,
        peak_fraction: flops / seconds / peak,
        peak_mb: peaks[0].max(peaks[1]).map(|bytes| bytes as f64 / 1_048_576.0),
        memory,
    })
}

fn memory_report(
    model: &Model,
    policy: &Policy,
    [peak_rollout, peak_update]: [Option<u64>; 2],
    place: &Place,
    forecast: Forecast,
) -> MemoryReport {
    let adapter = policy.adapter.parameters() * 4;
    let reference = policy.reference.as_ref().map_or(0, |reference| reference.parameters() * 4);
    let (weights, adapters, optimizer) = (model.summary().weight_bytes, adapter + reference, adapter * 2);
    let rest = peak_rollout.max(peak_update).map(|peak| peak.saturating_sub(weights + adapters + optimizer));
    let others = place.meter.others();
    let allocator = device::gpu_memory(&model.decoder().device()).map(|memory| [memory.in_use, memory.reserved]);
    MemoryReport { weights, adapters, optimizer, rest, peak_rollout, peak_update, others, allocator, forecast }
}

/// One step, through the trainer's own engine.
fn train(
    model: &Model,
    settings: &Settings,
    policy: &mut Policy,
    (step, prompts): (u64, &[&[u32]]),
    place: &Place,
) -> Result<(Parts, StepMemory), BenchError> {
    let broken_off = || TrainError::Unusable("a step was broken off though nobody asked for it".into());
    let mut memory = StepMemory::begin(&place.meter);
    let started = Instant::now();
    let engine = Engine { model, policy, settings, max_steps: 1000, stops: false };
    let asked: Vec<Asked<'_>> = prompts.iter().map(|prompt| Asked::from(*prompt)).collect();
    let Completed { completions, recordings } =
        engine.complete(step, 0, &asked, &mut Unwatched)?.ok_or_else(broken_off)?;
    let rollout = started.elapsed();
    memory.rolled_out();
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
    memory.updated();
    (policy.adapter, policy.optimizer) = (updated.adapter, updated.optimizer);
    let reference = updated.report.reference_time;
    let update = started.elapsed().saturating_sub(scored + reference);
    Ok((Parts { rollout, reward: scored.saturating_sub(rollout), reference, update }, memory))
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
    fn random_prompts_lie_in_the_vocabulary_and_differ() {
        let prompts = random_prompts(50, 40, 3);
        assert!(prompts.len() == 3 && prompts.iter().all(|p| p.len() == 40 && p.iter().all(|id| *id < 50)));
        assert!(prompts[0] != prompts[1] && prompts == random_prompts(50, 40, 3));
    }

    #[test]
    fn rewards_differ_with_the_tokens() {
        let of = |tokens: &[u32]| reward(&Completion { tokens: tokens.to_vec(), ..Completion::default() });
        assert!((of(&[1, 2, 3]) - of(&[1, 2, 4])).abs() > 1e-9);
        assert!((0.0..1.0).contains(&of(&[40_000; 48])));
    }
}
