//! Safetensors as sources: whole, in shards, and damaged.

use std::{collections::HashMap, fs};

use safetensors::{Dtype, tensor::TensorView as Given};

use super::*;
use crate::model::gguf::TensorType;

/// A file with the named tensors of these shapes; element i of each is `first + i`.
fn write(path: &Path, tensors: &[(&str, &[usize], f32)]) {
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape, first)| {
            (0..shape.iter().product()).flat_map(|i: usize| (first + i as f32).to_le_bytes()).collect()
        })
        .collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((name, shape, _), data)| (*name, Given::new(Dtype::F32, shape.to_vec(), data).unwrap()));
    fs::write(path, safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()).unwrap();
}

const NORM: &str = "model.norm.weight";
const QUERY: &str = "model.layers.0.self_attn.q_proj.weight";

fn index(folder: &Path, map: &[(&str, &str)]) {
    let map: HashMap<_, _> = map.iter().copied().collect();
    let text = serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string();
    fs::write(folder.join(shards::INDEX_FILE), text).unwrap();
}

fn failure(path: &Path) -> String {
    Source::open(path).err().map(|e| e.to_string()).unwrap()
}

#[test]
fn tensors_are_found_by_their_gguf_names_in_files_and_shards() {
    let folder = tempfile::tempdir().unwrap();
    let single = folder.path().join(shards::SINGLE_FILE);
    write(&single, &[(NORM, &[2], 1.0), (QUERY, &[2, 3], 10.0)]);
    let sharded = tempfile::tempdir().unwrap();
    write(&sharded.path().join("a.safetensors"), &[(QUERY, &[2, 3], 10.0)]);
    write(&sharded.path().join("b.safetensors"), &[(NORM, &[2], 1.0)]);
    index(sharded.path(), &[(NORM, "b.safetensors"), (QUERY, "a.safetensors")]);
    for path in [single.as_path(), folder.path(), sharded.path()] {
        let source = Source::open(path).unwrap();
        assert_eq!(source.tensors().len(), 2);
        assert!(source.tensors().iter().all(|t| t.tensor_type == TensorType::F32));
        assert_eq!(source.find_tensor("output_norm.weight").unwrap().to_f32().unwrap(), [1.0, 2.0]);
        let query = source.tensor_of_shape("blk.0.attn_q.weight", &[2, 3]).unwrap();
        assert_eq!(query.to_f32().unwrap(), [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
        assert!(source.find_tensor("blk.1.attn_q.weight").is_none());
        let error = source.tensor_of_shape("blk.0.attn_q.weight", &[3, 2]).unwrap_err().to_string();
        assert!(error.contains(QUERY) && error.contains("config.json asks for [3, 2]"), "{error}");
    }
}

#[test]
fn an_index_that_does_not_fit_its_shards_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(&path.join("a.safetensors"), &[(QUERY, &[2, 3], 10.0)]);
    write(&path.join("b.safetensors"), &[(NORM, &[2], 1.0), (QUERY, &[1], 0.0)]);
    for (map, expected) in [
        (vec![(NORM, "a.safetensors")], "says that `model.norm.weight` is in `a.safetensors`, but it is not"),
        (vec![(QUERY, "a.safetensors"), (NORM, "b.safetensors")], "is in another file"),
        (vec![(QUERY, "c.safetensors")], "c.safetensors"),
        (vec![(QUERY, "../a.safetensors")], "`../a.safetensors`, which is not in its folder"),
        (vec![(QUERY, "/etc/passwd")], "not in its folder"),
    ] {
        index(path, &map);
        let error = failure(path);
        assert!(error.contains(expected), "{error}");
    }
    for text in ["", "{", "[]", r#"{"weight_map": {"a": 1}}"#, "{}"] {
        fs::write(path.join(shards::INDEX_FILE), text).unwrap();
        assert!(failure(path).contains("is no index of safetensors"), "{text}");
    }
}

/// A file with this header and so many bytes of data.
fn raw(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

fn entry(dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

#[test]
fn hostile_headers_are_refused() {
    let parse = |bytes: &[u8]| super::shards::parse(Path::new("m.safetensors"), bytes);
    assert_eq!(parse(&raw(&entry("F32", "[2]", "[0,8]"), 8)).unwrap().len(), 1);
    let corrupt = "truncated or corrupt";
    for (bytes, expected) in [
        (vec![], corrupt),
        (vec![1, 2, 3], corrupt),
        (u64::MAX.to_le_bytes().to_vec(), corrupt),
        ([&(1_u64 << 40).to_le_bytes()[..], b"{}"].concat(), corrupt),
        (raw("{", 0), corrupt),
        (raw("\u{0}", 0), corrupt),
        ([&2_u64.to_le_bytes()[..], &[0xff, 0xfe]].concat(), corrupt),
        (raw(&entry("F32", "[2]", "[0,8]"), 7), corrupt),
        (raw(&entry("F32", "[2]", "[0,8]"), 9), corrupt),
        (raw(&entry("F32", "[2]", "[0,4]"), 4), corrupt),
        (raw(&entry("F32", "[2]", "[8,0]"), 8), corrupt),
        (raw(&entry("F32", "[2]", "[4,12]"), 12), corrupt),
        (raw(&entry("F32", "[2]", "[0,18446744073709551615]"), 8), corrupt),
        (raw(&entry("F32", "[4294967296,4294967296]", "[0,8]"), 8), corrupt),
        (raw(&entry("F32", "[18446744073709551615,2]", "[0,8]"), 8), corrupt),
        (raw(&entry("F32", "[-1]", "[0,8]"), 8), corrupt),
        (raw(&entry("X9", "[2]", "[0,8]"), 8), corrupt),
        (raw(&entry("U8", "[8]", "[0,8]"), 8), "U8 of tensor `t` is not supported; use a model whose weights are F32"),
        (raw(&entry("F32", "[0]", "[0,0]"), 0), "shape [0]"),
        (raw(&entry("F32", "[]", "[0,4]"), 4), "shape []"),
    ] {
        let error = parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("m.safetensors"), "{error}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    write(&path, &[(NORM, &[2], 1.0), (QUERY, &[2, 3], 10.0)]);
    let bytes = fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        assert!(super::shards::parse(&path, &bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(failure(folder.path()).contains(shards::SINGLE_FILE));
    let file = folder.path().join("none.safetensors");
    assert!(failure(&file).contains("none.safetensors"));
    assert!(failure(&folder.path().join("none.gguf")).contains("none.gguf"));
}
