//! How much memory a run's steps will take, counted from its settings before anything is computed.
//!
//! Every figure comes from the functions by which the engine itself decides and allocates: the cache's shape, a layer's record, what is
//! kept of the rollout. A step's memory has two summits, while completions are written and while gradients are computed; the higher one is
//! what the run needs. Counted are tensors; what an allocator holds in reserve is not.

mod remedies;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use self::remedies::Remedy;
use super::engine::rows_to_keep;
use crate::{
    model::{
        CacheShape, LayerRecord, Model, ModelConfig, Projection, generate::SLOTS, keeps_records, kept_layers,
        ops::SCRATCH_WEIGHTS,
    },
    run::{
        event::MemorySource,
        memory::{MemoryMeter, Room, available_bytes, resident_bytes},
    },
    settings::{Reference, Settings},
};

/// What a GPU's context, its libraries and compiled kernels take: assumed, as nothing tells beforehand.
pub const GPU_RUNTIME: u64 = 600 << 20;

/// What the program takes beside the tensors of a model that is loaded: on a CPU what it holds beyond `weight_bytes` of it, which may be 0;
/// on a GPU an assumption.
pub fn runtime_bytes(meter: &MemoryMeter, weight_bytes: u64) -> u64 {
    match meter.source() {
        MemorySource::Gpu => GPU_RUNTIME,
        MemorySource::Process => resident_bytes().unwrap_or(0).saturating_sub(weight_bytes),
    }
}

/// What is to be forecast.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The model's shape.
    pub config: &'a ModelConfig,
    /// Bytes of its weights as held in memory.
    pub weight_bytes: u64,
    /// The run's settings.
    pub settings: &'a Settings,
    /// Tokens of the longest prompt.
    pub prompt_tokens: usize,
    /// Bytes that the program takes beside the run's tensors.
    pub runtime: u64,
    /// The memory there is.
    pub room: Room,
    /// Bytes of a number that the model computes with: 4, or 2 in bfloat16.
    pub width: usize,
    /// Whether a GPU computes: it holds a matrix without its packing while it multiplies many rows by it.
    pub gpu: bool,
}

/// Bytes by category, and the summits of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The frozen base.
    pub weights: u64,
    /// The adapter, the reference adapter, and the adapter as kernels read it.
    pub adapters: u64,
    /// AdamW's two moments.
    pub optimizer: u64,
    /// Keys and values of prompts and completions, while completions are written.
    pub kv_cache: u64,
    /// What is kept of the rollout's rows for the update; 0 where the update computes them anew.
    pub rollout_kept: u64,
    /// What the backward pass keeps of layers: all of some, of the others the input; 0 where the rollout's rows were kept.
    pub backward_kept: u64,
    /// What computing one layer takes beside that.
    pub layer: u64,
    /// Gradients, and the adapter and moments that an update writes before it replaces the old ones.
    pub update: u64,
    /// Rows of logits that exist at a time, with their gradient.
    pub logits: u64,
    /// The largest matrix without its packing, on a GPU.
    pub scratch: u64,
    /// The program beside its tensors.
    pub runtime: u64,
    /// The most while completions are written.
    pub rollout_peak: u64,
    /// The most while gradients are computed.
    pub update_peak: u64,
    /// The most of all.
    pub peak: u64,
}

impl<'a> Question<'a> {
    /// For a model that is loaded, with prompts of at most `prompt_tokens`.
    pub fn of(
        model: &'a Model,
        settings: &'a Settings,
        meter: &MemoryMeter,
        prompt_tokens: usize,
        runtime: u64,
    ) -> Self {
        let (weight_bytes, gpu) = (model.summary().weight_bytes, meter.source() == MemorySource::Gpu);
        let (config, room, width) = (&model.config, meter.room(), model.weights.activations.size());
        Self { config, weight_bytes, settings, prompt_tokens, runtime, room, width, gpu }
    }

    /// The answer.
    pub fn forecast(&self) -> Forecast {
        let Self { config, weight_bytes: weights, settings, runtime, .. } = *self;
        let adapter = self.adapter_parameters() * 4;
        let reference = if self.has_reference_adapter() { adapter } else { 0 };
        let (adapters, optimizer) = (2 * adapter + reference, 2 * adapter);
        let kept = self.keeps_rollout();
        let (kv_cache, rollout_kept) = (self.kv_cache(), if kept { self.rollout_rows() } else { 0 });
        let (prefill, rows) = (self.layer_bytes(self.prompt_tokens), self.rows_per_pass());
        let backward_kept = if kept { 0 } else { self.backward_kept(rows) };
        let vocabulary = config.vocab_size as u64 * 4;
        // On the device, and where the sampler reads them.
        let written = 2 * self.in_flight().min(SLOTS) as u64 * vocabulary;
        let scored = 2 * settings.memory.head_chunk.min(self.head_rows()) as u64 * vocabulary;
        let scratch = if self.gpu { self.largest_matrix().min(SCRATCH_WEIGHTS as u64) * self.width as u64 } else { 0 };
        // Hidden rows of the head and their gradient live beside the layers' records.
        let head = 2 * (self.head_rows() * config.hidden_size * self.width) as u64;
        let (layer, update) = (self.layer_bytes(rows), 4 * adapter);
        let always = weights + adapters + optimizer + runtime + scratch + rollout_kept;
        let rollout_peak = always + kv_cache + prefill.max(written);
        let update_peak = always + update + backward_kept + (head + scored).max(head + layer);
        Forecast {
            weights,
            adapters,
            optimizer,
            kv_cache,
            rollout_kept,
            backward_kept,
            layer: layer.max(prefill),
            update,
            logits: written.max(scored),
            scratch,
            runtime,
            rollout_peak,
            update_peak,
            peak: rollout_peak.max(update_peak),
        }
    }

    /// Numbers in the adapter.
    fn adapter_parameters(&self) -> u64 {
        let lora = &self.settings.lora;
        let targets = Projection::parse_all(&lora.target_modules).unwrap_or_default();
        let pair = |[out, input]: [usize; 2]| lora.r * (out + input);
        let layer: usize = targets.iter().map(|target| pair(target.shape(self.config))).sum();
        (self.config.num_hidden_layers * layer) as u64
    }

    fn has_reference_adapter(&self) -> bool {
        let (grpo, lora) = (&self.settings.grpo, &self.settings.lora);
        match grpo.reference {
            Reference::Initial => true,
            Reference::Auto => lora.init_adapter.is_some() || grpo.sync_ref_model,
            Reference::Base => grpo.sync_ref_model,
        }
    }

    /// Completions that are written at the same time.
    fn in_flight(&self) -> usize {
        let rollout = &self.settings.rollout;
        let all = rollout.num_generations * rollout.prompts_per_step;
        self.settings.memory.samples_in_flight.unwrap_or(usize::MAX).clamp(1, all.max(1))
    }

    fn kv_cache(&self) -> u64 {
        let rollout = &self.settings.rollout;
        let prompts = self.in_flight().div_ceil(rollout.num_generations.max(1));
        let shape = CacheShape::plan(
            self.config,
            prompts,
            self.prompt_tokens,
            self.in_flight(),
            rollout.max_completion_length,
            self.width,
        );
        shape.bytes(self.config, self.width)
    }

    /// Whether the engine will keep the rollout's rows for the update.
    fn keeps_rollout(&self) -> bool {
        let prompts = self.settings.rollout.prompts_per_step;
        let rows = rows_to_keep(self.settings, prompts, prompts * self.prompt_tokens);
        let recompute = self.settings.memory.recompute;
        rows.is_some_and(|rows| {
            keeps_records(recompute, self.config, self.record(rows), self.gpu, || self.room.total())
        })
    }

    /// Bytes of a layer's record of so many rows.
    fn record(&self, rows: usize) -> u64 {
        LayerRecord::bytes(self.config, rows, self.width)
    }

    /// Bytes of the residual stream of so many rows.
    fn stream(&self, rows: usize) -> u64 {
        (rows * self.config.hidden_size * self.width) as u64
    }

    /// Rows of a completion that the model computes: its last token is no input.
    fn completion_rows(&self) -> usize {
        self.settings.rollout.max_completion_length.saturating_sub(1)
    }

    /// What all rows of the step's rollout leave in all layers.
    fn rollout_rows(&self) -> u64 {
        let rollout = &self.settings.rollout;
        let group = self.prompt_tokens + rollout.num_generations * self.completion_rows();
        let rows = group * rollout.prompts_per_step * self.settings.generations_per_step();
        self.config.num_hidden_layers as u64 * self.record(rows) + self.stream(rows)
    }

    /// Completions whose gradient is computed at the same time.
    fn per_pass(&self) -> usize {
        let k = self.settings.rollout.num_generations;
        self.settings.memory.completions_per_pass.unwrap_or(usize::MAX).clamp(1, k.max(1))
    }

    /// Rows that go through the layers at the same time while gradients are computed.
    fn rows_per_pass(&self) -> usize {
        self.prompt_tokens + self.per_pass() * self.completion_rows()
    }

    /// Rows that the head scores of them.
    fn head_rows(&self) -> usize {
        1 + self.per_pass() * self.completion_rows()
    }

    fn backward_kept(&self, rows: usize) -> u64 {
        let layers = self.config.num_hidden_layers;
        let free = self.room.free.or_else(|| self.room.total.map(|total| total.saturating_sub(self.weight_bytes)));
        let free = || free.or_else(available_bytes);
        let whole = kept_layers(self.settings.memory.recompute, self.config, self.record(rows), free);
        whole as u64 * self.record(rows) + (layers - whole) as u64 * self.stream(rows)
    }

    fn layer_bytes(&self, rows: usize) -> u64 {
        self.record(rows) + LayerRecord::working_bytes(self.config, rows, self.width)
    }

    /// Weights of the largest matrix that is multiplied with.
    fn largest_matrix(&self) -> u64 {
        let config = self.config;
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let stacks = [2 * inner * hidden, (config.query_size() + 2 * config.key_value_size()) * hidden];
        stacks.into_iter().chain([config.vocab_size * hidden]).max().unwrap_or(0) as u64
    }
}

/// What is said before a run whose steps will take more than there is; nothing if they fit, or nobody tells what there is.
pub fn warning(question: Question<'_>, meter: &MemoryMeter) -> Option<String> {
    let limit = question.settings.memory.limit.map(|limit| limit.0);
    let there = meter.total().map(|total| total.saturating_sub(meter.others()));
    let there = limit.into_iter().chain(there).min()?;
    let forecast = question.forecast();
    if forecast.peak <= there {
        return None;
    }
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64);
    let (rollout, tokens) = (&question.settings.rollout, question.prompt_tokens);
    let remedies = question.remedies(there);
    let help = match remedies.last() {
        Some(last) if last.fits => {
            let changes: Vec<&str> = remedies.iter().map(|remedy| remedy.change.as_str()).collect();
            format!("it would fit with {}", changes.join(", then "))
        }
        _ => "no setting makes it fit: a smaller model or shorter prompts would".to_owned(),
    };
    Some(format!(
        "a step with prompts of {tokens} tokens (data.max_prompt_tokens) and {} completions of {} would take about {}, of which {} \
         are weights, and there are {}: {help}",
        rollout.num_generations,
        rollout.max_completion_length,
        gib(forecast.peak),
        gib(forecast.weights),
        gib(there)
    ))
}

impl Forecast {
    /// Name, bytes and explanation of each category, in the order in which people look for them.
    pub fn categories(&self) -> [(&'static str, u64, &'static str); 11] {
        [
            ("weights", self.weights, "the frozen base, packed"),
            ("adapters", self.adapters, "adapter, reference, and as kernels read it"),
            ("optimizer", self.optimizer, "AdamW's two moments"),
            ("KV cache", self.kv_cache, "while completions are written"),
            ("rollout kept", self.rollout_kept, "rows of the rollout, for the update"),
            ("backward kept", self.backward_kept, "layers' records and inputs, where the rollout's rows are not kept"),
            ("one layer", self.layer, "computing it, forward or backward"),
            ("update", self.update, "gradients, and the new adapter and moments"),
            ("logits", self.logits, "a chunk of rows with its gradient"),
            ("scratch", self.scratch, "unpacked weights, on a GPU"),
            ("program", self.runtime, "the program beside its tensors; assumed on a GPU"),
        ]
    }
}
