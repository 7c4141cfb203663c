//! What the machine could do at best, and what the model asks of it.

use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, Tensor};
use serde::Serialize;

use crate::{
    model::weights::Weights,
    run::{event::MemorySource, memory::MemoryMeter},
};

/// Where something is measured.
#[derive(Clone)]
pub struct Place {
    /// The device in words.
    pub device: String,
    /// Reads its memory; made before the model was put there.
    pub meter: MemoryMeter,
}

/// The same as a report has it: figures without their machine and build say nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlaceReport {
    /// The device in words.
    pub device: String,
    /// The GPU's name, if it is one.
    pub gpu: Option<String>,
    /// Its driver.
    pub driver: Option<String>,
    /// Bytes of memory that there are: the GPU's, else the machine's.
    pub memory_bytes: Option<u64>,
    /// Which memory is meant.
    pub memory_source: MemorySource,
    /// This program's version and what it was built with.
    pub build: String,
}

impl Place {
    /// For a report.
    pub fn report(&self) -> PlaceReport {
        let gpu = self.meter.gpu();
        PlaceReport {
            device: self.device.clone(),
            gpu: gpu.as_ref().map(|gpu| gpu.name.clone()),
            driver: gpu.map(|gpu| gpu.driver),
            memory_bytes: self.meter.total(),
            memory_source: self.meter.source(),
            build: build(),
        }
    }
}

/// This program's version and what it was built with.
pub fn build() -> String {
    let features =
        [(cfg!(feature = "cuda"), "cuda"), (cfg!(feature = "wgpu"), "wgpu"), (cfg!(debug_assertions), "debug")];
    let features: Vec<&str> = features.into_iter().filter_map(|(on, name)| on.then_some(name)).collect();
    let features = if features.is_empty() { "cpu only".to_owned() } else { features.join(", ") };
    format!("{} ({features})", env!("CARGO_PKG_VERSION"))
}

/// Rows and columns of the products that the peak is measured with: a CPU is busy with the first one.
const SIDES: [usize; 4] = [1024, 2048, 4096, 8192];

/// Flop/s of large products of a type on all of a device, by wall clock: the best of several. Products grow until one takes ten
/// milliseconds, so that launching and reading do not count on a GPU.
pub fn matmul_peak(device: &Device, dtype: DType) -> f64 {
    let mut best = 0.0_f64;
    for side in SIDES {
        let random = || Tensor::<2>::random([side, side], Distribution::Default, device).cast(dtype);
        let (a, b) = (random(), random());
        let seconds = (0..24).map(|_| {
            let start = Instant::now();
            // Reading one number waits for the product, whatever the device.
            let product = a.clone().matmul(b.clone()).narrow(0, 0, 1).narrow(1, 0, 1);
            let _ = product.cast(DType::F32).try_into_scalar::<f32>();
            start.elapsed().as_secs_f64()
        });
        let seconds = seconds.fold(f64::INFINITY, f64::min);
        best = best.max(2.0 * (side as f64).powi(3) / seconds);
        if seconds > 0.01 {
            break;
        }
    }
    best
}

/// Multiplications with frozen weights for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Products {
    /// Through all layers.
    pub body: usize,
    /// Through the language-model head.
    pub head: usize,
}

impl Products {
    /// Those of a model.
    pub fn of(weights: &Weights) -> Self {
        let layers = weights.layers.iter().flat_map(|l| [&l.qkv, &l.output, &l.gate_up, &l.down]);
        let head = weights.head();
        Self { body: layers.map(|stack| stack.rows() * stack.cols()).sum(), head: head.rows() * head.cols() }
    }

    /// Floating-point operations for so many rows.
    pub fn flops(self, body_rows: usize, head_rows: usize) -> f64 {
        2.0 * (self.body as f64 * body_rows as f64 + self.head as f64 * head_rows as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{random_weights, tiny_config};

    #[test]
    fn a_model_asks_for_each_weight_once_a_row() {
        let config = tiny_config();
        let weights = random_weights(&config, 1, &Device::flex());
        let products = Products::of(&weights);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.query_size(), config.key_value_size());
        let layer = hidden * (q + 2 * kv) + q * hidden + 3 * hidden * inner;
        assert_eq!(products, Products { body: layer * config.num_hidden_layers, head: config.vocab_size * hidden });
        let expected = 6 * products.body + 4 * products.head;
        assert!((products.flops(3, 2) - expected as f64).abs() < 0.5);
    }

    #[test]
    fn the_machine_multiplies() {
        assert!(matmul_peak(&Device::flex(), DType::F32) > 1e8);
    }
}
