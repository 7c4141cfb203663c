//! Where tests find the reference values, and judged completions without a model.

use std::{collections::BTreeMap, path::PathBuf};

use super::{questions::Prompt, rollout::Rollout, session::Loaded, setup, trainer::Trainer, watch::Unwatched};
use crate::{
    data::Example,
    model::Completion,
    reward::Scored,
    run::{event::ResultPreview, folder::RunFolder},
    settings::Settings,
    sql::Sandbox,
};

/// A trainer of the demonstration's model on its data, which is quick, with `change` made to its settings.
pub(crate) fn demo_trainer(change: impl FnOnce(&mut Settings)) -> Trainer {
    demo_loaded(change).trainer
}

/// The same with the events that begin a session.
pub(crate) fn demo_loaded(change: impl FnOnce(&mut Settings)) -> Loaded<Trainer> {
    let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/demo");
    let mut settings = Settings::default();
    settings.model.path = Some(demo.join("model.gguf").display().to_string());
    settings.data.root = Some(demo);
    settings.data.check_gold = false;
    settings.lora.r = 4;
    (settings.rollout.num_generations, settings.rollout.prompts_per_step) = (4, 2);
    settings.rollout.max_completion_length = 24;
    settings.optim.warmup_steps = 0;
    change(&mut settings);
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let sandbox = Sandbox::in_process(&settings.sql);
    setup::load(settings, sandbox, &folder, false, &mut Unwatched).unwrap()
}

/// A rollout with these rewards and verdicts; SQL, text and tokens differ from reply to reply.
pub(crate) fn rollout(rewards: &[f64], correct: &[bool]) -> Rollout {
    let scored = |(i, (&reward, &correct)): (usize, (&f64, &bool))| Scored {
        sql: format!("SELECT {i}"),
        components: BTreeMap::new(),
        reward,
        correct,
        result: ResultPreview::default(),
    };
    let completion = |i: usize| Completion { tokens: vec![1; i + 1], finished: true, ..Completion::default() };
    Rollout {
        prompt: Prompt { example: Example::default(), tokens: vec![1, 2, 3], messages: Vec::new(), constraint: None },
        texts: (0..rewards.len()).map(|i| format!("SELECT {i}")).collect(),
        completions: (0..rewards.len()).map(completion).collect(),
        earlier: vec![Vec::new(); rewards.len()],
        scored: rewards.iter().zip(correct).enumerate().map(scored).collect(),
    }
}
