use half::f16;

use super::{
    super::gguf::testing::{Builder, smollm2},
    *,
};
use crate::model::weights::StackedLinear;

const HIDDEN: u64 = 32;
const INNER: u64 = 64;
/// Two query heads and one key head of width 16.
const HEADS: u32 = 2;

/// A tensor of one block type whose row r holds the value r everywhere.
fn rows(rows: u64, cols: u64, tensor_type: TensorType) -> Vec<u8> {
    let block = |row: u64| {
        let value = row as f32;
        match tensor_type {
            TensorType::F32 => value.to_le_bytes().repeat(32),
            // d = 0, m = value
            TensorType::Q4_1 => [&[0, 0][..], &f16::from_f32(value).to_le_bytes(), &[0; 16]].concat(),
            // d = value, q = 1
            _ => [&f16::from_f32(value).to_le_bytes()[..], &[1; 32]].concat(),
        }
    };
    (0..rows).flat_map(|row| block(row).repeat((cols / 32) as usize)).collect()
}

fn with(builder: Builder, name: &str, shape: [u64; 2], tensor_type: TensorType) -> Builder {
    builder.tensor(name, &shape, tensor_type, &rows(shape[0], shape[1], tensor_type))
}

/// A model of one layer; `skip` is left out.
fn tiny(skip: &str) -> Builder {
    let mut builder = Builder::default()
        .text("general.architecture", "llama")
        .u32("llama.embedding_length", HIDDEN as u32)
        .u32("llama.feed_forward_length", INNER as u32)
        .u32("llama.block_count", 1)
        .u32("llama.attention.head_count", HEADS)
        .u32("llama.attention.head_count_kv", 1)
        .u32("llama.context_length", 128)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &["a".into(), "<|im_end|>".into()])
        .i32s("tokenizer.ggml.token_type", &[1, 3])
        .texts("tokenizer.ggml.merges", &[]);
    for (name, shape, tensor_type) in [
        ("token_embd", [4, HIDDEN], TensorType::Q8_0),
        ("blk.0.attn_q", [32, HIDDEN], TensorType::Q4_1),
        ("blk.0.attn_k", [16, HIDDEN], TensorType::Q4_1),
        ("blk.0.attn_v", [16, HIDDEN], TensorType::F32),
        ("blk.0.attn_output", [HIDDEN, 32], TensorType::Q4_1),
        ("blk.0.ffn_gate", [INNER, HIDDEN], TensorType::Q4_1),
        ("blk.0.ffn_up", [INNER, HIDDEN], TensorType::Q4_1),
        ("blk.0.ffn_down", [HIDDEN, INNER], TensorType::Q4_1),
    ] {
        if name != skip {
            builder = with(builder, &format!("{name}.weight"), shape, tensor_type);
        }
    }
    for name in ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"] {
        if name != skip {
            builder = builder.floats(&format!("{name}.weight"), &[HIDDEN], &[1.0; HIDDEN as usize]);
        }
    }
    builder
}

fn load(builder: &Builder, quantize: Quantize) -> Result<Model, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, builder.bytes(3)).unwrap();
    Model::load(&path, quantize, &crate::model::testing::device(), &mut |_, _| {}).map_err(|e| e.to_string())
}

/// The value of each row of stacked matrices.
fn row_values(linear: &StackedLinear) -> Vec<f32> {
    let values = linear.parts.iter().flat_map(|part| part.dequantize().try_into_vec_as::<f32>().unwrap());
    values.step_by(linear.cols()).collect()
}

/// The order of a head's rows in Hugging Face's layout, as rows of the file: even ones, then odd ones.
fn restored(first: usize, head_dim: usize) -> impl Iterator<Item = f32> {
    let row = move |i: usize| (first + i) as f32;
    (0..head_dim).step_by(2).chain((1..head_dim).step_by(2)).map(row)
}

#[test]
fn query_and_key_rows_come_back_in_hugging_faces_order() {
    for quantize in [Quantize::Auto, Quantize::None] {
        let model = load(&tiny(""), quantize).unwrap();
        let layer = &model.weights.layers[0];
        let in_order = |rows: usize| (0..rows).map(|row| row as f32);
        let qkv: Vec<f32> =
            restored(0, 16).chain(restored(16, 16)).chain(restored(0, 16)).chain(in_order(16)).collect();
        assert_eq!(row_values(&layer.qkv), qkv);
        assert_eq!(layer.qkv.widths, [32, 16, 16]);
        assert_eq!(row_values(&layer.output), in_order(32).collect::<Vec<_>>());
        assert_eq!(row_values(&layer.gate_up), in_order(64).chain(in_order(64)).collect::<Vec<_>>());
        assert_eq!(row_values(&layer.down), in_order(32).collect::<Vec<_>>());
    }
}

#[test]
fn the_summary_says_how_weights_are_held() {
    let packed = load(&tiny(""), Quantize::Auto).unwrap().summary();
    assert_eq!((packed.name.as_str(), packed.architecture.as_str()), ("tiny", "llama"));
    assert_eq!(packed.formats, "Q4_1 ×6, F32 ×4, Q8_0 ×1");
    assert_eq!(
        (packed.parameters, packed.trainable_parameters),
        (128 + 32 * 32 * 2 + 16 * 32 * 2 + 64 * 32 * 3 + 96, 0)
    );
    let expanded = load(&tiny(""), Quantize::None).unwrap().summary();
    assert_eq!(expanded.formats, "F32 ×11 (file: Q4_1 ×6, F32 ×4, Q8_0 ×1)");
    assert_eq!(expanded.weight_bytes, expanded.parameters * 4);
    assert!(packed.weight_bytes < expanded.weight_bytes / 2);
}

#[test]
fn a_head_of_its_own_is_loaded() {
    let model = load(&with(tiny(""), "output.weight", [4, HIDDEN], TensorType::Q8_0), Quantize::Auto).unwrap();
    assert!(model.weights.head.is_some() && !model.config.tie_word_embeddings);
    assert!(load(&tiny(""), Quantize::Auto).unwrap().weights.head.is_none());
}

#[test]
fn files_that_are_no_such_model_are_refused() {
    let mut nan = [0.0; HIDDEN as usize];
    nan[3] = f32::NAN;
    for (builder, expected) in [
        (tiny("blk.0.ffn_up"), "`blk.0.ffn_up.weight`: not in the file"),
        (tiny("output_norm"), "`output_norm.weight`: not in the file"),
        (tiny("").floats("blk.0.attn_q.bias", &[32], &[0.0; 32]), "`blk.0.attn_k.bias`: not in the file"),
        (tiny("").floats("blk.0.attn_gate.weight", &[32], &[0.0; 32]), "tensor `blk.0.attn_gate.weight`"),
        (tiny("output_norm").floats("output_norm.weight", &[HIDDEN], &nan), "element 3 is not finite"),
        (with(tiny("blk.0.attn_v"), "blk.0.attn_v.weight", [8, HIDDEN], TensorType::F32), "[8, 32]"),
        (with(tiny("token_embd"), "token_embd.weight", [1, HIDDEN], TensorType::F32), "has 1 rows for 2 tokens"),
    ] {
        let error = load(&builder, Quantize::Auto).err().unwrap();
        assert!(error.contains(expected) && error.contains("tiny.gguf"), "{error}");
    }
}

#[test]
fn smollm2_loads_and_reports_progress() {
    let Some(path) = smollm2() else { return };
    let mut seen = Vec::new();
    let started = std::time::Instant::now();
    let model = Model::load(&path, Quantize::Auto, &crate::model::testing::device(), &mut |done, total| {
        seen.push((done, total));
    })
    .unwrap();
    let summary = model.summary();
    println!("{summary:?} in {:?}", started.elapsed());
    assert_eq!((seen.len(), seen.last().map(|(done, total)| done == total)), (272, Some(true)));
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!((summary.parameters, summary.formats.as_str()), (134_515_008, "Q4_1 ×210, F32 ×61, Q8_0 ×1"));

    // Row 1 of the first head's queries is row 2 of the file.
    let file = GgufFile::open(&path).unwrap();
    let stored = file.tensor("blk.7.attn_q.weight").unwrap().to_f32().unwrap();
    let loaded: Vec<f32> = model.weights.layers[7].qkv.parts[0].dequantize().narrow(0, 1, 1).try_into_vec_as().unwrap();
    assert_eq!(loaded, stored[2 * 576..3 * 576]);
}

/// The same model in Hugging Face's layout, with a head that is the embedding again and a buffer that can be computed.
fn as_safetensors(file: &GgufFile, folder: &Path) {
    use crate::model::source::names;
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for info in file.tensors() {
        let values = file.tensor(&info.name).unwrap().to_f32().unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let heads = match info.name.as_str() {
            "blk.0.attn_q.weight" => Some(HEADS as usize),
            "blk.0.attn_k.weight" => Some(1),
            _ => None,
        };
        let bytes = heads.map_or(bytes.clone(), |heads| undo_rope_row_order(&bytes, info.rows(), heads));
        tensors.push((names::to_hugging_face(&info.name).unwrap(), info.shape.clone(), bytes));
    }
    tensors.push(("lm_head.weight".into(), tensors[0].1.clone(), tensors[0].2.clone()));
    tensors.push(("model.layers.0.self_attn.rotary_emb.inv_freq".into(), vec![1], vec![0; 4]));
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn safetensors_give_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let file = tiny("").open(folder.path());
    let expected = load(&tiny(""), Quantize::None).unwrap();
    as_safetensors(&file, folder.path());
    let config = ModelConfig { rope_interleaved: false, ..ModelConfig::from_gguf(&file).unwrap() };
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let source = Source::open(&folder.path().join("model.safetensors")).unwrap();
    let model =
        Model::assemble(&source, config, tokenizer, Quantize::None, &crate::model::testing::device(), &mut |_, _| {})
            .unwrap();
    let linears = |model: &Model| {
        let layer = &model.weights.layers[0];
        [&layer.qkv, &layer.output, &layer.gate_up, &layer.down].map(row_values)
    };
    assert_eq!(linears(&model), linears(&expected));
    assert!(model.weights.head.is_none());
    assert_eq!(model.summary().formats, "F32 ×11 (file: F32 ×13)");
}
