//! A model made from scratch: vocabulary, network, GGUF file.

use std::path::Path;

use burn::tensor::Device;

use super::{Bundle, Network, Pupil, lessons::answer_text};
use crate::{
    data::{DataError, Example, Prompts},
    model::{
        Biases, Completion, GenerateRequest, LoraGrads, LoraParam, Model, ModelConfig, ModelError, RopeScaling,
        Sampling, Tokenizer, TrainedVocabulary, generate::ProgressFn, gguf::GgufFile, tensor_file,
    },
    run::event::ModelSummary,
    settings::{Quantize, ScratchSettings},
};

/// Name of the model's file in a checkpoint.
pub const MODEL_FILE: &str = "model.gguf";
/// Name of the file of unrounded weights, from which training goes on.
const NETWORK_FILE: &str = "network.safetensors";
/// Positions that the metadata promises; prompts of the training data are far shorter.
const CONTEXT: usize = 2048;
const ROPE_THETA: f32 = 10_000.0;
const NORM_EPS: f32 = 1e-5;

/// A model in the making.
pub struct Scratch {
    /// The network.
    pub network: Network,
    vocabulary: TrainedVocabulary,
    tokenizer: Tokenizer,
    name: String,
}

/// What a vocabulary is trained on: the user's message and the gold query of each example.
///
/// # Errors
/// A database cannot be read.
pub fn texts(prompts: &Prompts, examples: &[Example]) -> Result<Vec<String>, DataError> {
    let mut texts = vec!["user\n".to_owned(), "assistant\n".to_owned()];
    for example in examples {
        let prompt = prompts.whole(example)?;
        texts.extend(prompt.system);
        texts.push(prompt.user);
        texts.push(answer_text(example).to_owned());
    }
    Ok(texts)
}

impl Scratch {
    /// Trains a vocabulary on `texts`, and makes a network with random weights for it.
    ///
    /// # Errors
    /// The vocabulary cannot be trained, or the shape makes no model.
    pub fn new(
        name: &str,
        texts: &[String],
        settings: &ScratchSettings,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let vocabulary = TrainedVocabulary::train(texts, settings.vocab_size)?;
        let network = Network::new(config(settings, vocabulary.tokens.len()), seed, device);
        let file = network.to_gguf(name, &vocabulary)?.bytes();
        let tokenizer = Tokenizer::from_gguf(&GgufFile::from_bytes(Path::new(name), file)?)?;
        Ok(Self { network, vocabulary, tokenizer, name: name.to_owned() })
    }

    /// The model's file.
    ///
    /// # Errors
    /// A weight is not finite.
    pub fn file(&self) -> Result<Vec<u8>, ModelError> {
        Ok(self.network.to_gguf(&self.name, &self.vocabulary)?.bytes())
    }

    /// The model as others will load it: quantized.
    ///
    /// # Errors
    /// A weight is not finite.
    pub fn quantized(&self) -> Result<Model, ModelError> {
        let file = GgufFile::from_bytes(Path::new(&self.name), self.file()?)?;
        Model::from_gguf(file, Quantize::Auto, &self.network.params[0].value.device(), &mut |_, _| {})
    }
}

fn config(settings: &ScratchSettings, vocab_size: usize) -> ModelConfig {
    ModelConfig {
        architecture: "llama".into(),
        vocab_size,
        hidden_size: settings.hidden_size,
        intermediate_size: settings.intermediate_size,
        num_hidden_layers: settings.num_hidden_layers,
        num_attention_heads: settings.num_attention_heads,
        num_key_value_heads: settings.num_key_value_heads,
        head_dim: settings.hidden_size / settings.num_attention_heads,
        rms_norm_eps: NORM_EPS,
        rope_theta: ROPE_THETA,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: CONTEXT,
        sliding_window: None,
        biases: Biases::default(),
        query_key_norm: false,
        tie_word_embeddings: true,
        rope_interleaved: true,
    }
}

impl Pupil for Scratch {
    fn params(&self) -> &[LoraParam] {
        &self.network.params
    }

    fn params_mut(&mut self) -> &mut [LoraParam] {
        &mut self.network.params
    }

    fn gradient(&self, bundle: &Bundle, weight: f32, grads: &mut LoraGrads) -> Result<f64, ModelError> {
        self.network.gradient(bundle, weight, &mut grads.values)
    }

    fn generate(
        &self,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError> {
        self.quantized()?.generate(None, requests, sampling, on_progress)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn summary(&self) -> ModelSummary {
        let parameters = self.network.parameters();
        ModelSummary {
            name: self.name.clone(),
            architecture: self.network.config.architecture.clone(),
            parameters,
            trainable_parameters: parameters,
            weight_bytes: parameters * 4,
            formats: "F32".into(),
            ..ModelSummary::default()
        }
    }

    fn save(&self, dir: &Path) -> Result<(), ModelError> {
        let path = dir.join(MODEL_FILE);
        std::fs::write(&path, self.file()?).map_err(|e| ModelError::io("write", &path, e))?;
        let params: Vec<_> = self.network.params.iter().map(|p| (p.name.clone(), &p.value)).collect();
        tensor_file::save(&dir.join(NETWORK_FILE), &params, &[])
    }

    fn restore(&mut self, dir: &Path) -> Result<(), ModelError> {
        let params = &mut self.network.params;
        let wanted: Vec<_> = params.iter().map(|p| (p.name.clone(), p.value.dims())).collect();
        let (values, _) = tensor_file::load(&dir.join(NETWORK_FILE), &wanted, &params[0].value.device())?;
        for (param, value) in params.iter_mut().zip(values) {
            param.value = value;
        }
        Ok(())
    }
}
