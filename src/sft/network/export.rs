//! The network as a GGUF file.

use burn::tensor::Tensor;

use super::{Network, Part};
use crate::model::{
    ModelError, TrainedVocabulary,
    gguf::{GgufWriter, TensorType, rope_row_order},
};

/// ggml's number for files that are mostly `Q4_1`.
const FILE_TYPE: u32 = 3;
/// Version of ggml's block layouts.
const QUANTIZATION_VERSION: u32 = 2;

impl Network {
    /// The model with its tokenizer, matrices as `Q4_1`, the embedding as `Q8_0` and norms as float32.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for weights that are not finite or cannot be read.
    pub fn to_gguf(&self, name: &str, vocabulary: &TrainedVocabulary) -> Result<GgufWriter, ModelError> {
        let (config, mut writer) = (&self.config, GgufWriter::default());
        writer.llama_shape(config);
        writer.text("general.name", name);
        writer.u32("general.file_type", FILE_TYPE);
        writer.u32("general.quantization_version", QUANTIZATION_VERSION);
        vocabulary.write(&mut writer);
        matrix(&mut writer, "token_embd", TensorType::Q8_0, &read(self.embedding())?, config.hidden_size)?;
        for layer in 0..config.num_hidden_layers {
            self.write_layer(layer, &mut writer)?;
        }
        norm(&mut writer, "output_norm", &read(self.final_norm())?)?;
        Ok(writer)
    }

    fn write_layer(&self, layer: usize, writer: &mut GgufWriter) -> Result<(), ModelError> {
        let config = &self.config;
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let values = |part| read(self.part(layer, part));
        let name = |part: &str| format!("blk.{layer}.{part}");
        norm(writer, &name("attn_norm"), &values(Part::AttentionNorm)?)?;
        let qkv = values(Part::Qkv)?;
        let (q, rest) = qkv.split_at(config.query_size() * hidden);
        let (k, v) = rest.split_at(config.key_value_size() * hidden);
        let q = rope_row_order(q, hidden, config.num_attention_heads);
        let k = rope_row_order(k, hidden, config.num_key_value_heads);
        let gate_up = values(Part::GateUp)?;
        let (gate, up) = gate_up.split_at(inner * hidden);
        let (output, down) = (values(Part::Output)?, values(Part::Down)?);
        for (part, values, columns) in [
            ("attn_q", q.as_slice(), hidden),
            ("attn_k", &k, hidden),
            ("attn_v", v, hidden),
            ("attn_output", &output, config.query_size()),
            ("ffn_gate", gate, hidden),
            ("ffn_up", up, hidden),
            ("ffn_down", &down, inner),
        ] {
            matrix(writer, &name(part), TensorType::Q4_1, values, columns)?;
        }
        norm(writer, &name("ffn_norm"), &values(Part::FeedForwardNorm)?)
    }
}

fn read(tensor: &Tensor<2>) -> Result<Vec<f32>, ModelError> {
    tensor.try_to_vec_as().map_err(|e| ModelError::Compute(format!("cannot read weights: {e:?}")))
}

fn matrix(
    writer: &mut GgufWriter,
    name: &str,
    tensor_type: TensorType,
    values: &[f32],
    columns: usize,
) -> Result<(), ModelError> {
    writer.tensor(&format!("{name}.weight"), &[values.len() / columns, columns], tensor_type, values)
}

fn norm(writer: &mut GgufWriter, name: &str, values: &[f32]) -> Result<(), ModelError> {
    writer.tensor(&format!("{name}.weight"), &[values.len()], TensorType::F32, values)
}
