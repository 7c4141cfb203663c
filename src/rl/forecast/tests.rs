use super::*;
use crate::{
    model::synthetic,
    rl::testing::demo_loaded,
    run::event::LogLevel,
    settings::{MemoryLimit, Recompute},
};

const GIB: u64 = 1 << 30;

/// The case of the 7B targets: K = 8, prompt 512 and 256 new tokens, on a GPU of `total` bytes.
fn ask<T>(name: &str, total: u64, change: impl FnOnce(&mut Settings), of: impl FnOnce(Question<'_>) -> T) -> T {
    let config = synthetic::shape(name).unwrap();
    let mut settings = Settings::default();
    (settings.rollout.num_generations, settings.rollout.prompts_per_step) = (8, 1);
    settings.rollout.max_completion_length = 256;
    settings.lora.r = 16;
    change(&mut settings);
    of(Question {
        config: &config,
        weight_bytes: synthetic::weight_bytes(&config, synthetic::Format::Nf4),
        settings: &settings,
        prompt_tokens: 512,
        runtime: GPU_RUNTIME,
        room: Room { total: Some(total), free: None },
        width: 2,
        gpu: true,
    })
}

#[test]
fn the_summits_are_sums_of_their_parts() {
    ask(
        "qwen2.5-coder-7b",
        24 * GIB,
        |s| s.memory.recompute = Recompute::Always,
        |question| {
            let f = question.forecast();
            assert_eq!((f.rollout_kept, f.peak), (0, f.rollout_peak.max(f.update_peak)));
            // 2552 rows of 3584 inputs for each of 28 layers, in 16 bits.
            assert_eq!(f.backward_kept, 28 * (512 + 8 * 255) * 3584 * 2);
            // Keys and values of 4 heads of 128 in 28 layers: 512 rows of the prompt, 255 of each completion.
            assert_eq!(f.kv_cache, (512 + 8 * 255) * 2 * 4 * 128 * 28 * 2);
            assert_eq!(f.scratch, (1 << 26) * 2);
            // PEFT's count for rank 16 on all seven projections.
            assert_eq!(f.optimizer, 2 * 4 * 40_370_176);
            assert!(f.weights + f.adapters + f.optimizer + f.kv_cache + f.runtime < f.rollout_peak);
            assert!(f.categories().iter().all(|(_, bytes, _)| *bytes <= f.peak));
        },
    );
}

#[test]
fn more_of_anything_takes_more() {
    let peak = |change: fn(&mut Settings)| ask("smollm2-135m", 80 * GIB, change, |question| question.forecast().peak);
    let plain = peak(|_| {});
    assert!(peak(|s| s.rollout.num_generations = 16) > plain);
    assert!(peak(|s| s.rollout.max_completion_length = 512) > plain);
    assert!(peak(|s| s.lora.r = 64) > plain);
    // Prompts are computed one by one, unless all their completions' rows are kept.
    let never = peak(|s| s.memory.recompute = Recompute::Never);
    let more = peak(|s| (s.memory.recompute, s.rollout.prompts_per_step) = (Recompute::Never, 4));
    assert!(never > plain && more > never, "{plain} {never} {more}");
    assert!(peak(|s| s.memory.recompute = Recompute::Always) < plain);
}

#[test]
fn remedies_end_with_the_first_that_is_enough() {
    ask(
        "qwen2.5-coder-7b",
        24 * GIB,
        |s| s.memory.recompute = Recompute::Never,
        |question| {
            let peak = question.forecast().peak;
            let found = question.remedies(10 * GIB);
            assert!(peak > 10 * GIB && found[0].change.contains("memory.recompute"), "{peak} {found:?}");
            assert!(found.last().unwrap().fits && found.iter().rev().skip(1).all(|remedy| !remedy.fits), "{found:?}");
            assert!(found.windows(2).all(|pair| pair[1].peak < pair[0].peak));
            // Less than the weights alone cannot be reached.
            let hopeless = question.remedies(GIB);
            assert!(hopeless.iter().all(|remedy| !remedy.fits), "{hopeless:?}");
            assert!(hopeless.iter().any(|remedy| remedy.change.starts_with("lora.r")));
        },
    );
}

#[test]
fn a_limit_of_its_own_does_not_keep_remedies_from_being_found() {
    let set = |settings: &mut Settings| settings.memory.limit = Some(MemoryLimit(8 * GIB));
    assert!(!ask("qwen2.5-coder-7b", 24 * GIB, set, |question| question.remedies(8 * GIB)).is_empty());
}

#[test]
fn a_run_that_will_not_fit_is_told_before_it_starts() {
    let told = |limit: u64| {
        let notes = demo_loaded(|settings| settings.memory.limit = Some(MemoryLimit(limit))).notes;
        notes.into_iter().find(|(level, text)| *level == LogLevel::Warn && text.contains("would take about"))
    };
    let (_, text) = told(1 << 20).unwrap();
    assert!(text.contains("no setting makes it fit") && text.contains("data.max_prompt_tokens"), "{text}");
    assert_eq!(told(1 << 40), None);
}

#[test]
fn categories_that_are_measured_too_are_forecast_to_the_byte() {
    let mut trainer = demo_loaded(|settings| settings.lora.r = 4).trainer;
    let metrics = trainer.step(&mut crate::rl::watch::Unwatched).unwrap().unwrap().done.metrics;
    let question = Question::of(&trainer.model, &trainer.settings, &trainer.memory, 100, 0);
    let forecast = question.forecast();
    assert_eq!(metrics.get("memory/weights"), Some(forecast.weights as f64));
    assert_eq!(metrics.get("memory/optimizer"), Some(forecast.optimizer as f64));
    // The forecast has the adapter twice: kernels read it in another arrangement, which is made anew for each pass.
    assert_eq!(metrics.get("memory/adapters").map(|bytes| bytes * 2.0), Some(forecast.adapters as f64));
}
