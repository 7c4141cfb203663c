//! `sqlr1-tui model`: questions about a model file.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, say_json};
use crate::{
    model::{Model, ModelError, device, locate},
    settings::Quantize,
};

/// Look into a model file.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Logits(LogitsArgs),
}

/// Print, as JSON, a text's tokens and the logits behind each of them (scripts/check-gguf-llama-cpp compares them).
#[derive(Debug, Clone, Args)]
struct LogitsArgs {
    /// The model: a GGUF file, a folder with one in it, or org/name.
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
    let What::Logits(args) = &args.what;
    let answer = logits(args).map_err(|e| Failure::Environment(e.to_string()))?;
    say_json(&answer.to_string());
    Ok(())
}

fn logits(args: &LogitsArgs) -> Result<serde_json::Value, ModelError> {
    let device = device::choose("auto")?.device;
    let model = Model::load(&locate(&args.model)?, Quantize::Auto, &device, &mut |_, _| {})?;
    let tokens = model.tokenizer.encode(&args.text)?;
    Ok(json!({ "tokens": tokens, "logits": model.decoder().logits(&tokens)? }))
}
