//! Matrices of random codes, for measuring without a model's file: packed as real ones are, never held as floats.

use burn::tensor::Device;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;

use super::{
    NF4, PackedError, PackedLayout, PackedMatrix,
    layout::{BLOCK, NF4_BLOCK, NF4_SCALE_BLOCK},
    split::Parts,
};

/// What a matrix's second-level scales are of its scales' mean: scales then differ by a few per cent, as those of real models do.
const SCALE_SPREAD: f32 = 0.05;
/// Rows that one random stream fills.
const ROWS: usize = 256;

impl PackedMatrix {
    /// Random weights with a mean of about 0 and a standard deviation of 1/√`cols`, which keeps the size of what goes through. The same
    /// `seed` gives the same matrix, whatever the number of threads.
    ///
    /// # Errors
    /// [`PackedError::RaggedRow`] if rows do not consist of whole blocks, [`PackedError::NotRandom`] for layouts that are not made.
    pub fn random(
        layout: PackedLayout,
        [rows, cols]: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Self, PackedError> {
        let block = if layout == PackedLayout::Nf4 { NF4_BLOCK } else { BLOCK };
        if !cols.is_multiple_of(block) {
            return Err(PackedError::RaggedRow { cols, block });
        }
        let scales = scales(layout, [rows, cols]).ok_or(PackedError::NotRandom)?;
        let row_words = layout.row_words(cols);
        let mut words = vec![0_u32; rows * row_words];
        words.par_chunks_mut((ROWS * row_words).max(1)).enumerate().for_each(|(stream, part)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(stream as u64);
            random.fill_bytes(bytemuck::cast_slice_mut(part));
        });
        Ok(Self::from_parts(layout, [rows, cols], Parts { words, scales }, device))
    }
}

/// Parameters that give codes drawn evenly the deviation 1/√`cols`.
fn scales(layout: PackedLayout, [rows, cols]: [usize; 2]) -> Option<Vec<f32>> {
    let gain = 1.0 / (cols as f32).sqrt();
    // n even codes have the variance (n² - 1) / 12.
    let even = |codes: f32| gain / ((codes * codes - 1.0) / 12.0).sqrt();
    let blocks = rows * cols / BLOCK;
    Some(match layout {
        PackedLayout::Q4 => [even(16.0), -7.5 * even(16.0)].repeat(blocks),
        PackedLayout::Q8 => vec![even(256.0); blocks],
        PackedLayout::Nf4 => {
            let square = NF4.iter().map(|value| value * value).sum::<f32>() / NF4.len() as f32;
            let (scale, per_row) = (gain / square.sqrt(), cols / NF4_BLOCK);
            let second = layout.row_scales(cols) - super::layout::NF4_ROW_HEAD;
            let row = |row: usize| {
                let behind = (row * per_row % NF4_SCALE_BLOCK) as f32;
                [scale, behind].into_iter().chain(std::iter::repeat_n(scale * SCALE_SPREAD, second))
            };
            (0..rows).flat_map(row).collect()
        }
        PackedLayout::Q5 | PackedLayout::Q6 => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_matrices_keep_the_size_of_what_goes_through() {
        let device = crate::model::testing::device();
        for layout in [PackedLayout::Q4, PackedLayout::Q8, PackedLayout::Nf4] {
            let matrix = PackedMatrix::random(layout, [300, 192], 7, &device).unwrap();
            let weights: Vec<f32> = matrix.dequantize().try_into_vec_as().unwrap();
            let mean = weights.iter().sum::<f32>() / weights.len() as f32;
            let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / weights.len() as f32;
            let gain = (variance * 192.0).sqrt();
            assert!((0.9..1.1).contains(&gain), "{layout:?}: {gain}");
            assert!(mean.abs() < 0.1 * variance.sqrt(), "{layout:?}: {mean}");
            let again = PackedMatrix::random(layout, [300, 192], 7, &device).unwrap();
            assert_eq!(again.dequantize().try_into_vec_as::<f32>().unwrap(), weights, "{layout:?}");
            let other = PackedMatrix::random(layout, [300, 192], 8, &device).unwrap();
            assert_ne!(other.dequantize().try_into_vec_as::<f32>().unwrap(), weights, "{layout:?}");
        }
    }

    #[test]
    fn rows_of_no_whole_blocks_and_other_layouts_are_refused() {
        let random = |layout, cols| PackedMatrix::random(layout, [2, cols], 1, &Device::flex()).map(|_| ());
        assert_eq!(random(PackedLayout::Nf4, 96), Err(PackedError::RaggedRow { cols: 96, block: 64 }));
        assert_eq!(random(PackedLayout::Q6, 96), Err(PackedError::NotRandom));
    }
}
