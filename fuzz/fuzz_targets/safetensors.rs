//! Any bytes as a safetensors file: no panic; tensors within the file.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sqlr1_tui::model::source::shards;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tensors) = shards::parse(Path::new("fuzz.safetensors"), bytes) else { return };
    for info in tensors {
        let end = usize::try_from(info.offset).ok().and_then(|start| start.checked_add(info.byte_len()));
        assert!(end.is_some_and(|end| end <= bytes.len()), "{info:?}");
    }
});
