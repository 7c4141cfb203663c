//! GGUF's names of tensors and Hugging Face's, in one table.
//!
//! GGUF's are llama.cpp's (`gguf-py`'s `constants.py`), Hugging Face's those of the decoders in `transformers` that call
//! their parts as Llama's does.

/// Tensors outside the layers: GGUF's name, Hugging Face's.
const WHOLE: [(&str, &str); 3] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];

/// Parts of a layer, without `.weight` or `.bias`.
const PARTS: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// Hugging Face's name of the tensor that GGUF calls `name`, as in `blk.3.attn_q.weight`.
pub fn to_hugging_face(name: &str) -> Option<String> {
    if let Some((_, theirs)) = WHOLE.iter().find(|(ours, _)| *ours == name) {
        return Some((*theirs).to_owned());
    }
    let (layer, rest) = layer_and_rest(name.strip_prefix("blk.")?)?;
    let (part, kind) = part_and_kind(rest)?;
    let (_, theirs) = PARTS.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("model.layers.{layer}.{theirs}.{kind}"))
}

/// GGUF's name of the tensor that Hugging Face calls `name`, as in `model.layers.3.self_attn.q_proj.weight`.
pub fn to_gguf(name: &str) -> Option<String> {
    if let Some((ours, _)) = WHOLE.iter().find(|(_, theirs)| *theirs == name) {
        return Some((*ours).to_owned());
    }
    let (layer, rest) = layer_and_rest(name.strip_prefix("model.layers.")?)?;
    let (part, kind) = part_and_kind(rest)?;
    let (ours, _) = PARTS.iter().find(|(_, theirs)| *theirs == part)?;
    Some(format!("blk.{layer}.{ours}.{kind}"))
}

/// `3.attn_q.weight` → 3 and `attn_q.weight`.
fn layer_and_rest(text: &str) -> Option<(usize, &str)> {
    let (layer, rest) = text.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    // One spelling of a number only, or two names would mean one tensor.
    (number.to_string() == layer).then_some((number, rest))
}

fn part_and_kind(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('.').filter(|(_, kind)| matches!(*kind, "weight" | "bias"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_translate_both_ways() {
        for (ours, theirs) in [
            ("token_embd.weight", "model.embed_tokens.weight"),
            ("output.weight", "lm_head.weight"),
            ("blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"),
            ("blk.31.attn_k.bias", "model.layers.31.self_attn.k_proj.bias"),
            ("blk.7.attn_q_norm.weight", "model.layers.7.self_attn.q_norm.weight"),
            ("blk.7.ffn_norm.weight", "model.layers.7.post_attention_layernorm.weight"),
            ("blk.2.ffn_down.weight", "model.layers.2.mlp.down_proj.weight"),
        ] {
            assert_eq!(to_hugging_face(ours).as_deref(), Some(theirs));
            assert_eq!(to_gguf(theirs).as_deref(), Some(ours));
        }
    }

    #[test]
    fn no_part_is_listed_twice() {
        for (ours, theirs) in PARTS {
            assert_eq!(PARTS.iter().filter(|(o, t)| *o == ours || *t == theirs).count(), 1, "{ours} {theirs}");
        }
    }

    #[test]
    fn other_names_mean_nothing() {
        for name in ["blk.x.attn_q.weight", "blk.01.attn_q.weight", "blk.+1.attn_q.weight", "blk.1.attn_q", "x", ""] {
            assert_eq!(to_hugging_face(name), None, "{name}");
        }
        for name in ["model.layers.1.self_attn.rotary_emb.inv_freq", "model.layers..mlp.up_proj.weight", "lm_head"] {
            assert_eq!(to_gguf(name), None, "{name}");
        }
    }
}
