//! The engine on the real model: prefill, decode, and the parts of a GRPO step, with the share of the machine's matmul
//! peak that each reaches. `cargo bench --bench engine [-- MODEL]`; skipped where there is no model.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::many_single_char_names)]

use std::{ops::ControlFlow, path::PathBuf, time::Instant};

use burn::tensor::{Device, Distribution, Tensor};
use sqlr1_tui::{
    model::{BackwardOptions, GenerateRequest, Lora, LoraGrads, Model, PackedGroup, Sampling},
    settings::{LoraSettings, Quantize, Recompute},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn model_path() -> PathBuf {
    let given = std::env::args().skip(1).find(|a| !a.starts_with('-')).map(PathBuf::from);
    let cache = || {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        home.join(".cache/sqlr1-tui/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    };
    given.or_else(|| std::env::var_os("SQLR1_SMOLLM2").map(PathBuf::from)).unwrap_or_else(cache)
}

/// CPU seconds of this process, all threads.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    fields.get(11..13).map_or(0.0, |f| f.iter().filter_map(|v| v.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

/// Runs `work`, prints wall and CPU seconds, and what share of `peak` (flop/s) `flops` amount to.
fn timed<T>(name: &str, flops: f64, peak: f64, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let result = work();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let threads = rayon::current_num_threads() as f64;
    // Per CPU second, so that neighbours on the machine do not count.
    println!("{name:<34} {wall:>7.3} s wall {cpu:>7.2} s cpu {:>5.0} % of peak", 100.0 * flops / cpu * threads / peak);
    result
}

/// Flop/s of large products on all threads, per CPU second like everything here.
fn matmul_peak() -> f64 {
    let device = Device::flex();
    let (n, rounds) = (1024_u16, 100);
    let random = || Tensor::<2>::random([usize::from(n); 2], Distribution::Default, &device);
    let (a, b) = (random(), random());
    let start = cpu_seconds();
    for _ in 0..rounds {
        let _ = a.clone().matmul(b.clone());
    }
    let per_thread = f64::from(rounds) * 2.0 * f64::from(n).powi(3) / (cpu_seconds() - start);
    per_thread * rayon::current_num_threads() as f64
}

fn main() {
    let path = model_path();
    if !path.exists() {
        println!("skipped: no model at {}", path.display());
        return;
    }
    let start = Instant::now();
    let model = Model::load(&path, Quantize::Auto, &Device::flex(), &mut |_, _| {}).unwrap();
    println!("load {:.2} s, peak {:.0} MB", start.elapsed().as_secs_f64(), peak_megabytes());
    let settings = LoraSettings { r: 16, ..LoraSettings::default() };
    let mut lora = Lora::new(&model.config, &settings, 1, &Device::flex()).unwrap();
    for param in &mut lora.params {
        param.value = Tensor::random(param.value.dims(), Distribution::Normal(0.0, 0.01), &Device::flex());
    }
    let peak = matmul_peak();
    println!("matmul peak {:.0} GFLOP/s", peak / 1e9);
    let vocabulary = model.config.vocab_size * model.config.hidden_size;
    let body: usize = model
        .weights
        .layers
        .iter()
        .map(|l| [&l.qkv, &l.output, &l.gate_up, &l.down].map(|s| s.rows() * s.cols()).iter().sum::<usize>())
        .sum();
    let flops = |body_rows: usize, head_rows: usize| 2.0 * (body * body_rows + vocabulary * head_rows) as f64;

    let prompt: Vec<u32> = (0..270).map(|i| (i * 37 + 11) % 40_000).collect();
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let new = 48;
    let generate = |k: u64, tokens: usize, go_on: &mut dyn FnMut(usize, usize) -> ControlFlow<()>| {
        let request = GenerateRequest { prompt: prompt.clone(), seeds: (0..k).collect(), ..GenerateRequest::default() };
        let sampling = Sampling { temperature: 0.8, max_new_tokens: tokens, ..Sampling::default() };
        model.generate(Some(&lora), &[request], &sampling, go_on).unwrap().unwrap()
    };
    let wide: [u64; 3] = [1, 8, 16];
    timed("prefill 270", flops(269, 1), peak, || generate(1, 1, go_on));
    for k in wide {
        let both = Instant::now();
        let prefill = Instant::now();
        generate(k, 1, go_on);
        let prefill = prefill.elapsed().as_secs_f64();
        timed(&format!("prefill + {k} x {new} tokens"), flops(270 + k as usize * new, k as usize * new), peak, || {
            generate(k, new, go_on)
        });
        let decode = both.elapsed().as_secs_f64() - 2.0 * prefill;
        println!("    decode at batch {k}: {:.1} tok/s", (k as usize * (new - 1)) as f64 / decode);
    }
    let completions: Vec<Vec<u32>> = generate(8, new, go_on).into_iter().flatten().map(|c| c.tokens).collect();
    let group = PackedGroup { prompt, completions };
    let (rows, head) = (270 + 8 * (new - 1), 1 + 8 * (new - 1));
    timed("reference (score, no adapter)", flops(rows, head), peak, || model.score(None, &group, 0.8).unwrap());
    timed("score with adapter", flops(rows, head), peak, || model.score(Some(&lora), &group, 0.8).unwrap());
    for (recompute, passes) in [(Recompute::Never, 2), (Recompute::Always, 3)] {
        let mut grads = LoraGrads::of(&lora);
        let options = BackwardOptions { recompute, head_chunk: 128, dropout: None };
        let mut loss = |s: &sqlr1_tui::model::TokenScores| {
            s.logprobs.iter().map(|l| vec![-1.0; l.len()]).collect::<Vec<_>>().into()
        };
        timed(&format!("update, recompute {recompute:?}"), flops(rows * passes, head * 3), peak, || {
            model.backward(&lora, &group, 0.8, options, &mut loss, &mut grads).unwrap()
        });
        println!("    peak {:.0} MB", peak_megabytes());
    }
}
