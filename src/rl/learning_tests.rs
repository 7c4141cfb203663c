//! That an update does what it is for: real steps on a tiny model.

use super::{
    loss::{Objective, Sequence, Totals},
    optimizer::AdamW,
};
use crate::{
    model::{
        AdapterSet, BackwardOptions, Decoder, Lora, LoraGrads, ModelConfig, PackedGroup, TokenGrads, TokenScores,
        testing::{random_weights, tiny_config},
        weights::Weights,
    },
    settings::{GrpoSettings, LoraSettings, LossType, OptimSettings, Recompute},
};

const OPTIONS: BackwardOptions = BackwardOptions { recompute: Recompute::Never, head_chunk: 8, dropout: None };

fn group() -> PackedGroup {
    PackedGroup { prompt: vec![5, 9, 33, 2, 71], completions: vec![vec![4, 8, 15], vec![16, 23, 42, 7], vec![50, 51]] }
}

struct Tiny {
    config: ModelConfig,
    weights: Weights,
}

impl Tiny {
    fn new(seed: u64) -> Self {
        let config = tiny_config();
        Self { weights: random_weights(&config, seed, &crate::model::testing::device()), config }
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder { config: &self.config, weights: &self.weights }
    }

    fn score(&self, adapter: Option<&Lora>, temperature: f32) -> TokenScores {
        let adapters = adapter.map(|a| AdapterSet::from_lora(&self.config, a).unwrap());
        self.decoder().score(adapters.as_ref(), &group(), temperature).unwrap()
    }
}

fn adapter(model: &Tiny) -> Lora {
    let settings = LoraSettings { r: 4, lora_alpha: 8.0, ..LoraSettings::default() };
    Lora::new(&model.config, &settings, 3, &crate::model::testing::device()).unwrap()
}

/// A step on the group with these advantages; the loss before it.
fn step(model: &Tiny, adapter: &mut Lora, optimizer: &mut AdamW, reference: &TokenScores, advantages: [f64; 3]) -> f64 {
    let grpo = GrpoSettings { beta: 0.04, loss_type: LossType::Dapo, ..GrpoSettings::default() };
    let objective = Objective::new(&grpo, grpo.beta, 0.0, 8);
    let (mut grads, mut loss) = (LoraGrads::of(adapter), 0.0);
    let mut evaluate = |scores: &TokenScores| {
        let sequence = |i: usize| Sequence {
            logprobs: &scores.logprobs[i],
            old: Some(&reference.logprobs[i]),
            reference: &reference.logprobs[i],
            entropies: &scores.entropies[i],
            advantage: advantages[i],
            counts: true,
        };
        let sequences: Vec<_> = (0..3).map(sequence).collect();
        let evaluated = objective.evaluate(&sequences, Totals::whole(3, 9));
        loss = evaluated.loss;
        TokenGrads::from(evaluated.gradient)
    };
    let adapters = AdapterSet::from_lora(&model.config, adapter).unwrap();
    model.decoder().backward(&adapters, &group(), 1.0, OPTIONS, &mut evaluate, &mut grads).unwrap();
    optimizer.update(&mut adapter.params, &grads.values, 1.0, 3e-3, &OptimSettings::default());
    loss
}

fn sums(scores: &TokenScores) -> Vec<f32> {
    scores.logprobs.iter().map(|l| l.iter().sum()).collect()
}

#[test]
fn good_completions_become_likelier_and_bad_ones_less_likely() {
    let model = Tiny::new(1);
    let mut adapter = adapter(&model);
    let mut optimizer = AdamW::new(&adapter.params);
    let before = model.score(Some(&adapter), 1.0);
    step(&model, &mut adapter, &mut optimizer, &before, [1.0, -1.0, 0.0]);
    let after = model.score(Some(&adapter), 1.0);
    let (before, after) = (sums(&before), sums(&after));
    assert!(after[0] > before[0] + 1e-4, "{before:?} {after:?}");
    assert!(after[1] < before[1] - 1e-4, "{before:?} {after:?}");
}

#[test]
fn the_loss_of_a_fixed_batch_falls() {
    let model = Tiny::new(2);
    let mut adapter = adapter(&model);
    let mut optimizer = AdamW::new(&adapter.params);
    let start = model.score(Some(&adapter), 1.0);
    let losses: Vec<f64> =
        (0..8).map(|_| step(&model, &mut adapter, &mut optimizer, &start, [1.0, -0.5, -0.5])).collect();
    assert!(losses[7] < losses[0] - 1e-3, "{losses:?}");
    assert!(losses.windows(2).filter(|w| w[1] < w[0]).count() >= 5, "{losses:?}");
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let model = Tiny::new(4);
    let with = model.score(Some(&adapter(&model)), 0.7);
    assert_eq!(with, model.score(None, 0.7));
}
