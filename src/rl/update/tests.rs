//! Updates of the demonstration's model, against what their parts give one by one.

use burn::tensor::Tensor;

use super::{
    batch::{Batch, Evaluated},
    given::Mask,
    *,
};
use crate::{
    model::{BackwardOptions, LoraGrads, TokenGrads, TokenScores},
    rl::{
        engine::{Asked, Completed},
        loss::{Objective, Sequence, Totals},
        testing::demo_trainer,
        trainer::Trainer,
        watch::Unwatched,
    },
    settings::{ImportanceSampling, LossType},
};

/// Four groups with made-up advantages, one completion cut off.
struct Case {
    groups: Vec<PackedGroup>,
    advantages: Vec<Vec<f64>>,
    counts: Vec<Vec<bool>>,
    given: Vec<Vec<Given>>,
}

impl Case {
    fn new() -> Self {
        let tokens = |seed: usize, n: usize| (0..n).map(|i| ((seed * 37 + i * 11) % 90 + 5) as u32).collect::<Vec<_>>();
        let group = |g: usize| PackedGroup {
            prompt: tokens(g, 9),
            completions: (0..3).map(|i| tokens(g * 5 + i, 2 + (g * 3 + i * 2) % 7)).collect(),
        };
        let mut counts = vec![vec![true; 3]; 4];
        counts[2][1] = false;
        let advantages = vec![vec![1.0, -0.5, -0.5], vec![0.2, 0.9, -1.1], vec![-1.0, 0.5, 0.5], vec![0.7, -0.6, -0.1]];
        Self { groups: (0..4).map(group).collect(), advantages, counts, given: vec![vec![Vec::new(); 3]; 4] }
    }

    fn lesson(&self) -> Lesson<'_> {
        self.some(0..4)
    }

    fn some(&self, range: std::ops::Range<usize>) -> Lesson<'_> {
        let recordings = range.clone().map(|_| None).collect();
        let (groups, advantages) = (&self.groups[range.clone()], &self.advantages[range.clone()]);
        Lesson { groups, recordings, advantages, counts: &self.counts[range.clone()], given: &self.given[range] }
    }
}

fn trainer(loss: LossType, prompts: usize, accumulated: usize, parts: Option<usize>) -> Trainer {
    demo_trainer(|settings| {
        settings.grpo.loss_type = loss;
        settings.rollout.prompts_per_step = prompts;
        settings.optim.gradient_accumulation_steps = accumulated;
        settings.grpo.steps_per_generation = parts;
        // So that the order of the gradient's terms does not show.
        settings.optim.learning_rate = 1e-3;
    })
}

fn floats(tensors: &[Tensor<2>]) -> Vec<f32> {
    tensors.iter().flat_map(|t| t.clone().try_into_vec_as::<f32>().unwrap()).collect()
}

fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let most = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert!(most > 0.0, "nothing to compare");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * most, "{a} is not {b}");
    }
}

/// The objective over a lesson in these parts, each group's reference and old log-probabilities being the policy's own.
fn evaluate(trainer: &Trainer, lesson: &Lesson<'_>, parts: &[std::ops::Range<usize>]) -> Evaluated {
    let engine = trainer.engine();
    let mut batch = Batch::new(&engine, lesson);
    for group in 0..lesson.groups.len() {
        let scores = engine.score_group(None, &batch, group).unwrap().logprobs;
        batch.reference.push(scores);
    }
    let adapter = &trainer.policy.adapter;
    engine.evaluate_objective(adapter, &batch, parts, Vec::new(), &mut || false).unwrap().unwrap()
}

#[test]
fn accumulated_gradients_are_those_of_the_whole_or_the_parts_mean() {
    let case = Case::new();
    for loss in [LossType::Grpo, LossType::Bnpo, LossType::Dapo, LossType::DrGrpo, LossType::Luspo] {
        let trainer = trainer(loss, 4, 2, None);
        let found = evaluate(&trainer, &case.lesson(), &[0..2, 2..4]);
        let expected = if loss == LossType::Bnpo {
            let halves = [case.some(0..2), case.some(2..4)].map(|half| evaluate(&trainer, &half, &[0..2]));
            let sum = |(a, b): (&Tensor<2>, &Tensor<2>)| (a.clone() + b.clone()) / 2.0;
            let [first, second] = &halves;
            let gradients: Vec<_> = first.gradients.values.iter().zip(&second.gradients.values).map(sum).collect();
            (f64::midpoint(first.loss, second.loss), gradients)
        } else {
            let whole = evaluate(&trainer, &case.lesson(), &[0..4]);
            (whole.loss, whole.gradients.values)
        };
        assert!((found.loss - expected.0).abs() < 1e-9, "{loss:?}: {} is not {}", found.loss, expected.0);
        assert_near(&floats(&found.gradients.values), &floats(&expected.1), 1e-5);
    }
    let [whole, parted] = [vec![0..4], vec![0..2, 2..4]]
        .map(|parts| evaluate(&trainer(LossType::Bnpo, 4, 2, None), &case.lesson(), &parts).loss);
    assert!((whole - parted).abs() > 1e-6, "the parts are too alike to tell means apart");
}

#[test]
fn a_completion_that_does_not_count_changes_nothing() {
    let mut case = Case::new();
    let trainer = trainer(LossType::Dapo, 4, 1, None);
    let before = evaluate(&trainer, &case.lesson(), &[0..4]);
    case.groups[2].completions[1] = vec![77, 5, 30, 31];
    case.advantages[2][1] = 9.0;
    let after = evaluate(&trainer, &case.lesson(), &[0..4]);
    assert!((before.loss - after.loss).abs() < 1e-9);
    assert_near(&floats(&after.gradients.values), &floats(&before.gradients.values), 1e-5);
}

#[test]
fn gradients_do_not_depend_on_how_many_completions_are_in_a_pass() {
    let case = Case::new();
    let mut trainer = trainer(LossType::Dapo, 4, 1, None);
    let whole = evaluate(&trainer, &case.lesson(), &[0..4]);
    for size in [1, 2] {
        trainer.settings.memory.completions_per_pass = Some(size);
        let parted = evaluate(&trainer, &case.lesson(), &[0..4]);
        assert!((parted.loss - whole.loss).abs() < 1e-6);
        assert_eq!(parted.scores.iter().map(Vec::len).collect::<Vec<_>>(), [3; 4]);
        assert_near(&floats(&parted.gradients.values), &floats(&whole.gradients.values), 1e-4);
    }
}

#[test]
fn a_later_update_of_a_rollout_measures_from_the_policy_that_wrote_it() {
    let case = Case::new();
    let mut trainer = trainer(LossType::Dapo, 4, 1, Some(2));
    let found = trainer.engine().update(1, case.lesson(), &mut Unwatched).unwrap().unwrap();
    assert_eq!((found.report.updates, found.report.skipped), (2, 0));

    // The same by hand: an update on the first half, then one on the second with its old log-probabilities.
    let second = case.some(2..4);
    let engine = trainer.engine();
    let mut batch = Batch::new(&engine, &second);
    for group in 0..2 {
        batch.reference.push(engine.score_group(None, &batch, group).unwrap().logprobs);
        let old = engine.score_group(Some(&trainer.policy.adapter), &batch, group).unwrap().logprobs;
        batch.old[group] = Some(old);
    }
    let (reference, old) = (batch.reference, batch.old);
    trainer.settings.rollout.prompts_per_step = 2;
    trainer.settings.grpo.steps_per_generation = None;
    let first = trainer.engine().update(1, case.some(0..2), &mut Unwatched).unwrap().unwrap();
    let engine = trainer.engine();
    let mut batch = Batch::new(&engine, &second);
    (batch.reference, batch.old) = (reference, old);
    let at = engine.evaluate_objective(&first.adapter, &batch, &[0..2], Vec::new(), &mut || false).unwrap().unwrap();
    let mut moving = Moving { adapter: first.adapter, optimizer: first.optimizer, report: first.report.clone() };
    moving.update(at, &trainer.settings).unwrap();

    let values = |adapter: &Lora| floats(&adapter.params.iter().map(|p| p.value.clone()).collect::<Vec<_>>());
    assert_near(&values(&found.adapter), &values(&moving.adapter), 1e-6);
    assert!((found.report.loss - moving.report.loss / 2.0).abs() < 1e-9);
    let moved = found.report.stats.clipped.unwrap();
    assert_eq!(moved.by_sequence.len(), 11, "each completion that counts was looked at once");
}

#[test]
fn what_generates_fewer_at_a_time_writes_the_same() {
    let written = |at_once: Option<usize>| {
        let trainer = demo_trainer(|settings| settings.memory.samples_in_flight = at_once);
        let prompts: [Vec<u32>; 2] = [vec![1, 40, 50, 60, 70], vec![1, 41, 52, 63]];
        let prompts: Vec<Asked<'_>> = prompts.iter().map(|prompt| prompt.as_slice().into()).collect();
        let Completed { completions, recordings } =
            trainer.engine().complete(3, 0, &prompts, &mut Unwatched).unwrap().unwrap();
        let recorded = recordings.iter().filter(|recording| recording.is_some()).count();
        (completions.into_iter().flatten().map(|c| c.tokens).collect::<Vec<_>>(), recorded)
    };
    let (all, recorded) = written(None);
    assert_eq!((all.len(), recorded), (8, 2));
    assert_eq!(written(Some(4)), (all.clone(), 2));
    // Parts of a group have no recording of their own.
    assert_eq!(written(Some(3)), (all.clone(), 0));
    assert_eq!(written(Some(1)), (all, 0));
}

/// The gradient of a dapo loss of which only the tokens that the model wrote are part, written out: with one update a rollout a token's loss is
/// `(-A + beta k3) / T`, whose slope is `(-A + beta (1 - exp(ref - logp))) / T`, T being the written tokens of the completions that count.
#[test]
fn what_the_model_was_given_has_no_part_in_loss_or_gradient() {
    let mut case = Case::new();
    case.given[0] = vec![Vec::new(), vec![1..2], vec![2..4]];
    case.given[3] = vec![vec![0..1, 2..3], Vec::new(), Vec::new()];
    let lengths = |g: usize| case.groups[g].completions.iter().map(Vec::len).collect::<Vec<_>>();
    assert!(lengths(0)[2] > 4 && lengths(3)[0] > 3, "{:?} {:?}", lengths(0), lengths(3));
    let mut trainer = trainer(LossType::Dapo, 4, 1, None);
    let written = |g: usize, i: usize, t: usize| !case.given[g][i].iter().any(|given| given.contains(&t));
    let counted = |g: usize, i: usize| case.counts[g][i];
    let each = || (0..4).flat_map(|g| (0..3).map(move |i| (g, i)));
    let tokens: usize = each()
        .filter(|&(g, i)| counted(g, i))
        .map(|(g, i)| (0..case.groups[g].completions[i].len()).filter(|&t| written(g, i, t)).count())
        .sum();
    let (beta, weight) = (trainer.settings.grpo.beta, 1.0 / tokens as f64);
    let (adapter, temperature) = (&trainer.policy.adapter, trainer.settings.rollout.temperature as f32);
    // A reference that differs from the policy, so that the KL term has a gradient.
    let apart = |t: usize| 0.2 * ((t * 7 % 5) as f32 - 2.0);
    let (mut loss, mut expected) = (0.0, LoraGrads::of(adapter));
    for (g, group) in case.groups.iter().enumerate() {
        let mut objective = |scores: &TokenScores| {
            let slope = |i: usize, t: usize| {
                if !(counted(g, i) && written(g, i, t)) {
                    return 0.0;
                }
                let gap = f64::from((scores.logprobs[i][t] + apart(t)) - scores.logprobs[i][t]);
                loss += weight * (-case.advantages[g][i] + beta * (gap.exp() - gap - 1.0));
                (weight * (-case.advantages[g][i] + beta * (1.0 - gap.exp()))) as f32
            };
            let mut slope = slope;
            let lengths: Vec<usize> = scores.logprobs.iter().map(Vec::len).collect();
            let slopes = lengths.iter().enumerate().map(|(i, n)| (0..*n).map(|t| slope(i, t)).collect::<Vec<f32>>());
            slopes.collect::<Vec<_>>().into()
        };
        let options = BackwardOptions { recompute: trainer.settings.memory.recompute, head_chunk: 128, dropout: None };
        trainer.model.backward(adapter, group, temperature, options, &mut objective, &mut expected).unwrap();
    }
    let (lesson, parts) = (case.lesson(), [0..4]);
    let at = |trainer: &Trainer| {
        let engine = trainer.engine();
        let mut batch = Batch::new(&engine, &lesson);
        for (g, group) in case.groups.iter().enumerate() {
            let all = trainer.model.score(Some(&trainer.policy.adapter), group, temperature).unwrap().logprobs;
            let kept = |(i, logprobs): (usize, Vec<f32>)| {
                let kept = logprobs.into_iter().enumerate().filter(|&(t, _)| written(g, i, t));
                kept.map(|(t, logprob)| logprob + apart(t)).collect::<Vec<f32>>()
            };
            batch.reference.push(all.into_iter().enumerate().map(kept).collect());
        }
        let adapter = &trainer.policy.adapter;
        engine.evaluate_objective(adapter, &batch, &parts, Vec::new(), &mut || false).unwrap().unwrap()
    };
    let found = at(&trainer);
    assert!((found.loss - loss).abs() < 1e-6, "{} is not {loss}", found.loss);
    assert_eq!(found.stats.tokens, tokens);
    assert_near(&floats(&found.gradients.values), &floats(&expected.values), 1e-4);
    let lengths: Vec<usize> = found.scores.iter().flatten().map(Vec::len).collect();
    let all: Vec<usize> =
        each().map(|(g, i)| (0..case.groups[g].completions[i].len()).filter(|&t| written(g, i, t)).count()).collect();
    assert_eq!(lengths, all, "log-probabilities are those of what was written");
    trainer.settings.memory.completions_per_pass = Some(1);
    let parted = at(&trainer);
    assert!((parted.loss - loss).abs() < 1e-6, "{} is not {loss}", parted.loss);
    assert_near(&floats(&parted.gradients.values), &floats(&expected.values), 1e-4);
}

#[test]
fn scores_of_what_was_given_change_nothing() {
    let case = Case::new();
    let given: Vec<Given> = vec![vec![1..3], Vec::new()];
    let mask = Mask(&given);
    let scores = |within: f32| TokenScores {
        logprobs: vec![vec![-1.0, within, within * 2.0, -0.5, -2.0], vec![-0.3, -0.4]],
        entropies: vec![vec![1.0, within.abs(), 9.0, 0.5, 2.0], vec![0.3, 0.4]],
    };
    for loss in [LossType::Grpo, LossType::Bnpo, LossType::Cispo, LossType::Sapo, LossType::Vespo, LossType::Luspo] {
        for (level, share) in [(ImportanceSampling::Token, 1.0), (ImportanceSampling::Sequence, 0.5)] {
            let trainer = demo_trainer(|settings| {
                settings.grpo.loss_type = loss;
                settings.grpo.importance_sampling_level = level;
            });
            let batch = Batch::new(&trainer.engine(), &case.lesson());
            let objective = Objective { entropy_coef: 0.1, ..batch.objective };
            let at = |within: f32| {
                let scores = scores(within);
                let seen = mask.written(&scores);
                let old: Vec<Vec<f32>> = seen.logprobs.iter().map(|l| l.iter().map(|l| l - 0.1).collect()).collect();
                let sequence = |i: usize| Sequence {
                    logprobs: &seen.logprobs[i],
                    old: Some(&old[i]),
                    reference: &old[i],
                    entropies: &seen.entropies[i],
                    advantage: [0.7, -0.4][i],
                    counts: true,
                };
                let entropies: Vec<&[f32]> = seen.entropies.iter().map(Vec::as_slice).collect();
                let part = objective.evaluate(&[0, 1].map(sequence), Totals::new(2, &entropies, share));
                let all = mask.spread(TokenGrads { logprobs: part.gradient, entropies: part.entropy_gradient });
                (part.loss.to_bits(), part.stats, all)
            };
            let (near, far) = (at(-0.2), at(-40.0));
            assert_eq!(near, far, "{loss:?} {level:?}");
            for gradients in [&near.2.logprobs, &near.2.entropies] {
                assert_eq!(gradients.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2]);
                assert!(gradients[0][1].to_bits() == 0 && gradients[0][2].to_bits() == 0);
                assert!(gradients[0].iter().any(|slope| *slope != 0.0));
            }
        }
    }
}
