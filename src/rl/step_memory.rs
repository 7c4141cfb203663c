//! What memory a step took, and what is done when that is too much.

use super::{
    ladder::{Shortage, is_out_of_memory},
    trainer::Trainer,
};
use crate::{
    model::device,
    run::{
        memory::MemoryMeter,
        metrics::{self, Metrics},
    },
};

/// The greatest memory in the parts of a step, of the process or of what it holds of a GPU; nothing where the system does not tell.
pub(crate) struct StepMemory {
    meter: MemoryMeter,
    counts: bool,
    rollout: Option<u64>,
    update: Option<u64>,
}

impl StepMemory {
    /// A step begins.
    pub fn begin(meter: &MemoryMeter) -> Self {
        Self { meter: meter.clone(), counts: meter.forget_peak(), rollout: None, update: None }
    }

    /// Its completions are generated and judged.
    pub fn rolled_out(&mut self) {
        self.rollout = self.meter.peak().filter(|_| self.counts);
        self.counts &= self.meter.forget_peak();
    }

    /// Its updates are done.
    pub fn updated(&mut self) {
        self.update = self.meter.peak().filter(|_| self.counts);
    }

    /// The most while completions were generated, and while gradients were computed.
    pub fn parts(&self) -> [Option<u64>; 2] {
        [self.rollout, self.update]
    }

    fn peak(&self) -> Option<u64> {
        self.rollout.max(self.update)
    }

    /// Where it was above a limit, if it was.
    fn above(&self, limit: u64) -> Option<Shortage> {
        let peak = self.peak().filter(|peak| *peak > limit)?;
        Some(match (self.rollout == Some(peak), self.update == Some(peak)) {
            (true, false) => Shortage::Rollout,
            (false, true) => Shortage::Update,
            _ => Shortage::Anywhere,
        })
    }
}

impl Trainer {
    /// What is known of memory by category, under names that begin with `memory/`.
    pub(super) fn memory_metrics(&self, memory: &StepMemory, metrics: &mut Metrics) {
        let adapter = self.policy.adapter.parameters() * 4;
        let reference = self.policy.reference.as_ref().map_or(0, |reference| reference.parameters() * 4);
        let known = [
            ("memory/weights", self.model.summary().weight_bytes),
            ("memory/adapters", adapter + reference),
            ("memory/optimizer", adapter * 2),
        ];
        for (name, bytes) in known {
            metrics.set(name, bytes as f64);
        }
        if let Some(gpu) = device::gpu_memory(&self.model.decoder().device()) {
            metrics.set("memory/gpu_tensors", gpu.in_use as f64);
            metrics.set("memory/gpu_reserved", gpu.reserved as f64);
        }
        let Some(peak) = memory.peak() else { return };
        let rest = peak.saturating_sub(known.iter().map(|(_, bytes)| bytes).sum());
        metrics.set("memory/activations_and_rest", rest as f64);
        metrics.set(metrics::PEAK_MEMORY, peak as f64);
        for (name, part) in [("memory/peak_rollout", memory.rollout), ("memory/peak_update", memory.update)] {
            if let Some(bytes) = part {
                metrics.set(name, bytes as f64);
            }
        }
    }

    /// After a step that took more than `memory.limit`: does without something from now on, and says what.
    pub(super) fn economize(&mut self, memory: &StepMemory) -> Option<String> {
        let limit = self.settings.memory.limit?;
        let shortage = memory.above(limit.0)?;
        let peak = memory.peak().unwrap_or_default() as f64 / 1_048_576.0;
        let part = match shortage {
            Shortage::Rollout => " while generating",
            Shortage::Update => " while learning",
            Shortage::Anywhere => "",
        };
        let why = format!("the step took {peak:.0} MiB{part}, and memory.limit is {limit}");
        match self.descend(shortage) {
            Some(rung) => Some(format!("{why}: from now on {rung}")),
            None => self.told.insert("memory.limit".into()).then(|| {
                format!("{why}, and nothing is left to do without: a smaller model, lora.r or data.max_prompt_tokens would help")
            }),
        }
    }

    /// After a step that failed with this message: what the run does without from now on, if that was for want of memory and something
    /// is left to do without.
    pub(super) fn after_failure(&mut self, message: &str) -> Option<String> {
        let rung = is_out_of_memory(message).then(|| self.descend(Shortage::Anywhere)).flatten()?;
        Some(format!("the device had no memory for the step ({message}), which is computed again: from now on {rung}"))
    }

    fn descend(&mut self, shortage: Shortage) -> Option<String> {
        let rung = self.policy.progress.economies.descend(shortage, &self.settings)?;
        self.policy.progress.economies.apply(&mut self.settings);
        Some(rung)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::{
        rl::{
            testing::demo_trainer,
            watch::{Unwatched, Watch},
        },
        run::event::Phase,
        settings::{MemoryLimit, Recompute},
    };

    #[test]
    fn a_run_above_its_limit_does_without_more_and_more_and_goes_on() {
        let mut trainer = demo_trainer(|settings| settings.memory.limit = Some(MemoryLimit(1 << 20)));
        let (mut told, mut steps) = (Vec::new(), 0);
        while told.iter().all(|text: &String| !text.contains("nothing is left")) {
            let output = trainer.step(&mut Unwatched).unwrap().unwrap();
            if output.done.metrics.get(metrics::PEAK_MEMORY).is_none() {
                println!("skipped: this system does not tell a process's peak");
                return;
            }
            told.extend(output.warnings);
            steps += 1;
            assert!(steps < 20, "{told:?}");
        }
        assert!(told[0].contains("memory.limit is 1MiB") && told[0].contains("memory.recompute"), "{told:?}");
        assert_eq!(trainer.settings.memory.recompute, Recompute::Always);
        assert!(
            trainer.settings.memory.samples_in_flight == Some(1)
                || trainer.settings.memory.completions_per_pass == Some(1)
        );
        assert_eq!(trainer.settings.rollout.max_completion_length, 16);
        assert!(trainer.step(&mut Unwatched).unwrap().unwrap().warnings.is_empty(), "said once");

        // A resumed run goes on with what it does without.
        let mut resumed = demo_trainer(|settings| settings.memory.limit = Some(MemoryLimit(1 << 20))).settings;
        trainer.policy.progress.economies.apply(&mut resumed);
        assert_eq!(resumed, trainer.settings);
    }

    #[test]
    fn a_roomy_limit_changes_nothing() {
        let mut trainer = demo_trainer(|settings| settings.memory.limit = Some(MemoryLimit(1 << 40)));
        let before = trainer.settings.clone();
        assert!(trainer.step(&mut Unwatched).unwrap().unwrap().warnings.is_empty());
        assert_eq!(trainer.settings, before);
    }

    /// A device that has no memory for the first tries.
    struct Full {
        tries: usize,
    }

    impl Watch for Full {
        fn progress(&mut self, phase: Phase, _: u64, _: u64) -> ControlFlow<()> {
            if phase == Phase::Update && self.tries > 0 {
                self.tries -= 1;
                panic!("CUDA_ERROR_OUT_OF_MEMORY");
            }
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn a_step_that_the_device_had_no_memory_for_is_computed_again_with_less() {
        let mut trainer = demo_trainer(|_| {});
        let output = trainer.step(&mut Full { tries: 2 }).unwrap().unwrap();
        assert_eq!((output.done.step, output.warnings.len()), (1, 2), "{:?}", output.warnings);
        assert!(output.warnings[1].contains("computed again") && output.warnings[1].contains("samples_in_flight"));
        assert_eq!(trainer.settings.memory.samples_in_flight, Some(4));

        let mut plain = demo_trainer(|_| {});
        let expected = plain.step(&mut Unwatched).unwrap().unwrap();
        let texts = |output: &super::super::trainer::StepOutput| -> Vec<String> {
            output.groups.iter().flat_map(|g| &g.candidates).map(|c| c.text.clone()).collect()
        };
        assert_eq!(texts(&output), texts(&expected));
    }

    #[test]
    fn what_a_device_says_of_its_memory_counts_and_nothing_else() {
        let mut trainer = demo_trainer(|_| {});
        let told = trainer.after_failure("cannot read logits: ExecutionError(OutOfMemory)").unwrap();
        assert!(told.contains("computed again") && told.contains("memory.recompute"), "{told}");
        assert_eq!(trainer.after_failure("cannot read logits: the device is gone"), None);
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn other_panics_are_not_taken_for_want_of_memory() {
        struct Broken;
        impl Watch for Broken {
            fn progress(&mut self, _: Phase, _: u64, _: u64) -> ControlFlow<()> {
                panic!("index out of bounds");
            }
        }
        let _ = demo_trainer(|_| {}).step(&mut Broken);
    }
}
