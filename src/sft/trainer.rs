//! One step of supervised fine-tuning, and what surrounds it: evaluation, saving.

use std::{ops::ControlFlow, path::Path, time::Instant};

use super::{Bundle, Deck, Exam, Lessons, Pupil};
use crate::{
    model::LoraGrads,
    reward::Scorer,
    rl::{
        TrainError, changes,
        learner::{Examined, Learner, line_end, value},
        optimizer::{AdamW, clip_scale, global_norm},
        policy::TrainerState,
        schedule::learning_rate,
        trainer::StepOutput,
        watch::Watch,
    },
    run::{
        checkpoint::Checkpoint,
        event::{Phase, SettingChanged, StepDone},
        metrics::{self, Metrics},
        profile::Work,
    },
    settings::Settings,
};

/// Everything that a run computes with.
pub struct Trainer<P> {
    /// What learns.
    pub pupil: P,
    /// The questions with their answers.
    pub lessons: Lessons,
    /// The held-out questions.
    pub exam: Exam,
    /// Judges replies.
    pub scorer: Scorer,
    /// Moments of the optimizer.
    pub optimizer: AdamW,
    /// Counters; the cursor's position counts bundles.
    pub progress: TrainerState,
    /// The settings that were asked for.
    pub asked: Settings,
    /// The same with what was changed since.
    pub settings: Settings,
    /// Steps at which the run ends.
    pub max_steps: u64,
}

impl<P: Pupil> Trainer<P> {
    /// A trainer at step 0. Steps are `run.max_steps`, else as many as `run.epochs` passes over the lessons take.
    pub fn new(pupil: P, lessons: Lessons, exam: Exam, scorer: Scorer, settings: Settings) -> Self {
        let optimizer = AdamW::new(pupil.params());
        let progress = TrainerState { seed: settings.run.seed, ..TrainerState::default() };
        let bundles = lessons.epoch(settings.sft.questions_per_bundle, settings.run.seed, 0).len();
        let by_epochs = (settings.run.epochs * bundles as f64 / settings.sft.bundles_per_step as f64).ceil() as u64;
        let max_steps = settings.run.max_steps.unwrap_or(by_epochs.max(1));
        let asked = settings.clone();
        Self { pupil, lessons, exam, scorer, optimizer, progress, asked, settings, max_steps }
    }

    /// Goes on from a checkpoint's folder.
    ///
    /// # Errors
    /// A file is missing or damaged, or does not fit the settings.
    pub fn resume(&mut self, dir: &Path) -> Result<(), TrainError> {
        let params = self.pupil.params();
        let device = params.first().map(|p| p.value.device()).unwrap_or_default();
        let (optimizer, progress) = (AdamW::load(params, dir, &device)?, TrainerState::load(dir)?);
        self.pupil.restore(dir)?;
        (self.optimizer, self.progress) = (optimizer, progress);
        self.settings = changes::take_up(&self.asked, &mut self.progress);
        Ok(())
    }
}

impl<P: Pupil> Learner for Trainer<P> {
    fn database(&self, db_id: &str) -> Option<&Path> {
        self.exam.database(db_id)
    }

    fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        let started = Instant::now();
        let step = self.progress.step + 1;
        let sft = &self.settings.sft;
        let mut deck = Deck::new(&self.lessons, sft.questions_per_bundle, self.settings.run.seed, self.progress.cursor);
        let bundles: Vec<Bundle> = (0..sft.bundles_per_step).map_while(|_| deck.deal(&self.lessons)).collect();
        let targets: usize = bundles.iter().map(Bundle::target_count).sum();
        if targets == 0 {
            return Err(TrainError::Unusable("there are no questions to learn from within the length limits".into()));
        }
        watch.enter(Work::Update);
        watch.enter(Work::Gradient);
        let mut grads = LoraGrads::zeros(self.pupil.params().iter().map(|p| &p.value));
        let mut loss = 0.0;
        for (index, bundle) in bundles.iter().enumerate() {
            if watch.progress(Phase::Update, index as u64, bundles.len() as u64).is_break() {
                return Ok(None);
            }
            loss += self.pupil.gradient(bundle, 1.0 / targets as f32, &mut grads)?;
        }
        watch.enter(Work::Optimizer);
        let optim = &self.settings.optim;
        let (norm, rate) = (global_norm(&grads.values)?, learning_rate(optim, step, self.max_steps));
        if norm.is_finite() {
            let scale = clip_scale(norm, optim.max_grad_norm);
            self.optimizer.update(self.pupil.params_mut(), &grads.values, scale, rate, optim);
        }
        let rows: usize = bundles.iter().map(Bundle::rows).sum();
        self.progress.step = step;
        self.progress.cursor = deck.cursor();
        self.progress.num_tokens += rows as u64;
        let mut warnings = Vec::new();
        if norm.is_finite() {
            self.progress.skipped = 0;
        } else {
            self.progress.skipped += 1;
            let skipped = self.progress.skipped;
            warnings.push(format!("loss or gradient is not finite: update left out ({skipped} in a row)"));
        }

        let seconds = started.elapsed().as_secs_f64();
        let mut values = Metrics::default();
        for (name, value) in [
            (metrics::LOSS, loss / targets as f64),
            (metrics::LEARNING_RATE, rate),
            (metrics::GRAD_NORM, norm),
            (metrics::NUM_TOKENS, self.progress.num_tokens as f64),
            (metrics::TOKENS_PER_SECOND, rows as f64 / seconds.max(1e-9)),
            (metrics::STEP_TIME, seconds),
            (metrics::UPDATE_TIME, seconds),
        ] {
            values.set(name, value);
        }
        Ok(Some(StepOutput { done: StepDone { step, metrics: values }, groups: Vec::new(), gradients: None, warnings }))
    }

    fn evaluate(&mut self, watch: &mut dyn Watch) -> Result<Option<Examined>, TrainError> {
        if self.exam.is_empty() {
            return Ok(None);
        }
        let mut tell = |done: usize, total: usize| -> ControlFlow<()> {
            watch.progress(Phase::Evaluation, done as u64, total as u64)
        };
        let Some(mut mark) = self.exam.examine(&self.pupil, &self.scorer, &mut tell)? else { return Ok(None) };
        let best = self.progress.note_evaluation(mark.accuracy(), self.settings.eval.every);
        let done = mark.event(self.progress.step, best);
        mark.shown.iter_mut().for_each(|group| group.step = self.progress.step);
        Ok(Some(Examined { done, groups: mark.shown }))
    }

    fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.pupil.save(dir)?;
        self.optimizer.save(self.pupil.params(), dir)?;
        self.progress.save(dir)
    }

    fn roll_back(&mut self, from: &Checkpoint) -> Result<(), TrainError> {
        self.resume(&from.path)
    }

    fn change(&mut self, change: SettingChanged) -> Result<(), String> {
        let used = ["optim.", "eval.", "run.", "doctor."].iter().any(|group| change.key.starts_with(group));
        if !used {
            return Err(format!("supervised fine-tuning has no use for {}", change.key));
        }
        changes::note(&self.asked, &mut self.progress, change)?;
        self.settings = changes::take_up(&self.asked, &mut self.progress);
        Ok(())
    }

    fn progress(&self) -> &TrainerState {
        &self.progress
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn max_steps(&self) -> u64 {
        self.max_steps
    }

    fn is_content(&self) -> bool {
        let wanted = self.settings.sft.target_accuracy;
        wanted.zip(self.progress.best_accuracy).is_some_and(|(wanted, best)| best >= wanted)
    }

    fn line(&self, done: &StepDone) -> String {
        let metrics = &done.metrics;
        let (rate, tokens) = (value(metrics, metrics::LEARNING_RATE), value(metrics, metrics::NUM_TOKENS));
        format!("learning rate {rate:.1e}, {tokens} tokens, {}", line_end(metrics))
    }
}
