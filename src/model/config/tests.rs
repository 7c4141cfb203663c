use super::{
    super::gguf::testing::{Builder, smollm2},
    *,
};

fn tiny() -> Builder {
    Builder::default()
        .text("general.architecture", "llama")
        .u32("llama.embedding_length", 8)
        .u32("llama.feed_forward_length", 16)
        .u32("llama.block_count", 1)
        .u32("llama.attention.head_count", 4)
        .u32("llama.attention.head_count_kv", 2)
        .u32("llama.context_length", 128)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .floats("token_embd.weight", &[5, 8], &[0.0; 40])
}

fn read(builder: &Builder) -> Result<ModelConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    ModelConfig::from_gguf(&builder.open(folder.path())).map_err(|e| e.to_string())
}

#[test]
fn what_is_optional_has_llama_cpps_defaults() {
    let config = read(&tiny()).unwrap();
    assert_eq!((config.vocab_size, config.head_dim, config.query_size(), config.key_value_size()), (5, 2, 8, 4));
    assert_eq!(config.rope_theta.to_bits(), 10_000_f32.to_bits());
    assert!(config.tie_word_embeddings && config.rope_interleaved);
    assert!(!read(&tiny().floats("output.weight", &[5, 8], &[0.0; 40])).unwrap().tie_word_embeddings);
    assert_eq!(read(&tiny().u32("llama.attention.key_length", 6)).unwrap().head_dim, 6);
}

#[test]
fn scaled_rotation_is_read_however_it_is_stored() {
    let linear = tiny().text("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 4.0);
    assert_eq!(read(&linear).unwrap().rope_scaling, RopeScaling::Linear { factor: 4.0 });
    let old = tiny().f32("llama.rope.scale_linear", 4.0);
    assert_eq!(read(&old).unwrap().rope_scaling, RopeScaling::Linear { factor: 4.0 });
    let factors = tiny().floats("rope_freqs.weight", &[1], &[8.0]);
    let config = read(&factors).unwrap();
    assert_eq!(
        (config.rope_scaling.clone(), config.rope_frequencies()),
        (RopeScaling::Factors(vec![8.0]), vec![0.125])
    );
    assert_eq!(read(&tiny()).unwrap().rope_frequencies(), [1.0]);
}

#[test]
fn biases_windows_and_architectures_are_told_apart() {
    let biased = tiny().floats("blk.0.attn_output.bias", &[8], &[0.0; 8]).u32("llama.attention.sliding_window", 64);
    let config = read(&biased).unwrap();
    assert_eq!(config.biases, Biases { output: true, ..Biases::default() });
    assert_eq!((config.sliding_window, read(&tiny()).unwrap().sliding_window), (Some(64), None));
    for (architecture, biases, norm) in [("qwen2", true, false), ("qwen3", false, true)] {
        let builder = Builder::default().text("general.architecture", architecture);
        let builder =
            [("embedding_length", 8), ("feed_forward_length", 16), ("block_count", 1), ("context_length", 128)]
                .into_iter()
                .chain([("attention.head_count", 4), ("attention.key_length", 6)])
                .fold(builder, |b, (key, value)| b.u32(&format!("{architecture}.{key}"), value))
                .f32(&format!("{architecture}.attention.layer_norm_rms_epsilon"), 1e-6)
                .floats("token_embd.weight", &[5, 8], &[0.0; 40]);
        let config = read(&builder).unwrap();
        assert_eq!((config.biases.qkv, config.query_key_norm, config.head_dim), (biases, norm, 6), "{architecture}");
        assert!(!config.rope_interleaved, "llama.cpp interleaves llama's rows only");
    }
}

#[test]
fn what_cannot_be_computed_is_refused() {
    for (builder, expected) in [
        (
            Builder::default().text("general.architecture", "mamba"),
            "architecture `mamba` is not supported; use one of: llama, qwen2, qwen3",
        ),
        (Builder::default(), "`general.architecture`: is missing"),
        (tiny().text("llama.rope.scaling.type", "yarn"), "RoPE scaling `yarn`"),
        (tiny().text("llama.rope.scaling.type", "linear"), "`llama.rope.scaling.factor`: is missing"),
        (tiny().floats("rope_freqs.weight", &[2], &[1.0, 1.0]), "has shape [2]"),
        (tiny().floats("rope_freqs.weight", &[1], &[0.0]), "holds the factor 0"),
        (
            tiny().floats("rope_freqs.weight", &[1], &[1.0]).f32("llama.rope.scale_linear", 4.0),
            "stands beside another RoPE scaling",
        ),
        (tiny().u32("llama.expert_count", 8), "8 experts"),
        (tiny().u32("llama.rope.dimension_count", 4), "is 4 in heads of width 2"),
        (tiny().u32("llama.attention.key_length", 3), "width 3"),
        (tiny().u32("llama.attention.value_length", 4).u32("llama.attention.key_length", 2), "differs"),
        (tiny().f32("llama.rope.freq_base", f32::NAN), "NaN"),
    ] {
        let error = read(&builder).unwrap_err();
        assert!(error.contains(expected) && error.contains("model.gguf"), "{error}");
    }
}

#[test]
fn impossible_sizes_are_refused() {
    for (key, value, expected) in [
        ("llama.attention.head_count", 0, "is 0"),
        ("llama.attention.head_count", 16, "width 0"),
        ("llama.attention.head_count_kv", 3, "does not divide"),
        ("llama.block_count", 5000, "at most 4096"),
        ("llama.embedding_length", 9, "rows of 9"),
        ("llama.context_length", u32::MAX, "is 4294967295"),
    ] {
        // Building anew with one value changed, since a key may be given only once.
        let mut builder = Builder::default().text("general.architecture", "llama");
        for (name, default) in [
            ("llama.embedding_length", 8),
            ("llama.feed_forward_length", 16),
            ("llama.block_count", 1),
            ("llama.attention.head_count", 4),
            ("llama.attention.head_count_kv", 2),
            ("llama.context_length", 128),
        ] {
            builder = builder.u32(name, if name == key { value } else { default });
        }
        let builder = builder.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
        let error = read(&builder.floats("token_embd.weight", &[5, 8], &[0.0; 40])).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn smollm2_has_its_published_shape() {
    let Some(path) = smollm2() else { return };
    let config = ModelConfig::from_gguf(&GgufFile::open(&path).unwrap()).unwrap();
    let expected = ModelConfig {
        architecture: "llama".into(),
        vocab_size: 49152,
        hidden_size: 576,
        intermediate_size: 1536,
        num_hidden_layers: 30,
        num_attention_heads: 9,
        num_key_value_heads: 3,
        head_dim: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 100_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 8192,
        sliding_window: None,
        biases: Biases::default(),
        query_key_norm: false,
        tie_word_embeddings: true,
        rope_interleaved: true,
    };
    assert_eq!(config, expected);
}
