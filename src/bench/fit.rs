//! Whether a run fits into the memory there is, counted before anything is loaded.

use serde::Serialize;

use super::BenchError;
use crate::{
    model::{
        ModelConfig, ModelError, device,
        load::Outlook,
        locate::locate_or_fetch_logged,
        synthetic::{self, Format},
    },
    rl::forecast::{Forecast, GPU_RUNTIME, Question, Remedy},
    run::memory::{MemoryMeter, Room, resident_bytes},
    settings::{ComputeType, MemoryLimit, Settings},
};

/// What is asked beside the settings.
#[derive(Debug, Clone, Default)]
pub struct Fit {
    /// The shape of a published model instead of a model's files.
    pub synthetic: Option<(String, Format)>,
    /// The memory there is, where it is not that of this machine.
    pub memory: Option<MemoryLimit>,
    /// Tokens of the longest prompt; `data.max_prompt_tokens` if not given.
    pub prompt_tokens: Option<usize>,
}

/// The answer. Bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitReport {
    /// The model.
    pub model: String,
    /// Whether a GPU is meant.
    pub gpu: bool,
    /// Completions of a prompt.
    pub k: usize,
    /// Prompts of a step.
    pub prompts_per_step: usize,
    /// Tokens of the longest prompt.
    pub prompt_tokens: usize,
    /// Tokens of the longest completion.
    pub new_tokens: usize,
    /// The adapter's rank.
    pub rank: usize,
    /// By category.
    pub forecast: Forecast,
    /// What there is for the run.
    pub memory: u64,
    /// Whether it fits.
    pub fits: bool,
    /// What would make it fit, one change after another.
    pub remedies: Vec<Remedy>,
}

/// Counts.
///
/// # Errors
/// No such model, a device that is not there, or nobody tells how much memory there is.
pub fn fit(settings: &Settings, asked: &Fit) -> Result<FitReport, BenchError> {
    let (model, config, weight_bytes) = shape(settings, asked)?;
    let device = settings.run.device.as_str();
    // Memory that is named without a device is that of a GPU elsewhere.
    let elsewhere = asked.memory.is_some() && device == "auto";
    let gpu = elsewhere || device.starts_with("cuda");
    let (memory, room) = memory(settings, asked, gpu)?;
    let rollout = &settings.rollout;
    let prompt_tokens = asked.prompt_tokens.unwrap_or(settings.data.max_prompt_tokens);
    // As the engine chooses where nothing is said.
    let half = settings.model.dtype == ComputeType::Bfloat16 || gpu && settings.model.dtype == ComputeType::Auto;
    let width = if half { 2 } else { 4 };
    let runtime = if gpu { GPU_RUNTIME } else { resident_bytes().unwrap_or(0) };
    let question = Question { config: &config, weight_bytes, settings, prompt_tokens, runtime, room, width, gpu };
    let forecast = question.forecast();
    let fits = forecast.peak <= memory;
    Ok(FitReport {
        model,
        gpu,
        k: rollout.num_generations,
        prompts_per_step: rollout.prompts_per_step,
        prompt_tokens,
        new_tokens: rollout.max_completion_length,
        rank: settings.lora.r,
        forecast,
        memory,
        fits,
        remedies: if fits { Vec::new() } else { question.remedies(memory) },
    })
}

/// Name, shape and bytes of the weights.
fn shape(settings: &Settings, asked: &Fit) -> Result<(String, ModelConfig, u64), BenchError> {
    if let Some((name, format)) = &asked.synthetic {
        let config = synthetic::shape(name).ok_or_else(|| {
            BenchError::Usage(format!("no shape is called {name}; there are: {}", synthetic::NAMES.join(", ")))
        })?;
        let bytes = synthetic::weight_bytes(&config, *format);
        return Ok((format!("{name}, {}", format.name()), config, bytes));
    }
    let named = settings.model.path.as_deref();
    let named = named.ok_or_else(|| BenchError::Usage("say which model: --model, or --synthetic NAME".into()))?;
    let read =
        || -> Result<Outlook, ModelError> { Outlook::of(&locate_or_fetch_logged(named)?, settings.model.quantize) };
    let Outlook { config, weight_bytes } = read()?;
    Ok((named.to_owned(), config, weight_bytes))
}

/// What there is for the run, and the room that the engine would find.
fn memory(settings: &Settings, asked: &Fit, gpu: bool) -> Result<(u64, Room), BenchError> {
    let limit = settings.memory.limit.map_or(u64::MAX, |limit| limit.0);
    if let Some(MemoryLimit(bytes)) = asked.memory {
        return Ok((bytes.min(limit), Room { total: Some(bytes), free: None }));
    }
    let index = if gpu { device::choose(&settings.run.device)?.gpu_index } else { None };
    let meter = MemoryMeter::new(index);
    let total = meter.total().map(|total| total.saturating_sub(meter.others()));
    let total = total.ok_or_else(|| {
        BenchError::Usage(
            "this system does not tell how much memory there is: give --memory, as in --memory 24GiB".into(),
        )
    })?;
    Ok((total.min(limit), Room { total: gpu.then_some(total), free: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(memory: &str) -> Fit {
        let synthetic = Some(("codellama-7b".to_owned(), Format::Nf4));
        Fit { synthetic, memory: memory.parse().ok(), prompt_tokens: Some(512) }
    }

    #[test]
    fn what_does_not_fit_comes_with_what_would() {
        let mut settings = Settings::default();
        (settings.rollout.num_generations, settings.rollout.max_completion_length) = (8, 256);
        let roomy = fit(&settings, &asked("80GiB")).unwrap();
        assert!(roomy.gpu && roomy.fits && roomy.remedies.is_empty(), "{roomy:?}");
        let tight = fit(&settings, &asked("6GiB")).unwrap();
        assert!(!tight.fits && !tight.remedies.is_empty() && tight.memory == 6 << 30, "{tight:?}");
        settings.memory.limit = "5GiB".parse().ok();
        assert_eq!(fit(&settings, &asked("80GiB")).unwrap().memory, 5 << 30, "the run's own limit is lower");
    }

    #[test]
    fn mistakes_are_told() {
        let settings = Settings::default();
        let unknown = Fit { synthetic: Some(("gpt-5".into(), Format::Nf4)), ..Fit::default() };
        assert!(fit(&settings, &unknown).unwrap_err().to_string().contains("smollm2-135m"));
        let nothing = fit(&settings, &Fit::default()).unwrap_err().to_string();
        assert!(nothing.contains("--synthetic"), "{nothing}");
    }
}
