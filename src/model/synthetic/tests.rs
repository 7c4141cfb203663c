use super::*;
use crate::model::{AdapterSet, PackedGroup};

#[test]
fn shapes_have_as_many_parameters_as_their_models() {
    for (name, expected) in [
        ("qwen2.5-coder-7b", 7_615_616_512),
        ("codellama-7b", 6_738_546_688),
        ("qwen2.5-coder-0.5b", 494_032_768),
        ("smollm2-135m", 134_515_008),
    ] {
        assert_eq!(parameters(&shape(name).unwrap()), expected, "{name}");
    }
    assert!(shape("gpt-5").is_none());
}

#[test]
fn four_bit_weights_of_a_7b_take_four_to_seven_gigabytes() {
    for name in ["qwen2.5-coder-7b", "codellama-7b"] {
        let config = shape(name).unwrap();
        let [nf4, q4] = [Format::Nf4, Format::Q4].map(|format| weight_bytes(&config, format) as f64 / 1e9);
        assert!((3.4..5.2).contains(&nf4) && (4.9..6.5).contains(&q4) && nf4 < q4, "{name}: {nf4} {q4}");
    }
}

#[test]
fn a_synthetic_model_computes_finite_numbers_and_is_the_same_each_time() {
    let device = crate::model::testing::device();
    let group = PackedGroup { prompt: vec![5, 300, 7, 9], completions: vec![vec![1, 2, 319], vec![4, 4]] };
    for format in [Format::Nf4, Format::Q4] {
        let model = Model::synthetic("tiny", format, 3, &device).unwrap();
        assert_eq!(model.weights.bytes(), weight_bytes(&model.config, format), "{format:?}");
        assert_eq!(model.summary().parameters, parameters(&model.config));
        let scores = model.decoder().score(None::<&AdapterSet>, &group, 1.0).unwrap();
        let all: Vec<f32> = scores.logprobs.concat();
        assert!(all.len() == 5 && all.iter().all(|p| p.is_finite() && *p < 0.0 && *p > -40.0), "{all:?}");
        let again = Model::synthetic("tiny", format, 3, &device).unwrap();
        assert_eq!(again.decoder().score(None::<&AdapterSet>, &group, 1.0).unwrap(), scores);
    }
}

#[test]
fn an_unknown_name_lists_those_there_are() {
    let error = Model::synthetic("gpt-5", Format::Nf4, 1, &Device::flex()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("gpt-5") && error.to_string().contains("codellama-7b"), "{error}");
}
