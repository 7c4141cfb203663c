//! PEFT's `adapter_config.json` and tensor keys.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{super::ModelError, Half, Lora, MAX_RANK, Projection, Shape};

/// PEFT's name of the file that describes an adapter.
pub const CONFIG_FILE: &str = "adapter_config.json";
/// PEFT's name of the file of an adapter's matrices.
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// PEFT's key of a matrix. The adapter's own name (`default`) is not part of it on disk.
pub(super) fn key(layer: usize, projection: Projection, half: Half) -> String {
    let (block, name) = (projection.block(), projection.name());
    let half = if half == Half::A { 'A' } else { 'B' };
    format!("base_model.model.model.layers.{layer}.{block}.{name}.lora_{half}.weight")
}

/// The configuration that PEFT, vLLM and llama.cpp's converter expect beside the weights.
pub(super) fn config(lora: &Lora, base_name: &str) -> Value {
    // PEFT declares lora_alpha as an integer; some readers insist.
    let alpha = if lora.alpha.fract() == 0.0 { json!(lora.alpha as i64) } else { json!(lora.alpha) };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "revision": null,
        "inference_mode": true,
        "r": lora.rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": lora.targets.iter().map(|t| t.name()).collect::<Vec<_>>(),
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "modules_to_save": null,
        "layers_to_transform": null,
        "layers_pattern": null,
        "rank_pattern": {},
        "alpha_pattern": {},
        "use_rslora": lora.use_rslora,
        "use_dora": false,
    })
}

/// Reads a configuration; `path` is named in errors.
pub(super) fn parse_config(path: &Path, text: &str) -> Result<Shape, ModelError> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|e| ModelError::adapter(path, e.to_string()))?;
    let entries = Entries { path, object: &object };
    entries.refuse_unsupported()?;
    let rank = object.get("r").and_then(Value::as_u64).map_or(0, |r| usize::try_from(r).unwrap_or(usize::MAX));
    if !(1..=MAX_RANK).contains(&rank) {
        return Err(entries.error("r", &format!("an integer from 1 to {MAX_RANK}")));
    }
    let alpha = object.get("lora_alpha").and_then(Value::as_f64).filter(|a| a.is_finite() && *a > 0.0);
    let alpha = alpha.ok_or_else(|| entries.error("lora_alpha", "a positive number"))?;
    let use_rslora = object.get("use_rslora").is_some_and(|v| v == &Value::Bool(true));
    Ok(Shape { rank, alpha, use_rslora, targets: entries.targets()? })
}

struct Entries<'a> {
    path: &'a Path,
    object: &'a Map<String, Value>,
}

impl Entries<'_> {
    fn error(&self, key: &str, expected: &str) -> ModelError {
        let found = self.object.get(key).map_or("missing".to_owned(), ToString::to_string);
        ModelError::adapter(self.path, format!("`{key}` is {found}; {expected} is expected"))
    }

    fn targets(&self) -> Result<Vec<Projection>, ModelError> {
        const KEY: &str = "target_modules";
        let names: Option<Vec<String>> = match self.object.get(KEY) {
            Some(Value::String(name)) => Some(vec![name.clone()]),
            Some(Value::Array(names)) => names.iter().map(|n| n.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        let names = names.ok_or_else(|| self.error(KEY, "a list of projections"))?;
        Projection::parse_all(&names).map_err(|e| ModelError::adapter(self.path, format!("`{KEY}` {e}")))
    }

    /// Refuses what would change the result if it were overlooked.
    fn refuse_unsupported(&self) -> Result<(), ModelError> {
        let expected = [
            ("peft_type", json!("LORA")),
            ("bias", json!("none")),
            ("use_dora", json!(false)),
            ("lora_bias", json!(false)),
            ("fan_in_fan_out", json!(false)),
            ("modules_to_save", Value::Null),
            ("layers_to_transform", Value::Null),
            ("exclude_modules", Value::Null),
            ("target_parameters", Value::Null),
            ("layer_replication", Value::Null),
            ("trainable_token_indices", Value::Null),
            ("alora_invocation_tokens", Value::Null),
            ("use_qalora", json!(false)),
            ("rank_pattern", json!({})),
            ("alpha_pattern", json!({})),
        ];
        for (key, plain) in expected {
            let Some(found) = self.object.get(key) else { continue };
            let empty = found.is_null() || found == &json!([]) || found == &json!({});
            if found != &plain && (plain.is_string() || !empty) {
                return Err(self.error(key, &format!("{plain}; the adapter needs a feature that is not supported:")));
            }
        }
        match self.object.get("peft_type") {
            Some(_) => Ok(()),
            None => Err(self.error("peft_type", "\"LORA\"")),
        }
    }
}
