//! The flags that all kinds of training share, and the settings they stand for.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        Failure,
        flags::{self, flag, path},
    },
    run::folder::{RunFolder, STAGES},
    settings::{Override, Settings},
};

/// What runs: the flags that stand for settings.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// Settings in YAML: a file, or the name of one in configs/, the user's folder or the program, as in `smollm2-spider`.
    #[arg(long, value_name = "FILE|NAME")]
    pub config: Option<PathBuf>,
    /// One setting, as in grpo.beta=0.1; may be repeated, counts after the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// The base model: a GGUF file, a folder in Hugging Face's layout or with one GGUF file in it, or org/name from the hub.
    #[arg(long, value_name = "PATH|ORG/NAME")]
    pub model: Option<String>,
    /// The data folder, Spider's or BIRD's; `builtin:demo` is the data set that comes with the program.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Training questions, relative to the data folder, in place of those found there.
    #[arg(long, value_name = "FILE")]
    pub train_file: Option<PathBuf>,
    /// Held-out questions, relative to the data folder, in place of those found there.
    #[arg(long, value_name = "FILE")]
    pub dev_file: Option<PathBuf>,
    /// Leave out entries of the data that cannot be used, and say which, instead of ending there.
    #[arg(long)]
    pub skip_bad: bool,
    /// Where to compute: auto, cpu, cuda[:N,...] or wgpu.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Steps at which the run ends, in all and not in addition.
    #[arg(long, visible_alias = "steps", value_name = "N")]
    pub max_steps: Option<u64>,
    /// Passes over the training questions.
    #[arg(long, value_name = "N")]
    pub epochs: Option<f64>,
    /// The seed that all randomness derives from.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// An adapter in PEFT's format to start from; frozen, it is the reference policy too.
    #[arg(long, value_name = "DIR")]
    pub init_adapter: Option<PathBuf>,
}

/// A run: what, where, and in front of whom.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub set: SettingArgs,
    /// The run folder [default: runs/TIME-NAME].
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Continue the run in --run-dir from its newest checkpoint.
    #[arg(long, requires = "run_dir", conflicts_with = "init_adapter")]
    pub resume: bool,
    /// Write where the time goes, as a trace for Perfetto or Chrome's own viewer.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// A past run, its folder or its name under runs/, to be drawn faintly under this one in the cockpit.
    #[arg(long, value_name = "RUN")]
    pub ghost: Option<PathBuf>,
    /// No screen: events as JSON lines on stdout, log on stderr.
    #[arg(long)]
    pub headless: bool,
    /// A trainer that a cockpit starts: headless, in a session of its own, its words in the run's log.
    #[arg(long, hide = true)]
    pub detached: bool,
}

impl RunArgs {
    /// The settings that file and flags make together; `preset` counts before both, and only where no file is given. A resumed
    /// run starts from the settings that it stored.
    ///
    /// # Errors
    /// See [`crate::settings::SettingsError`].
    pub fn settings(&self, preset: &[(&str, &str)]) -> Result<Settings, Failure> {
        let stored = match (&self.set.config, &self.run_dir) {
            (None, Some(dir)) if self.resume && dir.join(STAGES).is_file() => Some(dir.join(STAGES)),
            (None, Some(dir)) if self.resume => Some(RunFolder::open(dir)?.settings()),
            _ => None,
        };
        let mut settings = self.set.settings(preset, stored, Vec::new())?;
        settings.run.dir = self.run_dir.clone().or(settings.run.dir);
        Ok(settings)
    }
}

impl SettingArgs {
    /// The settings that the file, else `stored`, and flags make together, `more` counting as flags do; `preset` counts before all, and
    /// only where there is no file.
    ///
    /// # Errors
    /// See [`crate::settings::SettingsError`].
    pub fn settings(
        &self,
        preset: &[(&str, &str)],
        stored: Option<PathBuf>,
        more: Vec<Override>,
    ) -> Result<Settings, Failure> {
        let config = self.config.clone().or(stored);
        let preset = if config.is_none() { preset } else { &[] };
        let preset = preset.iter().map(|(key, value)| format!("{key}={value}"));
        let sets = preset.chain(self.sets.iter().cloned());
        let mut overrides = flags::sets(&sets.collect::<Vec<_>>())?;
        overrides.extend(self.flags());
        overrides.extend(more);
        Ok(flags::settings(config, overrides)?.with_absolute_paths())
    }

    /// What the flags but `--set` set.
    pub fn flags(&self) -> Vec<Override> {
        [
            flag("--model", "model.path", self.model.as_ref()),
            path("--data", "data.root", self.data.as_ref()),
            path("--train-file", "data.train_file", self.train_file.as_ref()),
            path("--dev-file", "data.dev_file", self.dev_file.as_ref()),
            self.skip_bad.then(|| Override::flag("--skip-bad", "data.skip_bad", true)),
            flag("--device", "run.device", self.device.as_ref()),
            flag("--max-steps", "run.max_steps", self.max_steps.as_ref()),
            flag("--epochs", "run.epochs", self.epochs.as_ref()),
            flag("--seed", "run.seed", self.seed.as_ref()),
            path("--init-adapter", "lora.init_adapter", self.init_adapter.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Says what is missing: data, and where `model` says so a base model.
///
/// # Errors
/// [`Failure::Usage`] with what to give.
pub fn require(settings: &Settings, model: bool) -> Result<(), Failure> {
    let missing = match (&settings.model.path, &settings.data.root) {
        (None, _) if model => {
            "no model: give --model FILE.gguf, or model.path in the configuration (scripts/get-smollm2 fetches one)"
        }
        (_, None) => "no data: give --data DIR, a folder in Spider's layout, or data.root in the configuration",
        _ => return Ok(()),
    };
    Err(Failure::Usage(missing.to_owned()))
}
