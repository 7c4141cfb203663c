use serde_json::{Value, json};

use super::*;

/// A configuration as Llama's first files have it.
fn llama() -> Value {
    json!({
        "model_type": "llama", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    })
}

#[allow(clippy::needless_pass_by_value)] // As `json!` gives it.
fn with(changes: Value) -> Value {
    let mut config = llama();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn read(config: &Value) -> Result<ModelConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, config.to_string()).unwrap();
    ModelConfig::from_hugging_face(&path).map_err(|e| e.to_string())
}

#[test]
fn absent_keys_have_transformers_defaults() {
    let config = read(&llama()).unwrap();
    assert_eq!((config.num_key_value_heads, config.head_dim, config.sliding_window), (4, 4, None));
    assert_eq!((config.rope_theta.to_bits(), config.rope_scaling), (10_000_f32.to_bits(), RopeScaling::None));
    assert_eq!(config.biases, Biases::default());
    assert!(!config.tie_word_embeddings && !config.query_key_norm && !config.rope_interleaved);
    let qwen3 = read(&with(json!({"model_type": "qwen3", "num_key_value_heads": 2}))).unwrap();
    assert!((qwen3.head_dim, qwen3.query_key_norm) == (128, true));
}

#[test]
fn both_layouts_of_the_rotary_embedding_are_read() {
    let newer = json!({"rope_parameters": {"rope_type": "linear", "rope_theta": 1e5, "factor": 4.0}});
    let older = json!({"rope_theta": 100_000, "rope_scaling": {"type": "linear", "factor": 4}});
    for layout in [newer, older] {
        let config = read(&with(layout)).unwrap();
        assert_eq!(config.rope_theta.to_bits(), 1e5_f32.to_bits());
        assert_eq!(config.rope_scaling, RopeScaling::Linear { factor: 4.0 });
    }
    let llama3 = json!({"rope_theta": 500_000.0, "rope_scaling": {
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }});
    let expected =
        RopeScaling::Llama3 { factor: 32.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 8192 };
    assert_eq!(read(&with(llama3)).unwrap().rope_scaling, expected);
    assert_eq!(read(&with(json!({"rope_scaling": null}))).unwrap().rope_scaling, RopeScaling::None);
}

#[test]
fn biases_and_windows_are_those_of_the_architecture() {
    let all = Biases { qkv: true, output: true, feed_forward: true };
    assert_eq!(read(&with(json!({"attention_bias": true, "mlp_bias": true}))).unwrap().biases, all);
    let qwen2 = json!({"model_type": "qwen2", "num_key_value_heads": 2, "sliding_window": 64});
    let config = read(&with(qwen2.clone())).unwrap();
    assert_eq!((config.biases, config.sliding_window), (Biases { qkv: true, ..Biases::default() }, None));
    let mut windowed = with(qwen2);
    windowed["use_sliding_window"] = json!(true);
    assert_eq!(read(&windowed).unwrap().sliding_window, Some(64));
    let mistral = json!({"model_type": "mistral", "num_key_value_heads": 2, "sliding_window": 4096});
    let config = read(&with(mistral)).unwrap();
    assert_eq!((config.sliding_window, config.gguf_architecture()), (Some(4096), "llama"));
}

#[test]
fn what_is_impossible_or_not_computed_is_refused() {
    let llama3 = |low: f64| {
        json!({"rope_parameters": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": low, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }})
    };
    for (changes, expected) in [
        (
            json!({"model_type": "gemma"}),
            "architecture `gemma` is not supported; use one of: llama, mistral, qwen2, qwen3",
        ),
        (json!({"model_type": null}), "`model_type`: is missing"),
        (json!({"hidden_size": null}), "`hidden_size`: is missing"),
        (json!({"hidden_size": -1}), "no model's configuration"),
        (json!({"vocab_size": 0}), "`vocab_size`: is 0"),
        (json!({"head_dim": 5}), "`head_dim`: makes heads of width 5"),
        (json!({"num_attention_heads": 32}), "heads of width 0"),
        (json!({"num_key_value_heads": 3}), "`num_key_value_heads`: is 3, which does not divide the 4"),
        (json!({"num_hidden_layers": 5000}), "at most 4096"),
        (json!({"model_type": "qwen3"}), "`num_key_value_heads`: is missing"),
        (json!({"hidden_act": "gelu"}), "activation `gelu`"),
        (json!({"partial_rotary_factor": 0.5}), "partial rotation"),
        (json!({"quantization_config": {"quant_method": "gptq"}}), "`quantization_config` is not supported"),
        (json!({"rope_scaling": {"type": "yarn", "factor": 4.0}}), "RoPE scaling `yarn`"),
        (json!({"rope_scaling": {"type": "linear"}}), "`rope_scaling.factor`: is missing"),
        (json!({"rope_parameters": {"rope_type": "linear", "factor": -2}}), "is -2; a positive number"),
        (llama3(4.0), "`rope_parameters.high_freq_factor`: is 4, not above"),
    ] {
        let error = read(&with(changes)).unwrap_err();
        assert!(error.contains(expected) && error.contains("config.json"), "{error}");
    }
}
