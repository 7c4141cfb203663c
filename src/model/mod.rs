//! The language model: GGUF files, tokenizer, decoder, adapters, generation.
