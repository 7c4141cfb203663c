//! Each fused kernel at the shapes of SmolLM2-135M. `cargo bench --bench kernels`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{hint::black_box, sync::Arc, time::Duration};

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sqlr1_tui::model::{
    RopeScaling,
    gguf::TensorType,
    ops::{
        self, AttentionRecord, HeadToken, Rotation,
        layout::{AdapterLayout, CacheRow, Heads, Segments},
    },
    packed::PackedMatrix,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HEADS: Heads = Heads { q: 9, kv: 3, dim: 64 };

fn random(rows: usize, cols: usize) -> Tensor<2> {
    Tensor::random([rows, cols], Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn packed(format: TensorType, rows: usize, cols: usize) -> PackedMatrix {
    // Scales of about 0.001 (float16 0x14xx); codes are whatever the pattern gives.
    let block = |i: usize| {
        (0..format.block_bytes()).map(move |j| if j % 2 == 1 && j < 4 { 0x14 } else { (i * 7 + j * 13) as u8 })
    };
    let bytes: Vec<u8> = (0..rows * cols / 32).flat_map(block).collect();
    PackedMatrix::from_blocks(format, rows, cols, &bytes, &Device::flex()).unwrap()
}

fn matmul(c: &mut Criterion) {
    let shapes = [(TensorType::Q4_1, 3072, 576), (TensorType::Q4_1, 576, 1536), (TensorType::Q8_0, 49_152, 576)];
    for (format, rows, cols) in shapes {
        let weight = packed(format, rows, cols);
        let mut group = c.benchmark_group(format!("matmul {format:?} [{rows}, {cols}]"));
        for m in [1, 8, 16, 32, 64, 128, 654] {
            let x = random(m, cols);
            group.throughput(Throughput::Elements((2 * m * rows * cols) as u64));
            group.bench_with_input(BenchmarkId::from_parameter(m), &x, |b, x| {
                b.iter(|| black_box(ops::matmul(x.clone(), &weight)));
            });
        }
        group.finish();
    }
}

fn matmul_transposed(c: &mut Criterion) {
    for (format, rows, cols) in [(TensorType::Q4_1, 3072, 576), (TensorType::Q8_0, 49_152, 576)] {
        let weight = packed(format, rows, cols);
        let mut group = c.benchmark_group(format!("matmul transposed {format:?} [{rows}, {cols}]"));
        for m in [128, 654] {
            let g = random(m, rows);
            group.throughput(Throughput::Elements((2 * m * rows * cols) as u64));
            group.bench_with_input(BenchmarkId::from_parameter(m), &g, |b, g| {
                b.iter(|| black_box(ops::matmul_transposed(g.clone(), &weight)));
            });
        }
        group.finish();
    }
}

fn gather(c: &mut Criterion) {
    let weight = packed(TensorType::Q4_1, 49_152, 576);
    for count in [8, 654] {
        let ids: Vec<u32> = (0..count).map(|i| i * 7919 % 49_152).collect();
        c.bench_function(&format!("gather embeddings {count}"), |b| {
            b.iter(|| black_box(ops::gather(&weight, &ids, burn::tensor::DType::F32)));
        });
    }
}

fn dense(c: &mut Criterion) {
    let weight = PackedMatrix::from_tensor(random(3072, 576));
    for m in [1, 8, 654] {
        let x = random(m, 576);
        c.bench_function(&format!("dense matmul [3072, 576] {m}"), |b| {
            b.iter(|| black_box(ops::matmul(x.clone(), &weight)));
        });
    }
}

fn adapter(c: &mut Criterion) {
    let layout = Arc::new(AdapterLayout { r: 16, scale: 2.0, widths: vec![1536, 1536] });
    let (a, flipped) = (random(32, 576), random(16, 3072));
    for m in [1, 8, 654] {
        let (x, y) = (random(m, 576), random(m, 3072));
        c.bench_function(&format!("add adapter {m}"), |b| {
            b.iter_batched(
                || y.clone() * 1.0,
                |y| black_box(ops::add_adapter(y, x.clone(), &a, &flipped, &layout)),
                BatchSize::LargeInput,
            );
        });
    }
    let (g, lifted) = (random(654, 3072), random(654, 32));
    c.bench_function("reduce adapter 654", |b| {
        b.iter(|| black_box(ops::reduce_adapter(g.clone(), &flipped, &layout)));
    });
    c.bench_function("adapter B gradient 654", |b| {
        b.iter(|| black_box(ops::adapter_b_grad(g.clone(), lifted.clone(), &layout)));
    });
}

fn rows(c: &mut Criterion) {
    let (x, norm) = (random(654, 576), Tensor::ones([576], &Device::flex()));
    c.bench_function("rms_norm 654", |b| b.iter(|| black_box(ops::rms_norm(x.clone(), &norm, 1e-5))));
    c.bench_function("rms_norm backward 654", |b| {
        b.iter_batched(
            || x.clone() * 1.0,
            |g| black_box(ops::rms_norm_backward(g, x.clone(), &norm, 1e-5)),
            BatchSize::LargeInput,
        );
    });
    let positions: Vec<usize> = (0..654).collect();
    let frequencies = RopeScaling::None.frequencies(1e5, HEADS.dim);
    let (qkv, rotation) = (random(654, HEADS.qkv_width()), Rotation::new(&positions, &frequencies, &Device::flex()));
    c.bench_function("rope 654", |b| {
        b.iter_batched(
            || qkv.clone() * 1.0,
            |qkv| black_box(ops::rope(qkv, &rotation, HEADS, false)),
            BatchSize::LargeInput,
        );
    });
    let (gate_up, g) = (random(654, 3072), random(654, 1536));
    c.bench_function("swiglu 654", |b| b.iter(|| black_box(ops::swiglu(gate_up.clone()))));
    // Backward forms overwrite an input that nobody else holds.
    c.bench_function("swiglu backward 654", |b| {
        b.iter_batched(
            || gate_up.clone() * 1.0,
            |gate_up| black_box(ops::swiglu_backward(g.clone(), gate_up)),
            BatchSize::LargeInput,
        );
    });
    let logits = random(128, 49_152);
    c.bench_function("logit statistics 128", |b| b.iter(|| black_box(ops::logit_statistics(logits.clone()))));
    let (log_sums, _) = ops::logit_statistics(logits.clone());
    let tokens = Arc::new((0..128).map(|row| HeadToken { row, id: row * 300 }).collect::<Vec<_>>());
    let grads = Arc::new(vec![0.5; 128]);
    c.bench_function("logits backward 128", |b| {
        b.iter_batched(
            || logits.clone() * 1.0,
            |logits| black_box(ops::logits_backward(logits, log_sums.clone(), &tokens, &grads)),
            BatchSize::LargeInput,
        );
    });
}

fn attention(c: &mut Criterion) {
    let segments = Arc::new(Segments { prompt: 270, completions: vec![47; 8] });
    let (qkv, g) = (random(segments.rows(), HEADS.qkv_width()), random(segments.rows(), HEADS.q_width()));
    c.bench_function("attention 270 + 8 x 47", |b| {
        b.iter(|| black_box(ops::attention(qkv.clone(), HEADS, &segments)));
    });
    let (out, log_sums) = ops::attention(qkv.clone(), HEADS, &segments);
    let record = AttentionRecord { qkv, out, log_sums };
    c.bench_function("attention backward 270 + 8 x 47", |b| {
        b.iter(|| black_box(ops::attention_backward(g.clone(), record.clone(), HEADS, &segments)));
    });
    for batch in [1, 8, 16] {
        let (prompts, mut own) = (random(270, HEADS.kv_width()), random(batch * 48, HEADS.kv_width()));
        let row = |i| CacheRow { prompt_start: 0, prompt_rows: 270, own_start: i * 48, own_rows: 24 };
        let (new, rows) = (random(batch, HEADS.qkv_width()), Arc::new((0..batch).map(row).collect::<Vec<_>>()));
        c.bench_function(&format!("cached attention {batch}"), |b| {
            b.iter(|| {
                let cache = own.extract();
                let (out, _, cache) = ops::cached_attention(new.clone(), &prompts, cache, HEADS, &rows);
                own = cache;
                black_box(out)
            });
        });
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(300))
}

criterion_group! { name = kernels; config = short(); targets = matmul, matmul_transposed, gather, dense, adapter, rows, attention }
criterion_main!(kernels);
