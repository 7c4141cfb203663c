//! `sqlr1-tui model`: questions about a model's files, and what becomes of them with adapters.

mod info;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use self::info::Info;
use super::{Failure, fetching, say, say_json};
use crate::{
    model::{
        Decoder, Lora, Model, ModelConfig, ModelError, Source,
        config::CONFIG_FILE,
        device,
        load::{attach, load_weights},
        lora,
    },
    settings::Quantize,
};

/// Look into a model's files, fetched from a hub if need be; merge adapters into them, or convert one.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Info(InfoArgs),
    Logits(LogitsArgs),
    Merge(MergeArgs),
    ExportAdapter(ExportAdapterArgs),
}

/// Show a model's architecture, rotary embedding, heads, quantization by part, tokenizer and chat template.
#[derive(Debug, Clone, Args)]
struct InfoArgs {
    /// The model: a GGUF file, a folder in Hugging Face's layout or with one GGUF file in it, or org/name from the hub.
    #[arg(long, value_name = "PATH|ORG/NAME")]
    model: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Print, as JSON, a text's tokens and the logits behind each of them (scripts/check-gguf-llama-cpp compares them).
#[derive(Debug, Clone, Args)]
struct LogitsArgs {
    /// The model: a GGUF file, a folder in Hugging Face's layout or with one GGUF file in it, or org/name from the hub.
    #[arg(long, value_name = "PATH|ORG/NAME")]
    model: String,
    /// An adapter folder in PEFT's format; may be given several times, their effects add up.
    #[arg(long, value_name = "DIR")]
    adapter: Vec<PathBuf>,
    /// The text; control tokens spelled out in it count as such.
    #[arg(long, required_unless_present = "tokens", conflicts_with = "tokens")]
    text: Option<String>,
    /// Token ids, separated by commas, in place of a text.
    #[arg(long, value_delimiter = ',')]
    tokens: Vec<u32>,
}

/// Write the model with adapters merged into its weights, in the kind of files that it has.
///
/// A changed matrix keeps its type if that can be written (F32, F16, BF16, `Q4_1`, `Q8_0`), else it becomes `Q8_0`.
#[derive(Debug, Clone, Args)]
struct MergeArgs {
    /// The model: a GGUF file, a folder, or org/name.
    #[arg(long, value_name = "PATH|ORG/NAME")]
    model: String,
    /// An adapter folder in PEFT's format; may be given several times, their effects add up.
    #[arg(long, value_name = "DIR", required = true)]
    adapter: Vec<PathBuf>,
    /// Where to write: a GGUF file, or a folder for a model in Hugging Face's layout. Must not exist.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

/// Write an adapter as a GGUF file for llama.cpp's --lora, or as PEFT's files again.
#[derive(Debug, Clone, Args)]
struct ExportAdapterArgs {
    /// The model that it belongs to.
    #[arg(long, value_name = "PATH|ORG/NAME")]
    model: String,
    /// The adapter's folder, in PEFT's format.
    #[arg(long, value_name = "DIR")]
    adapter: PathBuf,
    /// The file to write, with the ending .gguf; or a folder for PEFT's files.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

/// Answers.
///
/// # Errors
/// The model cannot be loaded or computed, or a file not be written.
pub fn model(args: &ModelArgs) -> Result<(), Failure> {
    // A model that is fetched tells how far it is.
    super::logging::to_stderr();
    let environment = |e: ModelError| Failure::Environment(e.to_string());
    match &args.what {
        What::Info(args) => {
            let found = fetching::model(&args.model).and_then(|path| Info::open(&path)).map_err(environment)?;
            if args.json { say_json(&found.json().to_string()) } else { say(&found.text()) }
        }
        What::Logits(args) => say_json(&logits(args).map_err(environment)?.to_string()),
        What::Merge(args) => {
            merge(args).map_err(environment)?;
            say(&format!("wrote {}", args.out.display()));
        }
        What::ExportAdapter(args) => {
            export_adapter(args).map_err(environment)?;
            say(&format!("wrote {}", args.out.display()));
        }
    }
    Ok(())
}

fn logits(args: &LogitsArgs) -> Result<serde_json::Value, ModelError> {
    let device = device::choose("auto")?.device;
    let Some(text) = &args.text else {
        // Token ids need no tokenizer, which not every model in Hugging Face's layout comes with.
        let (source, config) = open(&args.model)?;
        let mut weights = load_weights(&source, &config, Quantize::Auto, &device, &mut |_, _| {})?;
        attach(&mut weights, &config, &args.adapter)?;
        let logits = Decoder { config: &config, weights: &weights }.logits(&args.tokens)?;
        return Ok(json!({ "tokens": args.tokens, "logits": logits }));
    };
    let path = fetching::model(&args.model)?;
    let mut model = Model::load(&path, Quantize::Auto, &device, &mut |_, _| {})?;
    model.attach(&args.adapter)?;
    let tokens = model.tokenizer.encode(text)?;
    Ok(json!({ "tokens": tokens, "logits": model.decoder().logits(&tokens)? }))
}

/// A model's open files with its shape.
fn open(wanted: &str) -> Result<(Source, ModelConfig), ModelError> {
    let source = Source::open(&fetching::model(wanted)?)?;
    let config = match &source {
        Source::Gguf(file) => ModelConfig::from_gguf(file)?,
        Source::Safetensors(files) => ModelConfig::from_hugging_face(&files.path().join(CONFIG_FILE))?,
    };
    Ok((source, config))
}

fn merge(args: &MergeArgs) -> Result<(), ModelError> {
    let (source, config) = open(&args.model)?;
    let device = device::choose("cpu")?.device;
    let adapters = args.adapter.iter().map(|dir| Lora::load(dir, &config, &device)).collect::<Result<Vec<_>, _>>()?;
    lora::merge::merge(&source, &config, &adapters, &args.out)
}

fn export_adapter(args: &ExportAdapterArgs) -> Result<(), ModelError> {
    let (_, config) = open(&args.model)?;
    let lora = Lora::load(&args.adapter, &config, &device::choose("cpu")?.device)?;
    let name = args.adapter.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if args.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
        lora.write_gguf(&config, &name, &args.out)
    } else {
        lora.save(&args.out, &args.model)
    }
}
