//! `sqlr1-tui model`: questions about a model's files.

mod info;

use clap::{Args, Subcommand};
use serde_json::json;

use self::info::Info;
use super::{Failure, say, say_json};
use crate::{
    model::{Model, ModelError, device, locate::unheard, locate_or_fetch},
    settings::Quantize,
};

/// Look into a model's files, fetched from a hub if need be.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Info(InfoArgs),
    Logits(LogitsArgs),
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
    /// The text; control tokens spelled out in it count as such.
    #[arg(long)]
    text: String,
}

/// Answers.
///
/// # Errors
/// The model cannot be loaded or computed.
pub fn model(args: &ModelArgs) -> Result<(), Failure> {
    let environment = |e: ModelError| Failure::Environment(e.to_string());
    match &args.what {
        What::Info(args) => {
            let found =
                locate_or_fetch(&args.model, &mut unheard).and_then(|path| Info::open(&path)).map_err(environment)?;
            if args.json { say_json(&found.json().to_string()) } else { say(&found.text()) }
        }
        What::Logits(args) => say_json(&logits(args).map_err(environment)?.to_string()),
    }
    Ok(())
}

fn logits(args: &LogitsArgs) -> Result<serde_json::Value, ModelError> {
    let device = device::choose("auto")?.device;
    let model = Model::load(&locate_or_fetch(&args.model, &mut unheard)?, Quantize::Auto, &device, &mut |_, _| {})?;
    let tokens = model.tokenizer.encode(&args.text)?;
    Ok(json!({ "tokens": tokens, "logits": model.decoder().logits(&tokens)? }))
}
