//! Each fused kernel at the shapes of SmolLM2-135M. `cargo bench --bench kernels`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{hint::black_box, sync::Arc, time::Duration};

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sqlr1_tui::model::{
    ops::{
        self, AttentionRecord,
        layout::{CacheRow, Heads, Segments},
    },
    packed::{BlockFormat, PackedMatrix},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HEADS: Heads = Heads { q: 9, kv: 3, dim: 64 };

fn random(rows: usize, cols: usize) -> Tensor<2> {
    Tensor::random([rows, cols], Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn packed(format: BlockFormat, rows: usize, cols: usize) -> PackedMatrix {
    // Scales of about 0.001 (float16 0x14xx); codes are whatever the pattern gives.
    let block = |i: usize| {
        (0..format.block_bytes()).map(move |j| if j % 2 == 1 && j < 4 { 0x14 } else { (i * 7 + j * 13) as u8 })
    };
    let bytes: Vec<u8> = (0..rows * cols / 32).flat_map(block).collect();
    PackedMatrix::from_blocks(format, rows, cols, &bytes, &Device::flex()).unwrap()
}

fn matmul(c: &mut Criterion) {
    let shapes = [(BlockFormat::Q4_1, 3072, 576), (BlockFormat::Q4_1, 576, 1536), (BlockFormat::Q8_0, 49_152, 576)];
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

fn rows(c: &mut Criterion) {
    let (x, norm) = (random(654, 576), Tensor::ones([576], &Device::flex()));
    c.bench_function("rms_norm 654", |b| b.iter(|| black_box(ops::rms_norm(x.clone(), &norm, 1e-5))));
    let (gate_up, g) = (random(654, 3072), random(654, 1536));
    c.bench_function("swiglu 654", |b| b.iter(|| black_box(ops::swiglu(gate_up.clone()))));
    c.bench_function("swiglu backward 654", |b| b.iter(|| black_box(ops::swiglu_backward(g.clone(), gate_up.clone()))));
    let logits = random(128, 49_152);
    c.bench_function("logit statistics 128", |b| b.iter(|| black_box(ops::logit_statistics(logits.clone()))));
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
                let (out, cache) = ops::cached_attention(new.clone(), &prompts, cache, HEADS, &rows);
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

criterion_group! { name = kernels; config = short(); targets = matmul, rows, attention }
criterion_main!(kernels);
