//! Tiny random models for tests: real block formats, every code path, milliseconds.

use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    Biases, ModelConfig, RopeScaling,
    gguf::TensorType,
    packed::PackedMatrix,
    weights::{LayerWeights, QueryKeyNorm, StackedLinear, Weights},
};

/// Where tests compute: on what `SQLR1_TEST_DEVICE` names, in builds that have it, else on the CPU. So one test body serves every
/// device.
///
/// # Panics
/// If it names a device that is not there: a test must not pass on another one than was asked for.
pub fn device() -> Device {
    match std::env::var("SQLR1_TEST_DEVICE") {
        Ok(name) => super::device::choose(&name).unwrap().device,
        Err(_) => Device::flex(),
    }
}

/// Whether the device computes: not on a stand-in of a GPU's driver, of which `SQLR1_TEST_STAND_IN` tells, and on which tests of kernels
/// show only that every kernel is compiled and launched (scripts/check-cuda-kernels).
pub fn computes() -> bool {
    std::env::var_os("SQLR1_TEST_STAND_IN").is_none()
}

/// The type of the activations of models that are compared with goldens: what `SQLR1_TEST_DTYPE` names (f32, bf16, f16), else float32.
///
/// # Panics
/// If it names something else.
pub fn activations() -> DType {
    match std::env::var("SQLR1_TEST_DTYPE").as_deref() {
        Ok("bf16") => DType::BF16,
        Ok("f16") => DType::F16,
        Ok("f32") | Err(_) => DType::F32,
        Ok(other) => panic!("SQLR1_TEST_DTYPE is {other}; it may be f32, bf16 or f16"),
    }
}

/// How far numbers may be from a golden: `exact` with float32, with 16 bits a hundredth of the largest of them.
pub fn allowed(exact: f64, goldens: &[f64]) -> f64 {
    if activations() == DType::F32 {
        return exact;
    }
    goldens.iter().fold(0.0_f64, |largest, golden| largest.max(golden.abs())) * 1e-2
}

/// The shape of the tiny model.
pub fn tiny_config() -> ModelConfig {
    ModelConfig {
        architecture: "llama".into(),
        vocab_size: 96,
        hidden_size: 64,
        intermediate_size: 96,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 512,
        sliding_window: None,
        biases: Biases::default(),
        query_key_norm: false,
        tie_word_embeddings: true,
        rope_interleaved: false,
    }
}

/// Random blocks with weights of about unit gain.
fn matrix(format: TensorType, rows: usize, cols: usize, rng: &mut ChaCha8Rng, device: &Device) -> PackedMatrix {
    let mut bytes: Vec<u8> = (0..rows * cols / 32 * format.block_bytes()).map(|_| rng.random()).collect();
    let gain = 1.0 / (cols as f32).sqrt();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        let step = if format == TensorType::Q8_0 { gain / 80.0 } else { gain / 4.5 };
        let scale = step * rng.random_range(0.7..1.3_f32);
        block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        if format == TensorType::Q4_1 {
            block[2..4].copy_from_slice(&f16::from_f32(-7.5 * scale).to_le_bytes());
        }
    }
    PackedMatrix::from_blocks(format, rows, cols, &bytes, device).unwrap()
}

fn norm(width: usize, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = (0..width).map(|_| rng.random_range(0.5..1.5)).collect();
    Tensor::from_data(TensorData::new(values, [width]), device)
}

/// Random weights for a shape: mixed formats within a layer, a tied `Q8_0` embedding.
pub fn random_weights(config: &ModelConfig, seed: u64, device: &Device) -> Weights {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.query_size(), config.key_value_size());
    let bias = |wanted: bool, width: usize, rng: &mut ChaCha8Rng| wanted.then(|| norm(width, rng, device) - 1.0);
    let biases = config.biases;
    let layers = (0..config.num_hidden_layers).map(|_| LayerWeights {
        attention_norm: norm(hidden, rng, device),
        query_key_norm: config.query_key_norm.then(|| QueryKeyNorm {
            query: norm(config.head_dim, rng, device),
            key: norm(config.head_dim, rng, device),
        }),
        qkv: StackedLinear::new(
            vec![
                matrix(TensorType::Q4_1, q, hidden, rng, device),
                matrix(TensorType::Q4_0, kv, hidden, rng, device),
                matrix(TensorType::Q8_0, kv, hidden, rng, device),
            ],
            bias(biases.qkv, q + 2 * kv, rng),
        ),
        output: StackedLinear::new(
            vec![matrix(TensorType::Q4_1, hidden, q, rng, device)],
            bias(biases.output, hidden, rng),
        ),
        feed_forward_norm: norm(hidden, rng, device),
        gate_up: StackedLinear::new(
            vec![
                matrix(TensorType::Q4_1, inner, hidden, rng, device),
                matrix(TensorType::Q4_1, inner, hidden, rng, device),
            ],
            bias(biases.feed_forward, 2 * inner, rng),
        ),
        down: StackedLinear::new(
            vec![matrix(TensorType::Q4_0, hidden, inner, rng, device)],
            bias(biases.feed_forward, hidden, rng),
        ),
    });
    let layers = layers.collect();
    Weights {
        embedding: matrix(TensorType::Q8_0, config.vocab_size, hidden, rng, device),
        layers,
        final_norm: norm(hidden, rng, device),
        head: None,
        activations: DType::F32,
    }
}

/// Names and values of random adapters, A and B both nonzero, for the named projections of every layer.
pub fn random_adapters(
    config: &ModelConfig,
    targets: &[&str],
    r: usize,
    seed: u64,
    device: &Device,
) -> Vec<(String, Tensor<2>)> {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut params = Vec::new();
    for layer in 0..config.num_hidden_layers {
        for &target in targets {
            let (block, inputs, outputs) = match target {
                "q_proj" => ("self_attn", hidden, config.query_size()),
                "k_proj" | "v_proj" => ("self_attn", hidden, config.key_value_size()),
                "o_proj" => ("self_attn", config.query_size(), hidden),
                "down_proj" => ("mlp", inner, hidden),
                _ => ("mlp", hidden, inner),
            };
            for (matrix, shape) in [("A", [r, inputs]), ("B", [outputs, r])] {
                let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| rng.random_range(-0.2..0.2)).collect();
                let name = format!("base_model.model.model.layers.{layer}.{block}.{target}.lora_{matrix}.weight");
                params.push((name, Tensor::from_data(TensorData::new(values, shape), device)));
            }
        }
    }
    params
}
