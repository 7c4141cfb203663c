//! Packed words to weights, four at a time, as every kernel that reads packed matrices has them.

use cubecl::prelude::*;

use crate::model::packed::{BLOCK, PackedLayout, layout};

/// Four neighbouring weights or inputs.
pub(super) type Quad<F> = Vector<F, Const<4>>;

/// Quads in a block of weights.
pub(super) const QUADS: usize = BLOCK / 4;

/// Codes of 4 bits before the 256 scale codes in the tables of NF4.
const NF4_CODES: usize = 16;

/// Where a row of packed weights begins, and what it takes.
#[derive(CubeType)]
pub(super) struct Row {
    /// First word.
    pub word: usize,
    /// First parameter.
    pub scale: usize,
}

/// Row `row` of a matrix with `cols` columns.
#[cube]
pub(super) fn packed_row(row: usize, cols: usize, #[comptime] layout: PackedLayout) -> Row {
    let blocks = cols / 32;
    let words = comptime!(layout.words_per_block());
    let scales = comptime!(layout.scales_per_block());
    if comptime!(layout == PackedLayout::Nf4) {
        let groups = cols / 64;
        let second = (groups + 254) / 256 + 1;
        Row { word: row * (blocks * words + (groups + 3) / 4), scale: row * (second + 2) }
    } else {
        Row { word: row * blocks * words, scale: row * blocks * scales }
    }
}

/// Weights `4 · quad` to `4 · quad + 3` of block `block` of a row.
#[cube]
pub(super) fn unpack(
    words: &[u32],
    scales: &[f32],
    tables: &[f32],
    row: &Row,
    block: usize,
    cols: usize,
    #[comptime] quad: usize,
    #[comptime] layout: PackedLayout,
) -> Quad<f32> {
    let first = row.word + block * comptime!(layout.words_per_block());
    let mut weights = Vector::<f32, Const<4>>::empty();
    if comptime!(layout == PackedLayout::Q8) {
        let word = words[first + quad];
        let scale = scales[row.scale + block];
        #[unroll]
        for i in 0..4usize {
            let code = (word >> comptime!(8 * i as u32)) & 255u32;
            let signed = f32::cast_from(code ^ 128u32) - 128.0f32;
            weights.insert(i, signed * scale);
        }
    } else {
        // Byte j of a block holds weight j in its low half and weight 16 + j in its high half.
        let word = words[first + comptime!(quad % 4)];
        if comptime!(layout == PackedLayout::Nf4) {
            let scale = nf4_scale(words, scales, tables, row, block, cols);
            #[unroll]
            for i in 0..4usize {
                let code = (word >> comptime!(8 * i as u32 + 4 * (quad as u32 / 4))) & 15u32;
                weights.insert(i, tables[code as usize] * scale);
            }
        } else if comptime!(layout == PackedLayout::Q6) {
            let upper = words[first + comptime!(4 + quad % 2)];
            let scale = scales[row.scale + block * 2 + comptime!(quad / 4)];
            #[unroll]
            for i in 0..4usize {
                let low = (word >> comptime!(8 * i as u32 + 4 * (quad as u32 / 4))) & 15u32;
                let high = (upper >> comptime!(8 * i as u32 + 2 * (quad as u32 / 2))) & 3u32;
                weights.insert(i, (f32::cast_from(low + high * 16u32) - 32.0f32) * scale);
            }
        } else {
            let scale = scales[row.scale + block * 2];
            let offset = scales[row.scale + block * 2 + 1];
            #[unroll]
            for i in 0..4usize {
                let mut code = (word >> comptime!(8 * i as u32 + 4 * (quad as u32 / 4))) & 15u32;
                if comptime!(layout == PackedLayout::Q5) {
                    let high = words[first + 4];
                    code += ((high >> comptime!((4 * quad + i) as u32)) & 1u32) * 16u32;
                }
                weights.insert(i, f32::cast_from(code) * scale + offset);
            }
        }
    }
    weights
}

/// The scale of 64 weights: its code's value times a second-level scale, plus the row's offset.
#[cube]
fn nf4_scale(words: &[u32], scales: &[f32], tables: &[f32], row: &Row, block: usize, cols: usize) -> f32 {
    let group = block / 2;
    let word = words[row.word + cols / 32 * 4 + group / 4];
    let code = (word >> ((group % 4) as u32 * 8u32)) & 255u32;
    let which = (group + usize::cast_from(scales[row.scale + 1])) / 256;
    tables[NF4_CODES + code as usize] * scales[row.scale + 2 + which] + scales[row.scale]
}

/// What the numbers written out above stand for.
const _: () =
    assert!(BLOCK == 32 && layout::NF4_BLOCK == 64 && layout::NF4_SCALE_BLOCK == 256 && layout::NF4_ROW_HEAD == 2);
