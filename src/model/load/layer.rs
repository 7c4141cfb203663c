//! The weights of one decoder layer, by architecture.

use burn::tensor::Tensor;

use super::{
    super::{
        ModelError,
        packed::undo_rope_row_order,
        weights::{LayerWeights, QueryKeyNorm, StackedLinear},
    },
    Loader,
};

/// A projection: its GGUF name, its outputs, and the heads of its rows if the file has them interleaved.
type Part = (&'static str, usize, Option<usize>);

impl Loader<'_> {
    pub(super) fn layer(&mut self, number: usize) -> Result<LayerWeights, ModelError> {
        let config = self.config;
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (query, key_value) = (config.query_size(), config.key_value_size());
        let interleaved = |heads: usize| config.rope_interleaved.then_some(heads);
        let qkv = [
            ("attn_q", query, interleaved(config.num_attention_heads)),
            ("attn_k", key_value, interleaved(config.num_key_value_heads)),
            ("attn_v", key_value, None),
        ];
        let gate_up = [("ffn_gate", inner, None), ("ffn_up", inner, None)];
        let biases = config.biases;
        Ok(LayerWeights {
            attention_norm: self.norm(&format!("blk.{number}.attn_norm.weight"))?,
            qkv: self.stack(number, &qkv, hidden, biases.qkv)?,
            query_key_norm: if config.query_key_norm { Some(self.query_key_norm(number)?) } else { None },
            output: self.stack(number, &[("attn_output", hidden, None)], query, biases.output)?,
            feed_forward_norm: self.norm(&format!("blk.{number}.ffn_norm.weight"))?,
            gate_up: self.stack(number, &gate_up, hidden, biases.feed_forward)?,
            down: self.stack(number, &[("ffn_down", hidden, None)], inner, biases.feed_forward)?,
        })
    }

    /// Projections of the same `inputs`.
    fn stack(
        &mut self,
        layer: usize,
        parts: &[Part],
        inputs: usize,
        biased: bool,
    ) -> Result<StackedLinear, ModelError> {
        let mut matrices = Vec::with_capacity(parts.len());
        for &(name, outputs, heads) in parts {
            matrices.push(self.matrix(&format!("blk.{layer}.{name}.weight"), [outputs, inputs], heads)?);
        }
        Ok(StackedLinear::new(matrices, if biased { Some(self.biases(layer, parts)?) } else { None }))
    }

    /// The projections' biases, one behind the other.
    fn biases(&mut self, layer: usize, parts: &[Part]) -> Result<Tensor<1>, ModelError> {
        let mut values = Vec::new();
        for &(name, outputs, heads) in parts {
            let bias = self.take(&format!("blk.{layer}.{name}.bias"), &[outputs])?.to_f32()?;
            match heads {
                Some(heads) => {
                    let ordered = undo_rope_row_order(bytemuck::cast_slice(&bias), outputs, heads);
                    values.extend(bytemuck::pod_collect_to_vec::<u8, f32>(&ordered));
                }
                None => values.extend(bias),
            }
        }
        Ok(self.vector(values))
    }

    fn query_key_norm(&mut self, layer: usize) -> Result<QueryKeyNorm, ModelError> {
        let shape = [self.config.head_dim];
        let mut norm = |name: &str| -> Result<Tensor<1>, ModelError> {
            let values = self.take(&format!("blk.{layer}.{name}.weight"), &shape)?.to_f32()?;
            Ok(self.vector(values))
        };
        Ok(QueryKeyNorm { query: norm("attn_q_norm")?, key: norm("attn_k_norm")? })
    }
}
