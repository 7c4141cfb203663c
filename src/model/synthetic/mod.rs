//! Models of random weights in the shapes of real ones, made without any file: for measuring speed and memory, not for answers.
//!
//! Projections are 4-bit, embedding and head 8-bit, as in a usual 4-bit file. They are packed as they are drawn, matrix by matrix, so
//! that no model is ever held as floats.

mod shapes;

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

pub use self::shapes::{NAMES, shape};
use super::{
    Model, ModelConfig, ModelError, Tokenizer,
    packed::{PackedLayout, PackedMatrix},
    weights::{LayerWeights, QueryKeyNorm, StackedLinear, Weights},
};
use crate::run::event::ModelSummary;

/// How embedding and head are held.
const VOCABULARY_LAYOUT: PackedLayout = PackedLayout::Q8;

/// How projections are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// NF4 with double quantization, as `QLoRA` has them: about 0.52 bytes a weight.
    #[default]
    Nf4,
    /// 4-bit blocks with two float32 parameters, as `Q4_0` and `Q4_1` of GGUF files are held: 0.75 bytes a weight.
    Q4,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Nf4, Self::Q4];

    /// `nf4` or `q4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nf4 => "nf4",
            Self::Q4 => "q4",
        }
    }

    /// The layout of such projections.
    pub fn layout(self) -> PackedLayout {
        match self {
            Self::Nf4 => PackedLayout::Nf4,
            Self::Q4 => PackedLayout::Q4,
        }
    }
}

/// Bytes of a shape's weights.
pub fn weight_bytes(config: &ModelConfig, format: Format) -> u64 {
    let matrix = |layout: PackedLayout, [rows, cols]: [usize; 2]| layout.bytes(rows, cols);
    let vocabulary = [config.vocab_size, config.hidden_size];
    let vocabularies = if config.tie_word_embeddings { 1 } else { 2 };
    let layer: u64 = projections(config).into_iter().map(|shape| matrix(format.layout(), shape)).sum();
    let floats = config.num_hidden_layers * layer_floats(config) + config.hidden_size;
    config.num_hidden_layers as u64 * layer + vocabularies * matrix(VOCABULARY_LAYOUT, vocabulary) + 4 * floats as u64
}

/// The stacked projections of a layer: q/k/v, output, gate and up, down.
fn projections(config: &ModelConfig) -> [[usize; 2]; 4] {
    let (hidden, inner, query) = (config.hidden_size, config.intermediate_size, config.query_size());
    [[query + 2 * config.key_value_size(), hidden], [hidden, query], [2 * inner, hidden], [hidden, inner]]
}

/// Which of a layer's stacks have biases.
fn biased(config: &ModelConfig) -> [bool; 4] {
    let biases = config.biases;
    [biases.qkv, biases.output, biases.feed_forward, biases.feed_forward]
}

/// Numbers in a layer's norms and biases.
fn layer_floats(config: &ModelConfig) -> usize {
    let stacks = projections(config).into_iter().zip(biased(config));
    let biases: usize = stacks.filter(|(_, biased)| *biased).map(|([rows, _], _)| rows).sum();
    biases + 2 * config.hidden_size + if config.query_key_norm { 2 * config.head_dim } else { 0 }
}

/// Draws matrices and vectors, each from a stream of its own.
struct Draw<'a> {
    config: &'a ModelConfig,
    layout: PackedLayout,
    seed: u64,
    drawn: u64,
    device: &'a Device,
}

impl Draw<'_> {
    fn next(&mut self) -> u64 {
        self.drawn += 1;
        self.seed ^ self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn matrix(&mut self, layout: PackedLayout, shape: [usize; 2]) -> Result<PackedMatrix, ModelError> {
        let seed = self.next();
        PackedMatrix::random(layout, shape, seed, self.device).map_err(|e| ModelError::Compute(e.to_string()))
    }

    /// `width` numbers around `middle`.
    fn vector(&mut self, width: usize, middle: f32) -> Tensor<1> {
        let mut random = ChaCha8Rng::seed_from_u64(self.next());
        let values: Vec<f32> = (0..width).map(|_| middle + random.random_range(-0.1..0.1_f32)).collect();
        Tensor::from_data(TensorData::new(values, [width]), self.device)
    }

    fn stack(&mut self, at: usize, widths: Vec<usize>) -> Result<StackedLinear, ModelError> {
        let shape = projections(self.config)[at];
        let bias = biased(self.config)[at].then(|| self.vector(shape[0], 0.0));
        Ok(StackedLinear { parts: vec![self.matrix(self.layout, shape)?], widths, bias, frozen: Vec::new() })
    }

    fn layer(&mut self) -> Result<LayerWeights, ModelError> {
        let config = self.config;
        let (hidden, inner, key_value) = (config.hidden_size, config.intermediate_size, config.key_value_size());
        let head = config.head_dim;
        Ok(LayerWeights {
            attention_norm: self.vector(hidden, 1.0),
            qkv: self.stack(0, vec![config.query_size(), key_value, key_value])?,
            query_key_norm: config
                .query_key_norm
                .then(|| QueryKeyNorm { query: self.vector(head, 1.0), key: self.vector(head, 1.0) }),
            output: self.stack(1, vec![hidden])?,
            feed_forward_norm: self.vector(hidden, 1.0),
            gate_up: self.stack(2, vec![inner, inner])?,
            down: self.stack(3, vec![hidden])?,
        })
    }
}

impl Model {
    /// A model of random weights; the same `seed` gives the same one. Its tokens are bytes: ids beyond those spell nothing.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for a name that is none of [`NAMES`].
    pub fn synthetic(name: &str, format: Format, seed: u64, device: &Device) -> Result<Self, ModelError> {
        let config = shape(name).ok_or_else(|| {
            let remedy = format!("use one of: {}", NAMES.join(", "));
            ModelError::unsupported(name.as_ref(), "a synthetic model of this name", remedy)
        })?;
        let mut draw = Draw { config: &config, layout: format.layout(), seed, drawn: 0, device };
        let vocabulary = [config.vocab_size, config.hidden_size];
        let embedding = draw.matrix(VOCABULARY_LAYOUT, vocabulary)?;
        let layers = (0..config.num_hidden_layers).map(|_| draw.layer()).collect::<Result<_, _>>()?;
        let final_norm = draw.vector(config.hidden_size, 1.0);
        let tied = config.tie_word_embeddings;
        let head = if tied { None } else { Some(draw.matrix(VOCABULARY_LAYOUT, vocabulary)?) };
        let weights = Weights { embedding, layers, final_norm, head, activations: DType::F32 };
        let summary = summary(name, format, &config, &weights);
        Ok(Self::from_parts(config, Tokenizer::of_bytes()?, weights, summary))
    }
}

/// Numbers in a shape's weights.
pub fn parameters(config: &ModelConfig) -> u64 {
    let layer: usize = projections(config).iter().map(|[rows, cols]| rows * cols).sum::<usize>() + layer_floats(config);
    let vocabularies = if config.tie_word_embeddings { 1 } else { 2 };
    let around = vocabularies * config.vocab_size * config.hidden_size + config.hidden_size;
    (config.num_hidden_layers * layer + around) as u64
}

fn summary(name: &str, format: Format, config: &ModelConfig, weights: &Weights) -> ModelSummary {
    let stacks = 4 * config.num_hidden_layers;
    ModelSummary {
        name: name.to_owned(),
        path: format!("synthetic:{name}"),
        architecture: config.architecture.clone(),
        parameters: parameters(config),
        trainable_parameters: 0,
        weight_bytes: weights.bytes(),
        formats: format!("random {} ×{stacks}, Q8_0 ×{}", format.name(), if weights.head.is_some() { 2 } else { 1 }),
    }
}

#[cfg(test)]
mod tests;
