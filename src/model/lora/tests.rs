use std::{collections::HashMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::*;
use crate::model::{Biases, RopeScaling};

fn config() -> ModelConfig {
    ModelConfig {
        architecture: "llama".into(),
        vocab_size: 16,
        hidden_size: 12,
        intermediate_size: 20,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 4,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 64,
        sliding_window: None,
        biases: Biases::default(),
        query_key_norm: false,
        tie_word_embeddings: true,
        rope_interleaved: true,
    }
}

fn settings(r: usize, targets: &[&str]) -> LoraSettings {
    let target_modules = targets.iter().map(|t| (*t).to_owned()).collect();
    LoraSettings { r, lora_alpha: 16.0, target_modules, ..LoraSettings::default() }
}

fn fresh(r: usize, targets: &[&str], seed: u64) -> Lora {
    Lora::new(&config(), &settings(r, targets), seed, &crate::model::testing::device()).unwrap()
}

fn values(param: &LoraParam) -> Vec<f32> {
    param.value.clone().try_into_vec_as().unwrap()
}

fn load(dir: &Path) -> Result<Lora, String> {
    Lora::load(dir, &config(), &crate::model::testing::device()).map_err(|e| e.to_string())
}

/// A saved adapter of rank 2 on q and down.
fn saved() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fresh(2, &["q_proj", "down_proj"], 1).save(dir.path(), "base").unwrap();
    dir
}

/// Replaces one entry of a saved adapter's configuration.
fn edit_config(dir: &Path, key: &str, value: serde_json::Value) {
    let path = dir.join("adapter_config.json");
    let mut config: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    config[key] = value;
    fs::write(path, config.to_string()).unwrap();
}

/// Writes a saved adapter's tensors anew, as `change` gives them back from name, shape and bytes.
fn edit_tensors(dir: &Path, change: impl Fn(&str, Vec<usize>, Vec<u8>) -> Vec<(String, Dtype, Vec<usize>, Vec<u8>)>) {
    let path = dir.join("adapter_model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let changed: Vec<_> =
        tensors.iter().flat_map(|(name, t)| change(name, t.shape().to_vec(), t.data().to_vec())).collect();
    let views = changed.iter().map(|(n, d, s, b)| (n.clone(), TensorView::new(*d, s.clone(), b).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn order_and_shapes_are_pefts() {
    // Named out of order and twice.
    let lora = fresh(2, &["down_proj", "q_proj", "q_proj"], 1);
    let found: Vec<_> = lora.params.iter().take(5).map(|p| (p.name.as_str(), p.value.dims())).collect();
    let expected = [
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [2, 12]),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", [16, 2]),
        ("base_model.model.model.layers.0.mlp.down_proj.lora_A.weight", [2, 20]),
        ("base_model.model.model.layers.0.mlp.down_proj.lora_B.weight", [12, 2]),
        ("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight", [2, 12]),
    ];
    assert_eq!(found, expected);
    assert_eq!((lora.params.len(), lora.scale), (12, 8.0));
    assert_eq!(lora.parameters(), 3 * (24 + 32 + 40 + 24));
    assert_eq!(lora.position(2, Projection::Down), Some(10));
    assert_eq!((lora.position(0, Projection::K), lora.position(3, Projection::Q)), (None, None));
    assert_eq!(lora.pair(1, Projection::Down).unwrap().1.dims(), [12, 2]);
}

#[test]
fn a_fresh_adapter_is_uniform_times_zero() {
    let lora = fresh(64, &["all-linear"], 7);
    for param in &lora.params {
        let values = values(param);
        if param.name.contains("lora_B") {
            assert!(values.iter().all(|v| *v == 0.0), "{}", param.name);
            continue;
        }
        let bound = 1.0 / (param.value.dims()[1] as f32).sqrt();
        assert!(values.iter().all(|v| v.abs() <= bound), "{}", param.name);
        // A uniform distribution's variance is bound² / 3; its standard error here is below 5 %.
        let variance = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.2, "{}: {variance}", param.name);
    }
}

#[test]
fn the_seed_and_the_place_alone_decide() {
    let (all, again, other) =
        (fresh(2, &["all-linear"], 7), fresh(2, &["all-linear"], 7), fresh(2, &["all-linear"], 8));
    let down_only = fresh(2, &["down_proj"], 7);
    let a = |lora: &Lora, layer, projection| values(&lora.params[lora.position(layer, projection).unwrap()]);
    assert_eq!(a(&all, 1, Projection::Down), a(&again, 1, Projection::Down));
    assert_eq!(a(&all, 1, Projection::Down), a(&down_only, 1, Projection::Down));
    assert_ne!(a(&all, 1, Projection::Down), a(&other, 1, Projection::Down));
    assert_ne!(a(&all, 1, Projection::Q), a(&all, 1, Projection::K));
    assert_ne!(a(&all, 1, Projection::Q), a(&all, 2, Projection::Q));
}

#[test]
fn settings_that_make_no_adapter_are_refused() {
    let new =
        |s: &LoraSettings| Lora::new(&config(), s, 1, &crate::model::testing::device()).err().unwrap().to_string();
    for (settings, expected) in [
        (settings(0, &["q_proj"]), "`lora.r` is 0"),
        (settings(2, &[]), "`lora.target_modules` is empty"),
        (settings(2, &["q_proj", "lm_head"]), "names `lm_head`; possible are q_proj, k_proj"),
        (LoraSettings { lora_alpha: f64::NAN, ..settings(2, &["q_proj"]) }, "`lora.lora_alpha` is NaN"),
    ] {
        assert!(new(&settings).contains(expected), "{}", new(&settings));
    }
}

#[test]
fn an_adapter_survives_the_disk() {
    let mut lora = fresh(2, &["q_proj", "down_proj"], 1);
    lora.params[1].value = lora.params[1].value.clone() + 0.125;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/folder");
    lora.save(&folder, "HuggingFaceTB/SmolLM2-135M-Instruct").unwrap();
    let back = load(&folder).unwrap();
    for (before, after) in lora.params.iter().zip(&back.params) {
        assert_eq!((&before.name, values(before)), (&after.name, values(after)));
    }
    assert_eq!((back.rank, back.alpha, back.scale, back.targets), (2, 16.0, 8.0, lora.targets));
}

#[test]
fn the_files_are_what_peft_writes() {
    let dir = saved();
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("adapter_config.json")).unwrap()).unwrap();
    assert_eq!(config["peft_type"], "LORA");
    assert_eq!(config["lora_alpha"], serde_json::json!(16));
    assert_eq!(config["target_modules"], serde_json::json!(["q_proj", "down_proj"]));
    assert_eq!(config["modules_to_save"], serde_json::Value::Null);
    let bytes = fs::read(dir.path().join("adapter_model.safetensors")).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata(), &Some(HashMap::from([("format".to_owned(), "pt".to_owned())])));
    assert_eq!(metadata.tensors().len(), 12);
}

#[test]
fn rank_stabilized_adapters_keep_their_scale() {
    let dir = saved();
    edit_config(dir.path(), "use_rslora", true.into());
    let lora = load(dir.path()).unwrap();
    assert_eq!(lora.scale.to_bits(), ((16.0 / 2_f64.sqrt()) as f32).to_bits());
    lora.save(dir.path(), "base").unwrap();
    assert!(load(dir.path()).unwrap().use_rslora);
}

#[test]
fn half_precision_is_widened() {
    let dir = saved();
    edit_tensors(dir.path(), |name, shape, data| {
        let half = data
            .chunks_exact(4)
            .flat_map(|b| half::f16::from_f32(f32::from_le_bytes(b.try_into().unwrap())).to_le_bytes());
        vec![(name.to_owned(), Dtype::F16, shape, half.collect())]
    });
    let (exact, halved) = (fresh(2, &["q_proj", "down_proj"], 1), load(dir.path()).unwrap());
    for (a, b) in values(&exact.params[0]).into_iter().zip(values(&halved.params[0])) {
        assert!((a - b).abs() < 2e-4, "{a} {b}");
    }
}

#[test]
fn configurations_that_mean_something_else_are_refused() {
    for (key, value, expected) in [
        ("peft_type", "IA3".into(), "`peft_type` is \"IA3\""),
        ("use_dora", true.into(), "`use_dora` is true"),
        ("bias", "all".into(), "`bias` is \"all\""),
        ("modules_to_save", serde_json::json!(["lm_head"]), "`modules_to_save` is [\"lm_head\"]"),
        ("rank_pattern", serde_json::json!({"q_proj": 4}), "`rank_pattern`"),
        ("layers_to_transform", serde_json::json!([0]), "`layers_to_transform`"),
        ("r", 0.into(), "`r` is 0"),
        ("lora_alpha", "x".into(), "`lora_alpha` is \"x\""),
        ("target_modules", serde_json::json!(["c_attn"]), "names `c_attn`"),
        ("target_modules", 3.into(), "`target_modules` is 3"),
        ("r", 4.into(), "has shape [2, 12], but rank and model ask for [4, 12]"),
        ("target_modules", serde_json::json!(["q_proj"]), "6 tensors belong to no target"),
        ("target_modules", "all-linear".into(), "30 of the 42 tensors"),
    ] {
        let dir = saved();
        edit_config(dir.path(), key, value);
        let error = load(dir.path()).unwrap_err();
        assert!(error.contains(expected) && error.contains("adapter_"), "{error}");
    }
}

#[test]
fn weights_that_are_damaged_are_refused() {
    let keep = |name: &str, shape: Vec<usize>, data: Vec<u8>| vec![(name.to_owned(), Dtype::F32, shape, data)];
    let partial = saved();
    edit_tensors(partial.path(), |n, s, d| if n.contains("layers.2.mlp") { vec![] } else { keep(n, s, d) });
    assert!(load(partial.path()).unwrap_err().contains("2 of the 12 tensors"));

    let nan = saved();
    edit_tensors(nan.path(), |name, shape, mut data| {
        if name.contains("layers.1.mlp.down_proj.lora_A") {
            data[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        keep(name, shape, data)
    });
    let error = load(nan.path()).unwrap_err();
    assert!(error.contains("layers.1.mlp.down_proj.lora_A") && error.contains("element 2 is NaN"), "{error}");

    let integers = saved();
    edit_tensors(integers.path(), |n, s, d| vec![(n.to_owned(), Dtype::I32, s, d)]);
    assert!(load(integers.path()).unwrap_err().contains("has type I32"));

    let truncated = saved();
    let path = truncated.path().join("adapter_model.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(load(truncated.path()).unwrap_err().contains("adapter_model.safetensors"));
    fs::remove_file(&path).unwrap();
    assert!(load(truncated.path()).unwrap_err().contains("cannot read"));
}

#[test]
fn values_that_are_not_finite_are_not_saved() {
    let mut lora = fresh(2, &["q_proj"], 1);
    lora.params[3].value = lora.params[3].value.clone() * f32::INFINITY;
    let dir = tempfile::tempdir().unwrap();
    let error = lora.save(dir.path(), "base").unwrap_err().to_string();
    assert!(error.contains("layers.1.self_attn.q_proj.lora_B"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn differences_from_the_settings_say_what_to_change() {
    let lora = fresh(2, &["q_proj", "down_proj"], 1);
    let check = |s: &LoraSettings| lora.check_settings(Path::new("a"), s).map_err(|e| e.to_string());
    assert_eq!(check(&settings(2, &["down_proj", "q_proj"])), Ok(()));
    assert!(
        check(&settings(4, &["q_proj"])).unwrap_err().contains("has 2, but the setting `lora.r` is 4; set it to 2")
    );
    let alpha = LoraSettings { lora_alpha: 4.0, ..settings(2, &["q_proj"]) };
    assert!(check(&alpha).unwrap_err().contains("`lora.lora_alpha` is 4; set it to 16"));
    assert!(check(&settings(2, &["q_proj"])).unwrap_err().contains("[q_proj, down_proj]"));
}

#[test]
fn a_rank_stabilized_adapter_is_scaled_by_the_root_of_its_rank() {
    let settings = LoraSettings { use_rslora: true, ..settings(4, &["q_proj"]) };
    let lora = Lora::new(&config(), &settings, 1, &crate::model::testing::device()).unwrap();
    assert!((lora.scale - 8.0).abs() < 1e-6 && lora.use_rslora, "16 / √4");
    let error = lora.check_settings(Path::new("a"), &LoraSettings { use_rslora: false, ..settings }).unwrap_err();
    assert!(error.to_string().contains("lora.use_rslora"), "{error}");
}

/// A random adapter of the tiny model.
pub(super) fn tiny_lora(seed: u64) -> (ModelConfig, Lora) {
    use crate::model::testing::{random_adapters, tiny_config};
    let config = tiny_config();
    let names = ["q_proj", "k_proj", "down_proj"];
    let settings = LoraSettings { use_rslora: true, ..settings(4, &names) };
    let mut lora = Lora::new(&config, &settings, 1, &crate::model::testing::device()).unwrap();
    let values = random_adapters(&config, &names, 4, seed, &crate::model::testing::device());
    for (param, (name, value)) in lora.params.iter_mut().zip(values) {
        assert_eq!(param.name, name);
        param.value = value;
    }
    (config, lora)
}

#[test]
fn a_gguf_adapter_has_llama_cpps_names_scale_and_row_order() {
    use crate::model::gguf::{GgufFile, rope_row_order};
    let (config, lora) = tiny_lora(3);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("adapter.gguf");
    lora.write_gguf(&config, "a", &path).unwrap();
    let file = GgufFile::open(&path).unwrap();
    let text = |key: &str| file.metadata().require_string(key).unwrap().to_owned();
    assert_eq!((text("general.type"), text("adapter.type")), ("adapter".into(), "lora".into()));
    assert_eq!(text("general.architecture"), "llama");
    let alpha = file.metadata().require_float("adapter.lora.alpha").unwrap();
    assert!((alpha / 4.0 - f64::from(lora.scale)).abs() < 1e-6, "alpha over rank is the scale: {alpha}");
    assert_eq!(file.tensors().len(), lora.params.len());
    let values = |name: &str| file.tensor(name).unwrap().to_f32().unwrap();
    let of = |t: &Tensor<2>| t.clone().try_into_vec_as::<f32>().unwrap();
    let (a, b) = lora.pair(1, Projection::K).unwrap();
    assert_eq!(values("blk.1.attn_k.weight.lora_a"), of(a));
    assert_eq!(values("blk.1.attn_k.weight.lora_b"), rope_row_order(&of(b), 4, config.num_key_value_heads));
    let (_, b) = lora.pair(2, Projection::Down).unwrap();
    assert_eq!(file.tensor("blk.2.ffn_down.weight.lora_b").unwrap().info.shape, b.dims());
    assert_eq!(values("blk.2.ffn_down.weight.lora_b"), of(b));
}
