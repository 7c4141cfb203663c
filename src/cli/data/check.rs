//! `sqlr1-tui data check`.

use std::{fmt, io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Failure;
use crate::{
    assets,
    data::{CheckReport, Dataset, GoldFinding, Prompts, Split, SplitReport, check},
    model::{Tokenizer, gguf::GgufFile, locate},
    rl::{TrainError, questions::prompt_tokens},
    settings::{Override, Settings, Sources},
    sql::{Sandbox, official::Hardness},
};

/// Findings of a kind that are shown; with --json all are.
const SHOWN: usize = 8;

/// Look a data folder over: sizes, hardness, gold queries that fail, are empty or slow, what is missing.
#[derive(Debug, Args)]
#[command(after_long_help = "Ends with 3 if something cannot be used: a split or a database that is not there, a broken entry. Gold queries
that fail or return nothing are told, and training leaves them out by itself; they do not count as that.")]
pub struct CheckArgs {
    /// The data folder as downloaded, Spider's or BIRD's, or the folder above; `builtin:demo` is the built-in data set
    #[arg(value_name = "DIR")]
    pub data: PathBuf,
    /// Which questions to look at
    #[arg(long, value_enum, default_value_t = SplitChoice::Both)]
    pub split: SplitChoice,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Seconds from which on a gold query is called slow
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub slow: f64,
    /// Measure prompts with this model's tokenizer and chat template
    #[arg(long, value_name = "PATH|ORG/NAME")]
    pub model: Option<String>,
    /// One setting, as in data.dev_file=test.json or prompt.template=omnisql; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// One split or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// Questions to train on.
    Train,
    /// Held-out questions.
    Dev,
    /// All.
    Both,
}

impl SplitChoice {
    /// As a list.
    pub fn splits(self) -> Vec<Split> {
        match self {
            Self::Train => vec![Split::Train],
            Self::Dev => vec![Split::Dev],
            Self::Both => Split::ALL.to_vec(),
        }
    }
}

/// Lengths of a split's prompts in tokens.
struct Lengths {
    split: Split,
    sorted: Vec<usize>,
    limit: usize,
}

/// Writes the report.
///
/// # Errors
/// [`Failure::Environment`] if something cannot be used.
pub fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let settings = settings(args)?;
    let slow = Duration::try_from_secs_f64(args.slow)
        .map_err(|e| Failure::Usage(format!("--slow {}: {e}; allowed: seconds, 0 or more", args.slow)))?;
    let splits = args.split.splits();
    let report = check(&settings.data, &splits, &Sandbox::in_process(&settings.sql), slow);
    let report = report.map_err(TrainError::from)?;
    let lengths = match &args.model {
        Some(model) => measure(model, &settings, &report)?,
        None => Vec::new(),
    };
    let written = if args.json {
        let prompts: serde_json::Map<_, _> = lengths.iter().map(|l| (l.split.to_string(), l.json())).collect();
        writeln!(out, "{}", json!({"report": report, "prompt_tokens": prompts}))
    } else {
        write!(out, "{}", Text(&report)).and_then(|()| lengths.iter().try_for_each(|l| writeln!(out, "{l}")))
    };
    written.and_then(|()| out.flush()).map_err(|e| Failure::Run(format!("cannot write the report: {e}")))?;
    if report.usable {
        return Ok(());
    }
    let unusable: usize = report.splits.iter().map(|split| split.unusable.len()).sum();
    Err(Failure::Environment(format!(
        "not all of {} can be used: {unusable} entries and {} splits cannot; --skip-bad lets `train` do without them",
        report.root.display(),
        report.unreadable.len()
    )))
}

fn settings(args: &CheckArgs) -> Result<Settings, Failure> {
    let mut overrides = args.sets.iter().map(|set| Override::parse(set)).collect::<Result<Vec<_>, _>>()?;
    overrides.push(Override::flag("DIR", "data.root", args.data.display().to_string()));
    let settings = Settings::load(&Sources { config: None, overrides })?;
    assets::resolve(settings).map_err(|e| Failure::Environment(e.to_string()))
}

fn measure(model: &str, settings: &Settings, report: &CheckReport) -> Result<Vec<Lengths>, Failure> {
    let file = locate(model).and_then(|path| GgufFile::open(&path)).map_err(TrainError::from)?;
    let tokenizer = Tokenizer::from_gguf(&file).map_err(TrainError::from)?;
    let prompts = Prompts::new(&settings.prompt).map_err(TrainError::from)?;
    let lenient = crate::settings::DataSettings { skip_bad: true, ..settings.data.clone() };
    let there = |split: &Split| report.splits.iter().any(|s| s.split == split.to_string() && s.questions > 0);
    let lengths = |split: Split| {
        let (examples, _) = Dataset::load_split(&lenient, split)?;
        let sorted = examples.iter().map(|example| Ok(prompt_tokens(&tokenizer, &prompts, example)?.len()));
        let mut sorted = sorted.collect::<Result<Vec<_>, TrainError>>()?;
        sorted.sort_unstable();
        Ok(Lengths { split, sorted, limit: settings.data.max_prompt_tokens })
    };
    Ok(Split::ALL.into_iter().filter(there).map(lengths).collect::<Result<_, TrainError>>()?)
}

impl Lengths {
    /// The length below which a share of the prompts is.
    fn quantile(&self, share: f64) -> usize {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get((share * last as f64).round() as usize).copied().unwrap_or(0)
    }

    fn too_long(&self) -> usize {
        self.sorted.iter().filter(|length| **length > self.limit).count()
    }

    fn json(&self) -> serde_json::Value {
        let (median, p95, longest) = (self.quantile(0.5), self.quantile(0.95), self.quantile(1.0));
        json!({"median": median, "p95": p95, "longest": longest, "limit": self.limit, "too_long": self.too_long()})
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} prompts: median {} tokens, 95 % at most {}, longest {}; {} are longer than data.max_prompt_tokens = {}",
            self.split,
            self.quantile(0.5),
            self.quantile(0.95),
            self.quantile(1.0),
            self.too_long(),
            self.limit
        )
    }
}

/// The report for people.
struct Text<'a>(&'a CheckReport);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0.root.display())?;
        self.0.unreadable.iter().try_for_each(|why| writeln!(f, "{why}"))?;
        self.0.splits.iter().try_for_each(|split| split_text(f, split))
    }
}

fn split_text(f: &mut fmt::Formatter<'_>, split: &SplitReport) -> fmt::Result {
    let files: Vec<String> = split.files.iter().map(|(file, count)| format!("{} ({count})", file.display())).collect();
    let databases = &split.questions_per_database;
    writeln!(f, "\n{}: {} questions on {} databases, from {}", split.split, split.questions, databases.len(), files.join(", "))?;
    let levels = Hardness::ALL.map(|level| level.to_string()).into_iter().chain(["unknown".to_owned()]);
    let levels = levels.filter_map(|level| Some(format!("{level} {}", split.hardness.get(&level)?)));
    writeln!(f, "  hardness: {}", levels.collect::<Vec<_>>().join(", "))?;
    if !split.difficulty.is_empty() {
        let levels = split.difficulty.iter().map(|(level, count)| format!("{level} {count}"));
        writeln!(f, "  difficulty: {}", levels.collect::<Vec<_>>().join(", "))?;
    }
    if split.with_evidence > 0 {
        writeln!(f, "  with evidence: {}", split.with_evidence)?;
    }
    let per_database = databases.iter().map(|(name, count)| format!("{name} {count}"));
    writeln!(f, "  questions per database: {}", per_database.collect::<Vec<_>>().join(", "))?;
    list(f, "gold queries that fail", split.gold_failing.iter().map(finding))?;
    list(f, "gold queries that return nothing", split.gold_empty.iter().map(finding))?;
    list(f, "slow gold queries", split.gold_slow.iter().map(finding))?;
    list(f, "databases that are missing", split.missing_databases.iter().cloned())?;
    list(f, "entries that cannot be used", split.unusable.iter().cloned())
}

fn finding(found: &GoldFinding) -> String {
    let file = found.file.file_name().unwrap_or_default().to_string_lossy();
    format!("{file}, entry {} on {}: {}, {:.2} s", found.entry, found.db_id, found.outcome, found.seconds)
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let count = lines.len();
    writeln!(f, "  {title}: {count}")?;
    lines.take(SHOWN).try_for_each(|line| writeln!(f, "    {line}"))?;
    if count > SHOWN { writeln!(f, "    ... and {} more; --json lists all", count - SHOWN) } else { Ok(()) }
}
