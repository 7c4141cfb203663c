//! Kernels against plain operations, and backward passes against burn's autodiff over the plain forward passes.

use std::sync::Arc;

use burn::tensor::{Device, Distribution, Tensor};

use super::*;

/// Rows of 96 and 72 floats and the like, between which an allocator may leave gaps.
const HEADS: Heads = Heads { q: 6, kv: 2, dim: 24 };

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let device = Device::flex();
    device.seed(seed);
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device).to_device(&crate::model::testing::device())
}

/// On the CPU, where plain operations are computed with all of float32, whatever products a GPU chooses.
fn cpu<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
    tensor.clone().to_device(&Device::flex())
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.try_to_vec_as().unwrap()
}

/// Largest difference relative to the largest value.
fn difference<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (values(a), values(b));
    if !crate::model::testing::computes() {
        return 0.0;
    }
    assert!(a.iter().chain(&b).all(|v| v.is_finite()), "values are not finite");
    let largest = b.iter().fold(1e-9_f32, |m, v| m.max(v.abs()));
    a.iter().zip(&b).fold(0.0_f32, |m, (x, y)| m.max((x - y).abs())) / largest
}

fn assert_close<const D: usize>(a: &Tensor<D>, b: &Tensor<D>, what: &str) {
    let difference = difference(a, b);
    // Exponentials and quotients of GPUs are a few units less exact than those of a CPU.
    let allowed = if matches!(a.device().as_dispatch(), DispatchDevice::Flex(_)) { 5e-6 } else { 5e-5 };
    assert!(difference < allowed, "{what}: relative difference {difference}");
}

/// The gradient of `input` through `forward`, by autodiff on the CPU, when the output's gradient is `g`.
fn autodiff(input: &Tensor<2>, g: &Tensor<2>, forward: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let input = Tensor::<2>::from_inner(cpu(input)).require_grad();
    let loss = (forward(input.clone()) * Tensor::from_inner(cpu(g))).sum();
    input.grad(&loss.backward()).unwrap()
}

fn segments() -> Arc<Segments> {
    Arc::new(Segments { prompt: 70, completions: vec![5, 1, 0, 67, 20] })
}

fn rotation(rows: usize) -> Rotation {
    Rotation { cos: random([rows, HEADS.dim / 2], 8).cos(), sin: random([rows, HEADS.dim / 2], 8).sin() }
}

#[test]
fn rms_norm_equals_plain_and_autodiff() {
    let (x, g, weight) = (random([37, 72], 1), random([37, 72], 2), random([72], 3));
    assert_close(&rms_norm(x.clone(), &weight, 1e-5), &plain::rms_norm(cpu(&x), &cpu(&weight), 1e-5), "forward");
    let expected = autodiff(&x, &g, |x| plain::rms_norm(x, &Tensor::from_inner(cpu(&weight)), 1e-5));
    let fused = rms_norm_backward(g.clone(), x.clone(), &weight, 1e-5);
    assert_close(&fused, &expected, "backward");
    assert_close(&plain::rms_norm_backward(cpu(&g), cpu(&x), &cpu(&weight), 1e-5), &expected, "plain backward");
}

#[test]
fn swiglu_equals_plain_and_autodiff() {
    let (x, g) = (random([9, 2 * 50], 1) * 4.0, random([9, 50], 2));
    assert_close(&swiglu(x.clone()), &plain::swiglu(cpu(&x)), "forward");
    let expected = autodiff(&x, &g, plain::swiglu);
    assert_close(&swiglu_backward(g.clone(), x.clone()), &expected, "backward");
    assert_close(&plain::swiglu_backward(cpu(&g), cpu(&x)), &expected, "plain backward");
}

#[test]
fn rope_equals_plain_and_its_inverse_is_its_gradient() {
    let (x, g) = (random([11, HEADS.qkv_width()], 1), random([11, HEADS.qkv_width()], 2));
    let rotation = rotation(11);
    let there = Rotation { cos: cpu(&rotation.cos), sin: cpu(&rotation.sin) };
    assert_close(&rope(x.clone(), &rotation, HEADS, false), &plain::rope(cpu(&x), &there, HEADS, false), "there");
    let inner = Rotation { cos: Tensor::from_inner(there.cos), sin: Tensor::from_inner(there.sin) };
    let expected = autodiff(&x, &g, |x| plain::rope(x, &inner, HEADS, false));
    assert_close(&rope(g, &rotation, HEADS, true), &expected, "back");
}

#[test]
fn kernels_leave_shared_inputs_alone() {
    let x = random([11, HEADS.qkv_width()], 1);
    let before = values(&x);
    let _ = rope(x.clone(), &rotation(11), HEADS, false);
    let _ = swiglu_backward(random([11, HEADS.qkv_width() / 2], 2), x.clone());
    let _ = rms_norm_backward(x.clone(), x.clone(), &random([HEADS.qkv_width()], 3), 1e-5);
    assert_eq!(values(&x), before);
}

#[test]
fn attention_equals_plain_and_autodiff() {
    let segments = segments();
    let (x, g) = (random([segments.rows(), HEADS.qkv_width()], 1), random([segments.rows(), HEADS.q_width()], 2));
    let (out, log_sums) = attention(x.clone(), HEADS, &segments);
    let (plain_out, plain_sums) = plain::attention(cpu(&x), HEADS, &segments);
    assert_close(&out, &plain_out, "output");
    assert_close(&log_sums, &plain_sums, "log sums");
    let expected = autodiff(&x, &g, |x| plain::attention(x, HEADS, &segments).0);
    let plainly = AttentionRecord { qkv: cpu(&x), out: plain_out, log_sums: plain_sums };
    assert_close(&plain::attention_backward(cpu(&g), plainly, HEADS, &segments), &expected, "plain backward");
    let record = AttentionRecord { qkv: x, out, log_sums };
    assert_close(&attention_backward(g, record, HEADS, &segments), &expected, "backward");
}

#[test]
fn completions_do_not_see_each_other() {
    let segments = Arc::new(Segments { prompt: 3, completions: vec![2, 2] });
    let x = random([7, HEADS.qkv_width()], 1);
    let other =
        Tensor::cat(vec![x.clone().narrow(0, 0, 3), random([2, HEADS.qkv_width()], 9), x.clone().narrow(0, 5, 2)], 0);
    let (a, _) = attention(x, HEADS, &segments);
    let (b, _) = attention(other, HEADS, &segments);
    assert_eq!(values(&a.clone().narrow(0, 5, 2)), values(&b.clone().narrow(0, 5, 2)));
    assert_ne!(values(&a.narrow(0, 3, 2)), values(&b.narrow(0, 3, 2)));
}

#[test]
fn cached_attention_equals_plain_and_the_packed_form() {
    let (prompt, own) = (random([9, HEADS.qkv_width()], 1), random([4, HEADS.qkv_width()], 2));
    let kv = |x: &Tensor<2>| x.clone().narrow(1, HEADS.q_width(), HEADS.kv_width());
    let prompts = Tensor::cat(vec![random([5, HEADS.kv_width()], 3), kv(&prompt)], 0);
    let cache = Tensor::cat(
        vec![random([2, HEADS.kv_width()], 4), kv(&own).narrow(0, 0, 3), random([3, HEADS.kv_width()], 5)],
        0,
    );
    let row = CacheRow { prompt_start: 5, prompt_rows: 9, own_start: 2, own_rows: 3 };
    let other = CacheRow { prompt_start: 0, prompt_rows: 5, own_start: 6, own_rows: 1 };
    let new = Tensor::cat(vec![own.clone().narrow(0, 3, 1), random([1, HEADS.qkv_width()], 6)], 0);
    // Three rows of one prompt, of different lengths, around one of another prompt.
    let more = [CacheRow { own_start: 8, own_rows: 0, ..row }, CacheRow { own_start: 9, own_rows: 5, ..row }];
    let new = Tensor::cat(vec![new, random([2, HEADS.qkv_width()], 7)], 0);
    let cache = Tensor::cat(vec![cache, random([8, HEADS.kv_width()], 8)], 0);
    let rows = Arc::new(vec![row, other, more[0], more[1]]);
    let (plain_out, plain_sums, plain_cache) =
        plain::cached_attention(cpu(&new), &cpu(&prompts), cpu(&cache), HEADS, &rows);
    // Written in place, and into a copy while the test holds the cache.
    let held = cache.clone();
    let (_, _, copied) = cached_attention(new.clone(), &prompts, cache, HEADS, &rows);
    assert_eq!(values(&copied), values(&plain_cache));
    let (out, log_sums, cache_after) = cached_attention(new, &prompts, held, HEADS, &rows);
    assert_close(&out, &plain_out, "output");
    assert_close(&log_sums, &plain_sums, "log sums");
    assert_eq!(values(&cache_after), values(&plain_cache));
    let segments = Arc::new(Segments { prompt: 9, completions: vec![4] });
    let (packed, packed_sums) = attention(Tensor::cat(vec![prompt, own], 0), HEADS, &segments);
    assert_close(&log_sums.narrow(0, 0, 1), &packed_sums.narrow(0, 12, 1), "log sums against the packed form");
    assert_close(&out.narrow(0, 0, 1), &packed.narrow(0, 12, 1), "against the packed form");
}

#[test]
fn head_operations_equal_plain_and_autodiff() {
    let logits = random([5, 77], 1) * 3.0;
    let (log_sums, entropies) = logit_statistics(logits.clone());
    let (plain_sums, plain_entropies) = plain::logit_statistics(cpu(&logits));
    assert_close(&log_sums, &plain_sums, "log sums");
    assert_close(&entropies, &plain_entropies, "entropies");
    let tokens: Vec<HeadToken> =
        [(0, 3), (0, 76), (2, 0), (4, 11), (0, 3)].map(|(row, id)| HeadToken { row, id }).to_vec();
    let grads = vec![0.5, -1.0, 2.0, 0.25, 0.125];
    let mut one_hot = vec![0.0; 5 * 77];
    for (token, grad) in tokens.iter().zip(&grads) {
        one_hot[token.row * 77 + token.id] += grad;
    }
    let g = Tensor::<2>::from_data(burn::tensor::TensorData::new(one_hot, [5, 77]), &Device::flex());
    let expected = autodiff(&logits, &g, |x| burn::tensor::activation::log_softmax(x, 1));
    let (tokens, grads) = (Arc::new(tokens), Arc::new(grads));
    assert_close(&logits_backward(logits.clone(), log_sums.clone(), &tokens, &grads), &expected, "backward");
    assert_close(&plain::logits_backward(cpu(&logits), cpu(&log_sums), &tokens, &grads), &expected, "plain backward");
}

#[test]
fn adapters_equal_plain_and_autodiff() {
    // 72 floats a row: not what an allocator rounds rows up to.
    let layout = Arc::new(AdapterLayout { r: 4, scale: 2.0, widths: vec![40, 8, 24] });
    let (a, b) = (random([12, 20], 1), random([72, 4], 2));
    let flip = |b: &Tensor<2>| b.clone().transpose() * 2.0;
    for m in [3, 40] {
        let (x, y, g) = (random([m, 20], 3), random([m, 72], 4), random([m, 72], 5));
        let expected = plain::add_adapter(cpu(&y), cpu(&x), &cpu(&a), &flip(&cpu(&b)), &layout);
        // `y` is held, so that a copy is written.
        assert_close(&add_adapter(y.clone(), x.clone(), &a, &flip(&b), &layout), &expected, "forward");
        let lifted = product(x.clone(), a.clone().transpose());
        assert_close(&lifted, &cpu(&x).matmul(cpu(&a).transpose()), "product");
        let outer = |t: &Tensor<2>| Tensor::<2>::from_inner(cpu(t));
        let b_expected = autodiff(&b, &g, |b| plain::add_adapter(outer(&y), outer(&x), &outer(&a), &flip(&b), &layout));
        assert_close(&adapter_b_grad(g.clone(), lifted, &layout), &b_expected, "B");
        let x_expected = autodiff(&x, &g, |x| plain::add_adapter(outer(&y), x, &outer(&a), &flip(&outer(&b)), &layout));
        assert_close(&product(reduce_adapter(g, &flip(&b), &layout), a.clone()), &x_expected, "input");
    }
}

/// A matrix of any bits, with scales of about 0.001 (float16 0x14xx); floats are of about that size, too.
fn any_matrix(format: crate::model::gguf::TensorType, rows: usize, cols: usize) -> PackedMatrix {
    use crate::model::gguf::TensorType as T;
    let size = format.block_bytes();
    let byte = |i: usize| match (format, i % size) {
        (T::F32, 3) | (T::Bf16, 1) => 0x3b,
        (T::F16, 1) | (T::Q6K, 209) => 0x14,
        (T::Q6K | T::F32 | T::F16 | T::Bf16, j) => (i * 7 + j * 13) as u8,
        (_, 1 | 3) => 0x14,
        (_, j) => (i * 7 + j * 13) as u8,
    };
    let bytes: Vec<u8> = (0..rows * (cols / format.block_len()) * size).map(byte).collect();
    PackedMatrix::from_blocks(format, rows, cols, &bytes, &crate::model::testing::device()).unwrap()
}

/// One matrix of each format, `[40, 256]`, and NF4.
fn every_format() -> Vec<(&'static str, PackedMatrix)> {
    use crate::model::gguf::TensorType;
    let all = TensorType::ALL.map(|format| (format.name(), any_matrix(format, 40, 256)));
    let weights: Vec<f32> = (0..40 * 256).map(|i| (i as f32 * 0.37).sin() * (i as f32 * 0.001).cos()).collect();
    let nf4 = ("NF4", PackedMatrix::to_nf4(40, 256, &weights, &crate::model::testing::device()).unwrap());
    all.into_iter().chain([nf4]).collect()
}

#[test]
fn products_equal_plain_ones_in_every_format() {
    for (name, weight) in every_format() {
        for m in [3, 40] {
            let (x, g) = (random([m, 256], 1), random([m, 40], 2));
            let dense = cpu(&weight.dequantize());
            assert_close(&matmul(x.clone(), &weight), &cpu(&x).matmul(dense.clone().transpose()), name);
            assert_close(&matmul_transposed(g.clone(), &weight), &cpu(&g).matmul(dense), name);
        }
    }
}

#[test]
fn gathered_rows_equal_plain_ones() {
    for (name, weight) in every_format() {
        let ids = burn::tensor::Tensor::from_data(
            TensorData::new(vec![8_i64, 0, 3, 3], [4]),
            &crate::model::testing::device(),
        );
        assert_close(&gather(&weight, &[8, 0, 3, 3], DType::F32), &weight.gather_rows(ids), name);
    }
    let dense = PackedMatrix::from_tensor(random([5, 7], 1));
    assert_eq!(
        values(&gather(&dense, &[4, 1], DType::F32)),
        values(&dense.dequantize().select(0, Tensor::from_ints([4, 1], &crate::model::testing::device())))
    );
}
