//! Any bytes as a GGUF file: no panic; tensors within the file; a tokenizer or an error from its metadata.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sqlr1_tui::model::{ModelConfig, Tokenizer, gguf::GgufFile};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = GgufFile::from_bytes(Path::new("fuzz.gguf"), bytes.to_vec()) else { return };
    for info in file.tensors() {
        let view = file.tensor(&info.name).expect("a tensor of the list");
        assert_eq!(view.bytes.len(), info.byte_len());
        assert_eq!(view.to_f32().expect("as many bytes as elements").len(), info.elements());
    }
    let _ = ModelConfig::from_gguf(&file);
    if let Ok(tokenizer) = Tokenizer::from_gguf(&file) {
        let _ = tokenizer.encode("SELECT 1 é");
    }
});
