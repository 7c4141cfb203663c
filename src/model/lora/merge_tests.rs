//! Merging into both kinds of files.

use std::collections::HashMap;

use safetensors::tensor::TensorView as Given;

use super::{super::tests::tiny_lora, *};

fn numbers(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * step).sin()).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// s · B A, row by row, in double precision.
fn product(lora: &Lora, layer: usize, projection: Projection) -> Vec<f32> {
    let (a, b) = lora.pair(layer, projection).unwrap();
    let ([out, r], [_, input]) = (b.dims(), a.dims());
    let (a, b) = (floats(a).unwrap(), floats(b).unwrap());
    let element = |i: usize| {
        let (row, col) = (i / input, i % input);
        let sum: f64 = (0..r).map(|k| f64::from(b[row * r + k]) * f64::from(a[k * input + col])).sum();
        (sum * f64::from(lora.scale)) as f32
    };
    (0..out * input).map(element).collect()
}

fn assert_near(a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < tolerance, "{i}: {a} {b}");
    }
}

fn plus(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[test]
fn a_gguf_file_keeps_what_no_adapter_changes() {
    let (config, lora) = tiny_lora(3);
    let config = ModelConfig { rope_interleaved: true, ..config };
    let dir = tempfile::tempdir().unwrap();
    let (path, out) = (dir.path().join("base.gguf"), dir.path().join("merged.gguf"));
    let query = numbers(config.query_size() * 64, 0.3);
    let key_blocks = [0x00, 0x1c].into_iter().chain((0..16).map(|i| i * 17)).collect::<Vec<u8>>().repeat(32 * 2);
    let down = numbers(64 * 96, 0.7);
    let mut writer = GgufWriter::default();
    writer.text("general.architecture", "llama");
    writer.texts("words", ["a", "b"].iter());
    writer.tensor("blk.1.attn_q.weight", &[64, 64], TensorType::F32, &query).unwrap();
    writer.tensor_bytes("blk.1.attn_k.weight", &[32, 64], TensorType::Q4_0, &key_blocks);
    writer.tensor("blk.1.attn_v.weight", &[2, 64], TensorType::Q4_1, &numbers(128, 0.1)).unwrap();
    writer.tensor("blk.2.ffn_down.weight", &[64, 96], TensorType::Q8_0, &down).unwrap();
    writer.write(&path).unwrap();
    let source = Source::open(&path).unwrap();
    merge(&source, &config, &[lora.clone(), lora.clone()], &out).unwrap();

    let (before, after) = (GgufFile::open(&path).unwrap(), GgufFile::open(&out).unwrap());
    assert_eq!(after.metadata().require_strings("words").unwrap(), ["a", "b"]);
    let values = |file: &GgufFile, name: &str| file.tensor(name).unwrap().to_f32().unwrap();
    let twice = |projection, layer| product(&lora, layer, projection).iter().map(|v| 2.0 * v).collect::<Vec<_>>();
    let q = rope_row_order(&twice(Projection::Q, 1), 64, config.num_attention_heads);
    assert_near(&values(&after, "blk.1.attn_q.weight"), &plus(&query, &q), 1e-5);
    let k = rope_row_order(&twice(Projection::K, 1), 64, config.num_key_value_heads);
    let key = plus(&values(&before, "blk.1.attn_k.weight"), &k);
    assert_near(&values(&after, "blk.1.attn_k.weight"), &key, 0.02);
    let kind = |name: &str| after.tensor(name).unwrap().info.tensor_type;
    assert_eq!(kind("blk.1.attn_k.weight"), TensorType::Q8_0, "Q4_0 is not written");
    assert_eq!(kind("blk.2.ffn_down.weight"), TensorType::Q8_0);
    let down = plus(&values(&before, "blk.2.ffn_down.weight"), &twice(Projection::Down, 2));
    assert_near(&values(&after, "blk.2.ffn_down.weight"), &down, 0.02);
    assert_eq!(
        after.tensor("blk.1.attn_v.weight").unwrap().bytes,
        before.tensor("blk.1.attn_v.weight").unwrap().bytes,
        "no adapter changes it"
    );
    let again = merge(&source, &config, &[lora], &out).unwrap_err().to_string();
    assert!(again.contains("merged.gguf") && again.contains("there already"), "{again}");
}

#[test]
fn a_folder_comes_out_with_its_other_files_and_types() {
    let (config, lora) = tiny_lora(3);
    let dir = tempfile::tempdir().unwrap();
    let (folder, out) = (dir.path().join("base"), dir.path().join("merged"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    let (query, norm) = (numbers(64 * 64, 0.3), numbers(64, 0.2));
    let down: Vec<u8> = numbers(64 * 96, 0.7).iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect();
    let (query_bytes, norm_bytes) = (bytes(&query), bytes(&norm));
    let names = ["model.layers.1.self_attn.q_proj.weight", "model.norm.weight", "model.layers.2.mlp.down_proj.weight"];
    let tensors = [
        (names[0], Given::new(Dtype::F32, vec![64, 64], &query_bytes).unwrap()),
        (names[1], Given::new(Dtype::F32, vec![64], &norm_bytes).unwrap()),
        (names[2], Given::new(Dtype::BF16, vec![64, 96], &down).unwrap()),
    ];
    let file = safetensors::serialize(tensors, None::<HashMap<String, String>>).unwrap();
    fs::write(folder.join(shards::SINGLE_FILE), file).unwrap();
    merge(&Source::open(&folder).unwrap(), &config, std::slice::from_ref(&lora), &out).unwrap();

    assert_eq!(fs::read_to_string(out.join("config.json")).unwrap(), "{}");
    let merged = SafetensorsFiles::open(&out).unwrap();
    let values = |name: &str| merged.find_tensor(name).unwrap().to_f32().unwrap();
    assert_near(&values(names[0]), &plus(&query, &product(&lora, 1, Projection::Q)), 1e-5);
    assert_eq!(values(names[1]), norm);
    assert_eq!(merged.find_tensor(names[2]).unwrap().info.tensor_type, TensorType::Bf16);
    let expected = plus(&numbers(64 * 96, 0.7), &product(&lora, 2, Projection::Down));
    assert_near(&values(names[2]), &expected, 0.02);
}
