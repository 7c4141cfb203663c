//! Any bytes as `tokenizer.json` and, behind the first zero byte, as `tokenizer_config.json`: no panic; a tokenizer or an error.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use sqlr1_tui::model::{ChatMessage, Tokenizer};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("sqlr1-fuzz-tokenizer-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the files");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::write(FOLDER.join(name), parts.next().unwrap_or(b"{}")).expect("room for the files");
    }
    let Ok(tokenizer) = Tokenizer::from_hugging_face(&FOLDER) else { return };
    if let Ok(ids) = tokenizer.encode("SELECT a, 'é'\n FROM t1 </s>") {
        assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocab_size()), "{ids:?}");
        let _ = tokenizer.decode(&ids);
    }
    let _ = tokenizer.chat_prompt(&[ChatMessage::user("Q")], true);
    let _ = tokenizer.spellings();
});
