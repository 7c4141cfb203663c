//! Tiny models whose projections are quantized at load, against transformers with weights that went through bitsandbytes' NF4 and
//! the `gguf` package's `Q8_0` (scripts/make-quantized-logits).

use std::path::PathBuf;

use safetensors::SafeTensors;

use super::{
    golden_architectures::{ARCHITECTURES, TOLERANCE, Tiny, largest_difference},
    golden_tests::ids,
};
use crate::{model::golden, settings::Quantize};

#[test]
fn golden_architectures_quantized_at_load_compute_what_the_reference_quantization_gives() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quantized-logits.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let fixture = SafeTensors::deserialize(&bytes).unwrap();
    for architecture in ARCHITECTURES {
        for (quantize, name) in [(Quantize::Nf4, "nf4"), (Quantize::Int8, "int8")] {
            let Some(tiny) = Tiny::safetensors(architecture, quantize) else { return };
            let golden = golden::read(&format!("tiny/{architecture}/expected.json")).unwrap();
            let tensor = fixture.tensor(&format!("{architecture}.{name}")).unwrap();
            let [rows, vocabulary] = tensor.shape()[..] else { panic!("{:?}", tensor.shape()) };
            assert_eq!(rows, golden["input_ids"].as_array().unwrap().len());
            let expected: Vec<f64> =
                tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect();
            for (row, expected) in expected.chunks_exact(vocabulary).enumerate() {
                let logits = tiny.decoder().logits(&ids(&golden["input_ids"][row])).unwrap();
                let difference = largest_difference(logits.last().unwrap(), expected);
                println!("{architecture} in {name}, row {row}: largest difference {difference:.1e}");
                assert!(difference < TOLERANCE, "{architecture} in {name}: {difference}");
            }
        }
    }
}
