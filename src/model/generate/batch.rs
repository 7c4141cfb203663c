//! The batch: which sequences are being written, which wait, and one step of all of them.

use std::{collections::VecDeque, sync::Arc};

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;

use super::{
    Completion, Constraint, GenerateRequest,
    cache::CacheShape,
    constraint::Guide,
    sampler::{Choice, Sampler},
    stream::{Newest, Stream},
};
use crate::model::{AdapterSet, Decoder, ModelError, PackedGroup, RecordedRows, Recording};

/// Sequences written at a time. Within the rows for which packed products unpack weights in registers, whose results do
/// not depend on the number of rows.
pub const SLOTS: usize = 32;

/// A sequence being written.
struct Sequence {
    request: usize,
    sample: usize,
    region: usize,
    slot: usize,
    random: ChaCha8Rng,
    guide: Option<Guide>,
    completion: Completion,
}

/// A prompt in the cache.
struct Prompt {
    region: usize,
    /// Logits behind its last token, from which every sample's first token is drawn.
    logits: Arc<Vec<f32>>,
    /// Samples that have not ended.
    open: usize,
}

/// Requests on their way to completions.
pub struct Batch<'a> {
    stream: Stream<'a>,
    requests: &'a [GenerateRequest],
    sampler: Sampler<'a>,
    waiting: VecDeque<(usize, usize)>,
    prompts: Vec<Option<Prompt>>,
    active: Vec<Sequence>,
    free_regions: Vec<usize>,
    free_slots: Vec<usize>,
    done: Vec<Vec<Completion>>,
    /// By request, where generation is recorded.
    recordings: Option<Vec<Option<Recording>>>,
    written: usize,
}

impl<'a> Batch<'a> {
    /// Everything waiting.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for empty prompts and ids outside the vocabulary.
    pub fn new(
        decoder: Decoder<'a>,
        adapters: Option<&'a AdapterSet>,
        requests: &'a [GenerateRequest],
        sampler: Sampler<'a>,
    ) -> Result<Self, ModelError> {
        for request in requests {
            PackedGroup { prompt: request.prompt.clone(), completions: vec![] }.check(decoder.config.vocab_size)?;
        }
        let pairs = |(index, request): (usize, &GenerateRequest)| {
            (0..request.seeds.len()).map(move |sample| (index, sample)).collect::<Vec<_>>()
        };
        let waiting: VecDeque<(usize, usize)> = requests.iter().enumerate().flat_map(pairs).collect();
        let region_rows = requests.iter().map(|r| r.prompt.len()).max().unwrap_or(0);
        let (count, longest) = (waiting.len(), sampler.max_new_tokens());
        let width = decoder.weights.activations.size();
        let shape = CacheShape::plan(decoder.config, requests.len(), region_rows, count, longest, width);
        Ok(Self {
            stream: Stream::new(decoder, adapters, shape),
            requests,
            waiting: if sampler.max_new_tokens() == 0 { VecDeque::new() } else { waiting },
            prompts: requests.iter().map(|_| None).collect(),
            active: Vec::new(),
            free_regions: (0..shape.regions).rev().collect(),
            free_slots: (0..shape.slots).rev().collect(),
            done: requests.iter().map(|r| vec![Completion::default(); r.seeds.len()]).collect(),
            recordings: None,
            written: 0,
            sampler,
        })
    }

    /// Keeps what the layers make of every row, for a backward pass.
    pub fn record(&mut self) {
        self.stream.record();
        self.recordings = Some(self.requests.iter().map(|_| None).collect());
    }

    /// Tokens written so far.
    pub fn tokens_written(&self) -> usize {
        self.written
    }

    /// Sequences being written.
    pub fn active(&self) -> usize {
        self.active.len()
    }

    /// The completions, in the order of requests and seeds, and what was recorded of each request.
    pub fn finish(self) -> (Vec<Vec<Completion>>, Option<Vec<Recording>>) {
        (self.done, self.recordings.and_then(|recordings| recordings.into_iter().collect()))
    }

    /// One token for each sequence, after letting waiting ones in; whether anything is left to do.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for logits that are not finite.
    pub fn step(&mut self) -> Result<bool, ModelError> {
        if !self.active.is_empty() {
            let logits = self.advance()?;
            let width = self.stream.vocab_size();
            self.write(0, |index| &logits[index * width..(index + 1) * width])?;
        }
        self.admit()?;
        Ok(!(self.active.is_empty() && self.waiting.is_empty()))
    }

    /// Lets waiting sequences in as long as there are slots and regions, and draws their first tokens.
    fn admit(&mut self) -> Result<(), ModelError> {
        let before = self.active.len();
        while let Some(&(request, sample)) = self.waiting.front() {
            if self.free_slots.is_empty() || (self.prompts[request].is_none() && self.free_regions.is_empty()) {
                break;
            }
            let region = match &self.prompts[request] {
                Some(prompt) => prompt.region,
                None => self.prefill(request)?,
            };
            let Some(slot) = self.free_slots.pop() else { break };
            self.waiting.pop_front();
            let random = ChaCha8Rng::seed_from_u64(self.requests[request].seeds[sample]);
            let guide = self.requests[request].constraint.as_ref().map(Constraint::guide);
            let completion = Completion::default();
            self.active.push(Sequence { request, sample, region, slot, random, guide, completion });
        }
        let prompt = |s: &Sequence| self.prompts[s.request].as_ref().map(|prompt| prompt.logits.clone());
        let logits: Vec<Arc<Vec<f32>>> = self.active[before..].iter().filter_map(prompt).collect();
        self.write(before, |index| &logits[index])
    }

    /// Draws a token for each sequence from `first` on, and lets those that end go.
    fn write<'l>(&mut self, first: usize, logits: impl Fn(usize) -> &'l [f32] + Sync) -> Result<(), ModelError> {
        let (sampler, requests) = (&self.sampler, self.requests);
        let choices: Vec<Choice> = self.active[first..]
            .par_iter_mut()
            .enumerate()
            .map(|(index, sequence)| {
                let prompt = &requests[sequence.request].prompt;
                let Sequence { completion, random, guide, .. } = sequence;
                sampler.choose(logits(index), (prompt, &completion.tokens), random, guide.as_mut())
            })
            .collect::<Result<_, _>>()?;
        self.written += choices.len();
        for (sequence, choice) in self.active[first..].iter_mut().zip(choices) {
            sequence.completion.tokens.push(choice.id);
            sequence.completion.logprobs.push(choice.logprob);
            sequence.completion.finished = sampler.stops(&sequence.completion.tokens);
        }
        let longest = self.sampler.max_new_tokens();
        let (ended, going): (Vec<Sequence>, Vec<Sequence>) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(|s| s.completion.finished || s.completion.tokens.len() >= longest);
        self.active = going;
        for sequence in ended {
            self.release(sequence);
        }
        Ok(())
    }

    fn release(&mut self, sequence: Sequence) {
        self.free_slots.push(sequence.slot);
        let prompt = &mut self.prompts[sequence.request];
        if let Some(open) = prompt.as_mut().map(|prompt| &mut prompt.open) {
            *open -= 1;
            if *open == 0 {
                *prompt = None;
                self.free_regions.push(sequence.region);
            }
        }
        let mut completion = sequence.completion;
        if let Some(guide) = sequence.guide {
            (completion.refused, completion.stuck) = (guide.refused, guide.stuck);
        }
        self.done[sequence.request][sequence.sample] = completion;
    }

    /// Computes a prompt, keeps its keys and values, and returns its region.
    fn prefill(&mut self, request: usize) -> Result<usize, ModelError> {
        let Some(region) = self.free_regions.pop() else {
            return Err(ModelError::Compute("no room for a prompt: an error of the scheduler".into()));
        };
        let GenerateRequest { prompt, seeds, .. } = &self.requests[request];
        let read = self.stream.prefill(region, prompt)?;
        if let (Some(recordings), Some(rows)) = (&mut self.recordings, read.recorded) {
            recordings[request] = Some(Recording::new(rows, seeds.len()));
        }
        self.prompts[request] = Some(Prompt { region, logits: Arc::new(read.logits), open: seeds.len() });
        Ok(region)
    }

    /// Feeds every sequence's newest token back; the logits behind it, row by row.
    fn advance(&mut self) -> Result<Vec<f32>, ModelError> {
        let newest = |s: &Sequence| {
            let (&token, tokens) = s.completion.tokens.split_last()?;
            let prompt = self.requests[s.request].prompt.len();
            Some(Newest { token, region: s.region, prompt, slot: s.slot, own: tokens.len() })
        };
        let newest: Vec<Newest> = self.active.iter().filter_map(newest).collect();
        let read = self.stream.advance(&newest)?;
        if let Some(rows) = &read.recorded {
            self.keep(rows);
        }
        Ok(read.logits)
    }

    /// Gives each request its rows of a step.
    fn keep(&mut self, part: &RecordedRows) {
        for (request, recording) in self.recordings.iter_mut().flatten().enumerate() {
            let active = self.active.iter().enumerate();
            let rows: Vec<(usize, usize)> =
                active.filter(|(_, s)| s.request == request).map(|(row, s)| (s.sample, row)).collect();
            if let (Some(recording), false) = (recording, rows.is_empty()) {
                recording.add(part, &rows);
            }
        }
    }
}
