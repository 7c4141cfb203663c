//! Adapters merged into a model's weights, in the kind of files that the model has: W + Σ scale · B A.

use std::{borrow::Cow, collections::HashMap, fs, path::Path};

use safetensors::{Dtype, View};

use super::{
    super::{
        ModelConfig, ModelError,
        gguf::{
            GgufFile, GgufWriter, TensorInfo, TensorType, TensorView, dequantize::dequantize, quantize, rope_row_order,
        },
        source::{SafetensorsFiles, Source, names, shards},
    },
    Lora, Projection,
    gguf::{base_name, floats},
};

/// Writes the model of `source` with `adapters` merged into it: a GGUF file to `out`, or a folder in Hugging Face's layout with
/// its other files. A changed matrix keeps its type where that can be written ([`quantize::WRITABLE`]), else it becomes
/// `Q8_0`; all others are copied. The result is put together in memory.
///
/// # Errors
/// [`ModelError`] if something cannot be read or written, `out` exists, or a merged weight does not fit its type.
pub fn merge(source: &Source, config: &ModelConfig, adapters: &[Lora], out: &Path) -> Result<(), ModelError> {
    if out.exists() {
        let reason = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it is there already");
        return Err(ModelError::io("write", out, reason));
    }
    let changes = Changes { config, adapters };
    match source {
        Source::Gguf(file) => changes.gguf(file, out),
        Source::Safetensors(files) => changes.safetensors(files, out),
    }
}

/// What is added to which matrices.
struct Changes<'a> {
    config: &'a ModelConfig,
    adapters: &'a [Lora],
}

impl Changes<'_> {
    /// What all adapters add to the matrix with the GGUF name `name`, `[out, in]` in Hugging Face's order; `None` if none
    /// of them adapts it.
    fn delta(&self, name: &str) -> Result<Option<(Projection, Vec<f32>)>, ModelError> {
        for layer in 0..self.config.num_hidden_layers {
            for projection in Projection::ALL {
                if base_name(layer, projection)? == name {
                    return self.sum(layer, projection).map(|sum| sum.map(|sum| (projection, sum)));
                }
            }
        }
        Ok(None)
    }

    fn sum(&self, layer: usize, projection: Projection) -> Result<Option<Vec<f32>>, ModelError> {
        let mut sum: Option<Vec<f32>> = None;
        for adapter in self.adapters {
            let Some((a, b)) = adapter.pair(layer, projection) else { continue };
            let product = floats(&(b.clone().matmul(a.clone()) * adapter.scale))?;
            match &mut sum {
                Some(sum) => sum.iter_mut().zip(product).for_each(|(sum, value)| *sum += value),
                None => sum = Some(product),
            }
        }
        Ok(sum)
    }

    /// The merged bytes of a tensor and their type; `None` if nothing is added to it. `name` is GGUF's.
    fn merged(&self, name: &str, view: &TensorView<'_>) -> Result<Option<(TensorType, Vec<u8>)>, ModelError> {
        let Some((projection, delta)) = self.delta(name)? else { return Ok(None) };
        let (info, config) = (view.info, self.config);
        let delta = match projection {
            _ if !config.rope_interleaved => delta,
            Projection::Q => rope_row_order(&delta, info.row_len(), config.num_attention_heads),
            Projection::K => rope_row_order(&delta, info.row_len(), config.num_key_value_heads),
            _ => delta,
        };
        let mut values = vec![0.0; info.elements()];
        dequantize(info.tensor_type, view.bytes, &mut values)?;
        if delta.len() != values.len() {
            let problem = format!("has {} weights, but the adapters change {}", values.len(), delta.len());
            return Err(ModelError::Compute(problem));
        }
        values.iter_mut().zip(delta).for_each(|(value, change)| *value += change);
        let writable = quantize::WRITABLE.contains(&info.tensor_type);
        let tensor_type = if writable { info.tensor_type } else { TensorType::Q8_0 };
        Ok(Some((tensor_type, quantize::quantize(tensor_type, &values)?)))
    }

    fn gguf(&self, file: &GgufFile, out: &Path) -> Result<(), ModelError> {
        let mut writer = GgufWriter::default();
        writer.metadata_of(file);
        for info in file.tensors() {
            let view = file.tensor(&info.name)?;
            let wrong = |e: ModelError| ModelError::tensor(file.path(), &info.name, e.to_string());
            match self.merged(&info.name, &view).map_err(wrong)? {
                Some((tensor_type, bytes)) => writer.tensor_bytes(&info.name, &info.shape, tensor_type, &bytes),
                None => writer.tensor_bytes(&info.name, &info.shape, info.tensor_type, view.bytes),
            }
        }
        writer.write(out)
    }

    fn safetensors(&self, files: &SafetensorsFiles, out: &Path) -> Result<(), ModelError> {
        let mut tensors = Vec::with_capacity(files.tensors().len());
        for info in files.tensors() {
            let Some(view) = files.find_tensor(&info.name) else { continue };
            let wrong = |e: ModelError| ModelError::tensor(files.path(), &info.name, e.to_string());
            let merged =
                names::to_gguf(&info.name).map_or(Ok(None), |name| self.merged(&name, &view)).map_err(wrong)?;
            let bytes = merged.map_or(Cow::Borrowed(view.bytes), |(_, bytes)| Cow::Owned(bytes));
            tensors.push((info.name.clone(), Written { info, bytes }));
        }
        fs::create_dir(out).map_err(|e| ModelError::io("create", out, e))?;
        if files.path().is_dir() {
            copy_others(files.path(), out)?;
        }
        let path = out.join(shards::SINGLE_FILE);
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors::serialize_to_file(tensors, Some(metadata), &path)
            .map_err(|e| ModelError::TensorFile { path, problem: e.to_string() })
    }
}

/// Copies configuration, tokenizer and templates: small files that are no weights.
fn copy_others(from: &Path, to: &Path) -> Result<(), ModelError> {
    for entry in fs::read_dir(from).map_err(|e| ModelError::io("read", from, e))? {
        let path = entry.map_err(|e| ModelError::io("read", from, e))?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        let wanted = [".json", ".jinja", ".model", ".txt", ".md"].iter().any(|end| name.ends_with(end));
        if path.is_file() && wanted && name != shards::INDEX_FILE {
            fs::copy(&path, to.join(&name)).map_err(|e| ModelError::io("copy", &path, e))?;
        }
    }
    Ok(())
}

/// A tensor on its way into a safetensors file.
struct Written<'a> {
    info: &'a TensorInfo,
    bytes: Cow<'a, [u8]>,
}

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        match self.info.tensor_type {
            TensorType::F16 => Dtype::F16,
            TensorType::Bf16 => Dtype::BF16,
            _ => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.info.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
