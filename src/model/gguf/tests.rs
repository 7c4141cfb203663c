use std::path::Path;

use proptest::prelude::*;

use super::{header::Header, testing::Builder, *};

/// A file with every kind of value and a few tensors.
fn sample() -> Builder {
    Builder::default()
        .text("general.architecture", "llama")
        .u32("n", 7)
        .raw("i", 11, &(-5_i64).to_le_bytes())
        .f32("f", 0.5)
        .boolean("b", true)
        .texts("words", &["a".into(), "ü".into()])
        .i32s("kinds", &[1, -3])
        .floats("norm", &[3], &[1.0, 2.0, 3.0])
        .tensor("matrix", &[2, 64], TensorType::Q8_0, &[1; 4 * 34])
}

fn parse(bytes: &[u8]) -> Result<Header, ModelError> {
    Header::parse(Path::new("a.gguf"), bytes)
}

fn message(bytes: &[u8]) -> String {
    parse(bytes).unwrap_err().to_string()
}

#[test]
fn both_versions_are_read() {
    for version in [2, 3] {
        let header = parse(&sample().bytes(version)).unwrap();
        assert_eq!(header.version, version);
        let m = &header.metadata;
        assert_eq!(m.require_string("general.architecture").unwrap(), "llama");
        assert_eq!(m.require_unsigned("n").unwrap(), 7);
        assert_eq!(m.get("i"), Some(&Value::Signed(-5)));
        assert_eq!(m.require_float("f").unwrap().to_bits(), 0.5_f64.to_bits());
        assert!(m.require_boolean("b").unwrap());
        assert_eq!(m.require_strings("words").unwrap(), ["a", "ü"]);
        assert_eq!(m.require_integers("kinds").unwrap(), [1, -3]);
        assert_eq!(m.unsigned("absent").unwrap(), None);
    }
}

#[test]
fn tensors_come_with_shape_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = sample().open(folder.path());
    let matrix = file.tensor_of_shape("matrix", &[2, 64]).unwrap();
    assert_eq!((matrix.info.rows(), matrix.info.row_len(), matrix.info.row_bytes()), (2, 64, 68));
    assert_eq!(matrix.row(1), Some(&[1; 68][..]));
    assert_eq!(matrix.row(2), None);
    assert_eq!(file.tensor("norm").unwrap().to_f32().unwrap(), [1.0, 2.0, 3.0]);
    let error = file.tensor_of_shape("matrix", &[64, 2]).unwrap_err().to_string();
    assert!(error.contains("matrix") && error.contains("[2, 64]") && error.contains("[64, 2]"), "{error}");
}

#[test]
fn wrong_types_and_absent_keys_are_named() {
    let header = parse(&sample().bytes(3)).unwrap();
    let error = header.metadata.require_unsigned("words").unwrap_err().to_string();
    assert!(error.contains("a.gguf") && error.contains("`words`") && error.contains("an array of strings"), "{error}");
    let error = header.metadata.unsigned("i").unwrap_err().to_string();
    assert!(error.contains("-5"), "{error}");
    assert!(header.metadata.require_string("nothing").unwrap_err().to_string().contains("is missing"));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = sample().bytes(3);
    for len in 0..bytes.len() {
        assert!(parse(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
}

#[test]
fn strangers_are_told_what_they_are() {
    assert!(message(b"PK\x03\x04....................").contains("not a GGUF file"));
    let big_endian = [b"GGUF", &3_u32.to_be_bytes()[..], &[0; 16]].concat();
    assert!(message(&big_endian).contains("big-endian"));
    assert!(message(&sample().bytes(1)).contains("version 1"));
    assert!(message(&sample().bytes(99)).contains("version 99"));
}

#[test]
fn impossible_counts_are_refused_before_anything_is_allocated() {
    for (at, what) in [(8, "number of tensors"), (16, "number of metadata entries")] {
        for count in [u64::MAX, 1 << 40] {
            let mut bytes = sample().bytes(3);
            bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
            let error = message(&bytes);
            assert!(
                error.contains(what) && error.contains(&count.to_string()) && error.contains(&format!("byte {at}")),
                "{error}"
            );
        }
    }
    let array = [&8_u32.to_le_bytes()[..], &(u64::MAX / 2).to_le_bytes()].concat();
    assert!(message(&Builder::default().raw("k", 9, &array).bytes(3)).contains(&(u64::MAX / 2).to_string()));
    let long_string = u64::MAX.to_le_bytes();
    assert!(message(&Builder::default().raw("k", 8, &long_string).bytes(3)).contains(&u64::MAX.to_string()));
}

#[test]
fn broken_metadata_is_refused() {
    let nested = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat();
    for (code, value, expected) in [
        (13, &[0; 8][..], "type 13"),
        (7, &[2], "2 is no boolean"),
        (8, &[2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28], "UTF-8"),
        (9, &nested, "array of arrays"),
        (9, &[77, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], "element type 77"),
    ] {
        let error = message(&Builder::default().raw("key", code, value).bytes(3));
        assert!(error.contains(expected), "{error}");
    }
    assert!(message(&Builder::default().u32("k", 1).u32("k", 2).bytes(3)).contains("`k` is given twice"));
    assert!(message(&Builder::default().u32("general.alignment", 0).bytes(3)).contains("is 0"));
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let q4 = TensorType::Q4_0.code();
    for (builder, expected) in [
        (Builder::default().tensor_entry("t", &[4, 33], q4, 0), "rows of 33"),
        (Builder::default().tensor_entry("t", &[u64::MAX / 64, 64], q4, 0), "too large"),
        (Builder::default().tensor_entry("t", &[1 << 40, 1 << 40], 0, 0), "too large"),
        (Builder::default().tensor_entry("t", &[0], 0, 0), "dimension of 0"),
        (Builder::default().tensor_entry("t", &[], 0, 0), "0 dimensions"),
        (Builder::default().tensor_entry("t", &[1; 5], 0, 0), "5 dimensions"),
        (Builder::default().tensor_entry("t", &[256], 10, 0), "Q2_K"),
        (
            Builder::default().tensor_entry("t", &[4, 64], 12, 0),
            "rows of 64 elements, but Q4_K needs a multiple of 256",
        ),
        (Builder::default().tensor_entry("t", &[8], 0, 0), "ends beyond"),
        (Builder::default().tensor_entry("t", &[8], 0, u64::MAX - 31), "ends beyond"),
        (Builder::default().tensor_entry("t", &[8], 0, 3), "not a multiple of 32"),
        (Builder::default().floats("t", &[8], &[0.0; 8]).floats("t", &[8], &[0.0; 8]), "listed twice"),
        (Builder::default().floats("t", &[16], &[0.0; 16]).tensor_entry("u", &[1], 0, 32), "overlap"),
    ] {
        let error = message(&builder.bytes(3));
        assert!(error.contains(expected) && error.contains("a.gguf"), "{error}");
    }
}

#[test]
fn files_that_cannot_be_mapped_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("absent.gguf"), folder.path().to_owned()] {
        let error = GgufFile::open(&path).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
    let empty = folder.path().join("empty.gguf");
    std::fs::write(&empty, "").unwrap();
    assert!(GgufFile::open(&empty).err().unwrap().to_string().contains("empty.gguf"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Whatever bytes are overwritten: an error or a header whose tensors lie within the file, never a panic.
    #[test]
    fn damaged_files_never_panic(edits in prop::collection::vec((0_usize..700, any::<u8>()), 1..6)) {
        let mut bytes = sample().bytes(3);
        for (at, value) in edits {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if let Ok(header) = parse(&bytes) {
            for info in &header.tensors {
                prop_assert!(info.offset as usize + info.byte_len() <= bytes.len());
            }
        }
    }
}

#[test]
fn smollm2_is_what_it_is() {
    let Some(path) = testing::smollm2() else { return };
    let file = GgufFile::open(&path).unwrap();
    let count = |t| file.tensors().iter().filter(|info| info.tensor_type == t).count();
    assert_eq!((file.version(), file.tensors().len()), (3, 272));
    assert_eq!((count(TensorType::Q4_1), count(TensorType::F32), count(TensorType::Q8_0)), (210, 61, 1));
    let norm = file.tensor("output_norm.weight").unwrap().to_f32().unwrap();
    assert!(norm.iter().all(|v| v.is_finite() && v.abs() < 100.0), "{norm:?}");
}
