//! Steps of the demonstration's model.

use std::ops::ControlFlow;

use super::{
    control,
    seeds::{self, Stream},
    session,
    testing::{demo_loaded, demo_trainer},
    trainer::Trainer,
    watch::Unwatched,
};
use crate::{
    model::{GenerateRequest, Lora},
    run::{
        bus::Bus,
        checkpoint,
        command::{Command, CommandSink},
        event::{EndReason, Event, GroupScored, LogLevel, RunState, StepDone},
        folder::RunFolder,
        metrics,
        reporter::Reporter,
        store::RunStore,
    },
    settings::{Constrain, Reference},
};

fn step(trainer: &mut Trainer) -> (StepDone, Vec<GroupScored>) {
    let output = trainer.step(&mut Unwatched).unwrap().unwrap();
    (output.done, output.groups)
}

fn solved(group: &GroupScored) -> usize {
    group.candidates.iter().filter(|candidate| candidate.correct).count()
}

#[test]
fn dynamic_sampling_replaces_what_is_all_right_or_all_wrong() {
    let run = |dynamic: bool| {
        let mut trainer = demo_trainer(|settings| {
            settings.grpo.dynamic_sampling = dynamic;
            settings.grpo.max_num_gen_batches = 6;
            settings.rollout.max_completion_length = 64;
            settings.rollout.stop_at_fence = true;
        });
        let out = step(&mut trainer);
        (out, trainer.policy.progress.cursor.position, trainer.policy.progress.pass_rates.len())
    };
    let ((_, plain), _, asked) = run(false);
    assert_eq!((plain.len(), asked), (2, 2));
    let ((done, groups), position, asked) = run(true);
    let rollouts = done.metrics.get("num_gen_batches").unwrap();
    assert_eq!(groups.len(), 2);
    assert!((2.0..=6.0).contains(&rollouts), "the first questions already teach something: the case shows nothing");
    assert!(asked > 2 && position >= asked, "{asked} questions were asked, and the next step begins at {position}");
    if rollouts < 6.0 {
        assert!(groups.iter().all(|group| (1..4).contains(&solved(group))));
        let rate = done.metrics.get(metrics::FILTER_PASS_RATE).unwrap();
        assert!((rate - 2.0 / asked as f64).abs() < 1e-12, "{rate}");
    }
}

#[test]
fn long_replies_lose_reward_and_the_loss_sees_it() {
    let mut trainer = demo_trainer(|settings| {
        settings.grpo.overlong_buffer_len = Some(8);
        settings.grpo.overlong_penalty_factor = 0.5;
    });
    let (done, groups) = step(&mut trainer);
    let mut charged = 0;
    for candidate in groups.iter().flat_map(|group| &group.candidates) {
        let expected = -((candidate.tokens.saturating_sub(16)) as f64 / 8.0);
        assert!((candidate.components["overlong"] - expected).abs() < 1e-12);
        charged += usize::from(expected < 0.0);
    }
    assert!(charged > 0, "no reply was long: the case shows nothing");
    assert!(done.metrics.get("rewards/overlong/mean").unwrap() < 0.0);
    let group = &groups[0].candidates;
    let mean = group.iter().map(|c| c.reward).sum::<f64>() / group.len() as f64;
    assert!(group.iter().all(|c| (c.advantage * (c.reward - mean)) >= 0.0));
}

#[test]
fn a_reference_that_follows_makes_the_divergence_small_again() {
    let divergence = |sync: bool| {
        let mut trainer = demo_trainer(|settings| {
            settings.optim.learning_rate = 5e-3;
            settings.grpo.sync_ref_model = sync;
            settings.grpo.ref_model_mixup_alpha = 1.0;
            settings.grpo.ref_model_sync_steps = 2;
        });
        (0..3).map(|_| step(&mut trainer).0.metrics.get(metrics::KL).unwrap()).collect::<Vec<_>>()
    };
    let (still, following) = (divergence(false), divergence(true));
    // A new adapter changes nothing, and so is the base.
    assert!(
        (still[0] - following[0]).abs() < 1e-9 && (still[1] - following[1]).abs() < 1e-7,
        "{still:?} {following:?}"
    );
    assert!(still[2] > 1e-4 && following[2] < still[2] / 100.0, "{still:?} {following:?}");
}

#[test]
fn a_step_of_several_rollouts_asks_so_many_questions() {
    let mut trainer = demo_trainer(|settings| {
        settings.rollout.prompts_per_step = 1;
        settings.optim.gradient_accumulation_steps = 3;
        settings.grpo.steps_per_generation = Some(1);
        settings.run.gradient_flow_every = 2;
    });
    let (done, groups) = step(&mut trainer);
    assert_eq!(groups.iter().map(|group| group.group).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(done.metrics.get(metrics::UPDATES_PER_ROLLOUT), Some(1.0));
    let epoch = done.metrics.get(metrics::EPOCH).unwrap();
    assert!((epoch - 3.0 / trainer.dataset.train.len() as f64).abs() < 1e-12, "{epoch}");
    let output = trainer.step(&mut Unwatched).unwrap().unwrap();
    let flow = output.gradients.unwrap();
    assert_eq!((flow.step, flow.layers.len(), flow.layers[0].len()), (2, trainer.model.config.num_hidden_layers, 7));
    let squares: f32 = flow.layers.iter().flatten().flat_map(|norms| norms.grad).map(|norm| norm * norm).sum();
    let whole = output.done.metrics.get(metrics::GRAD_NORM).unwrap();
    assert!((f64::from(squares.sqrt()) - whole).abs() < 1e-4 * whole, "{squares} {whole}");
}

#[test]
fn any_sample_can_be_written_again_alone() {
    let mut trainer = demo_trainer(|settings| settings.optim.learning_rate = 5e-3);
    step(&mut trainer);
    let (before, settings) = (trainer.policy.adapter.clone(), trainer.settings.clone());
    let (_, groups) = step(&mut trainer);
    for (group, sample) in [(0, 3), (1, 0)] {
        let example = trainer.dataset.train.iter().find(|e| e.id == groups[group].question_id).unwrap();
        let prompt = trainer.asker.prompt(&trainer.model, example).unwrap().unwrap().tokens;
        let seed = seeds::seed(settings.run.seed, Stream::Sample, [2, group as u64, sample as u64]);
        let request = GenerateRequest { prompt, seeds: vec![seed], ..GenerateRequest::default() };
        let written = trainer
            .model
            .generate(Some(&before), &[request], &trainer.engine().sampling(), &mut |_, _| ControlFlow::Continue(()))
            .unwrap()
            .unwrap();
        let text = trainer.model.tokenizer.decode(&written[0][0].tokens);
        assert_eq!(text, groups[group].candidates[sample].text);
    }
}

#[test]
fn a_run_whose_updates_all_fail_pauses() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let mut loaded = demo_loaded(|settings| {
        // Far beyond what a float holds.
        settings.grpo.beta = 1e300;
        settings.grpo.reference = Reference::Base;
        settings.optim.max_skipped_updates = 2;
        settings.eval.at_start = false;
        settings.run.max_steps = Some(50);
    });
    let trainer = &mut loaded.trainer;
    // A policy that is not its reference.
    let moved: Vec<_> = trainer.policy.adapter.params.iter().map(|p| p.value.clone() + 0.05).collect();
    for (param, value) in trainer.policy.adapter.params.iter_mut().zip(moved) {
        param.value = value;
    }
    let (before, config) = (trainer.policy.adapter.clone(), trainer.model.config.clone());
    let bus = Bus::default();
    let mut viewer = bus.subscribe().records;
    let (remote, control) = control::line();
    let place = folder.clone();
    let conducted = std::thread::spawn(move || {
        let reporter = Reporter::new(RunStore::open(&place.store()).unwrap(), bus, None);
        session::run(&place, control, reporter, |_| Ok(loaded))
    });
    let mut skipped = Vec::new();
    let mut said = None;
    while let Some(record) = viewer.blocking_recv() {
        match &record.event {
            Event::Step(done) => skipped.push(done.metrics.get(metrics::SKIPPED_UPDATES).unwrap()),
            Event::Log(line) if line.level == LogLevel::Error => said = Some(line.message.clone()),
            Event::State(changed) if changed.state == RunState::Paused => {
                remote.send(Command::Stop { checkpoint: true });
            }
            _ => {}
        }
    }
    conducted.join().unwrap().unwrap();
    assert_eq!(skipped, [1.0, 1.0], "two steps, then a pause");
    assert!(said.unwrap().contains("2 updates in a row"));
    let saved = checkpoint::newest(&folder.checkpoints()).unwrap().0.unwrap();
    let after = Lora::load(&saved.path, &config, &crate::model::testing::device()).unwrap();
    let values = |lora: &Lora| -> Vec<f32> {
        lora.params.iter().flat_map(|p| p.value.clone().try_into_vec_as::<f32>().unwrap()).collect()
    };
    assert_eq!(values(&after), values(&before), "an update that is left out changes nothing");
}

#[test]
fn a_run_waits_for_a_store_that_another_process_holds() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let loaded = demo_loaded(|settings| {
        settings.eval.at_start = false;
        settings.eval.questions = 0;
        settings.run.max_steps = Some(3);
    });
    let bus = Bus::default();
    let mut viewer = bus.subscribe().records;
    let (_remote, control) = control::line();
    let place = folder.clone();
    let conducted = std::thread::spawn(move || {
        let reporter = Reporter::new(RunStore::open(&place.store()).unwrap(), bus, None);
        session::run(&place, control, reporter, |_| Ok(loaded))
    });
    let (mut holder, mut said) = (None, Vec::new());
    while let Some(record) = viewer.blocking_recv() {
        match &record.event {
            Event::Step(done) if done.step == 1 => {
                let other = rusqlite::Connection::open(folder.store()).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                holder = Some(other);
            }
            Event::State(changed) if changed.state == RunState::Paused => {
                said.push("paused".to_owned());
                holder = None;
            }
            Event::Log(line) => said.push(line.message.clone()),
            _ => {}
        }
    }
    let ended = conducted.join().unwrap().unwrap();
    drop(holder);
    assert_eq!((ended.reason, ended.step), (EndReason::Completed, 3));
    assert!(said.contains(&"paused".to_owned()), "{said:?}");
    assert!(said.iter().any(|text| text.contains("locked") && text.contains("nothing is lost")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("the run goes on")), "{said:?}");
    let stored = RunStore::open_read_only(&folder.store()).unwrap().since(0, usize::MAX).unwrap();
    let steps: Vec<u64> =
        stored.iter().filter_map(|r| matches!(r.event, Event::Step(_)).then(|| r.event.step()).flatten()).collect();
    assert_eq!(steps, [1, 2, 3], "what could not be written is in the store in the end");
}

#[test]
fn a_step_under_a_constraint_learns_and_writes_no_nonsense() {
    let errors = |constrain: Constrain| {
        let mut trainer = demo_trainer(|settings| {
            settings.rollout.constrain = constrain;
            settings.rollout.max_completion_length = 96;
            settings.rollout.temperature = 1.4;
        });
        let output = trainer.step(&mut Unwatched).unwrap().unwrap();
        let metrics = output.done.metrics;
        assert!(metrics.get(metrics::GRAD_NORM).unwrap() > 0.0 && metrics.get(metrics::LOSS).unwrap().is_finite());
        // What was forced has the probability that the model gives it, in the update as in generation.
        assert!(metrics.get("sampling/sampling_logp_difference/max").unwrap() < 1e-3);
        let refused = metrics.get("constrain/refused");
        assert_eq!(refused.is_some_and(|share| share > 0.0), constrain != Constrain::Off, "{refused:?}");
        assert_eq!(metrics.get("constrain/stuck").unwrap_or(0.0).to_bits(), 0);
        let all = output.groups.iter().flat_map(|group| &group.candidates).filter(|candidate| candidate.finished);
        let bad = |kind: &str| ["syntax_error", "unknown_name", "several_statements"].contains(&kind);
        all.filter(|candidate| bad(&candidate.result.outcome)).count()
    };
    assert!(errors(Constrain::Off) > 0, "the model must err by itself");
    assert_eq!(errors(Constrain::Schema), 0);
}
