//! Products of matrices, panel by panel: the right operand is packed (and unpacked from 4 or 8 bits, where it is weights) 32
//! columns at a time into the cache, the left one once, tile by tile; [`super::tile`] does the arithmetic.
//!
//! An element is summed over the depth in order, in chunks of at most [`DEPTH`], whatever the shapes and threads: a row's
//! result does not depend on the other rows.

use std::{cell::RefCell, marker::PhantomData, mem::MaybeUninit, ops::Range};

use rayon::prelude::*;

use super::{
    simd::Simd,
    tile::{PANEL, Target, Tile},
    transpose::transpose,
};

/// Depth of a panel at most: with 32 columns 80 kB, which second-level caches hold.
const DEPTH: usize = 640;

/// Up to so many tiles of rows, a panel that can be used in place is.
const FEW_TILES: usize = 2;

/// A matrix that a product packs its panels from, `[depth, width]`.
pub trait Right: Sync {
    /// Writes the rows `depth` of the columns `cols` (at most [`PANEL`]) as `[depth, PANEL]`. Rows begin at multiples of 32;
    /// columns that are not asked for may hold anything.
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]);

    /// The same as it lies in memory, with the distance of its rows, if it need not be packed.
    fn in_place(&self, _depth: &Range<usize>, _cols: &Range<usize>) -> Option<(&[f32], usize)> {
        None
    }
}

/// A matrix on the host: rows of consecutive elements, `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Distance of rows.
    pub stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows without gaps.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows, cols, stride: cols }
    }
}

/// The transposed matrix as a right operand: row `i` of the matrix is column `i`.
#[derive(Debug, Clone, Copy)]
pub struct Transposed<'a>(pub Matrix<'a>);

impl Right for Transposed<'_> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        let Matrix { data, stride, .. } = self.0;
        transpose(simd, (&data[cols.start * stride + depth.start..], stride), (panel, PANEL), cols.len(), depth.len());
    }
}

impl Right for Matrix<'_> {
    fn pack(&self, _: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        for (row, panel) in depth.zip(panel.chunks_exact_mut(PANEL)) {
            let start = row * self.stride;
            panel[..cols.len()].copy_from_slice(&self.data[start + cols.start..start + cols.end]);
        }
    }

    /// Where a panel is used for few tiles, copying it would cost more than its rows' distance does.
    fn in_place(&self, depth: &Range<usize>, cols: &Range<usize>) -> Option<(&[f32], usize)> {
        (cols.len() == PANEL).then(|| (&self.data[depth.start * self.stride + cols.start..], self.stride))
    }
}

/// The left operand, tile by tile, each `[depth, rows]`.
pub struct Left {
    packed: Vec<f32>,
    rows: usize,
    depth: usize,
    tile_rows: usize,
}

impl Left {
    /// Packs a matrix, tiles in parallel.
    pub fn pack(simd: Simd, matrix: Matrix<'_>) -> Self {
        let mut left = Self::empty(simd, matrix.rows, matrix.cols);
        let size = left.tile_size();
        let tiles = left.packed.par_chunks_mut(size).enumerate();
        tiles.for_each(|(tile, to)| pack_tile(simd, matrix, tile, to));
        left
    }

    /// As [`Left::pack`], on this thread.
    pub fn pack_here(simd: Simd, matrix: Matrix<'_>) -> Self {
        let mut left = Self::empty(simd, matrix.rows, matrix.cols);
        let size = left.tile_size();
        left.packed.chunks_mut(size).enumerate().for_each(|(tile, to)| pack_tile(simd, matrix, tile, to));
        left
    }

    /// Packs the transposed matrix, on this thread: its columns are the operand's rows.
    pub fn pack_columns_here(simd: Simd, matrix: Matrix<'_>) -> Self {
        let mut left = Self::empty(simd, matrix.cols, matrix.rows);
        let (size, tile_rows) = (left.tile_size(), left.tile_rows);
        for (tile, to) in left.packed.chunks_mut(size).enumerate() {
            let count = to.len() / matrix.rows;
            let from = &matrix.data[tile * tile_rows..];
            match count {
                14 => copy_rows::<14>(from, matrix.stride, to),
                6 => copy_rows::<6>(from, matrix.stride, to),
                _ => to.chunks_exact_mut(count).enumerate().for_each(|(row, to)| {
                    to.copy_from_slice(&from[row * matrix.stride..][..count]);
                }),
            }
        }
        left
    }

    fn empty(simd: Simd, rows: usize, depth: usize) -> Self {
        Self { packed: vec![0.0; rows * depth], rows, depth, tile_rows: simd.tile_rows() }
    }

    fn tile_size(&self) -> usize {
        (self.tile_rows * self.depth).max(1)
    }

    fn tiles(&self) -> usize {
        self.rows.div_ceil(self.tile_rows)
    }

    /// Rows of a tile, and its part of some depth.
    fn tile(&self, index: usize, depth: &Range<usize>) -> (usize, &[f32]) {
        let rows = self.tile_rows.min(self.rows - index * self.tile_rows);
        let start = index * self.tile_rows * self.depth;
        (rows, &self.packed[start + depth.start * rows..start + depth.end * rows])
    }
}

/// Copies the beginnings of rows; their length is known here, so that each is a few moves and no call.
fn copy_rows<const N: usize>(from: &[f32], stride: usize, to: &mut [f32]) {
    for (row, to) in to.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        to.copy_from_slice(&from[row * stride..][..N]);
    }
}

fn pack_tile(simd: Simd, matrix: Matrix<'_>, tile: usize, to: &mut [f32]) {
    let Matrix { data, cols: depth, stride, .. } = matrix;
    let count = to.len() / depth;
    transpose(simd, (&data[tile * simd.tile_rows() * stride..], stride), (to, count), count, depth);
}

/// Equal parts of a depth, in whole blocks of 32.
fn chunks(depth: usize) -> Vec<Range<usize>> {
    let size = depth.div_ceil(depth.div_ceil(DEPTH).max(1)).next_multiple_of(32).max(32);
    (0..depth).step_by(size).map(|start| start..(start + size).min(depth)).collect()
}

/// Where a product goes: rows `stride` apart.
#[derive(Debug)]
pub struct Output<'a> {
    data: *mut f32,
    elements: usize,
    stride: usize,
    add: bool,
    borrowed: PhantomData<&'a mut [f32]>,
}

impl<'a> Output<'a> {
    /// Rows of `width` without gaps, overwritten.
    pub fn new(data: &'a mut [f32], width: usize) -> Self {
        Self::rows(data, width, false)
    }

    /// Rows `stride` apart, overwritten or added to.
    pub fn rows(data: &'a mut [f32], stride: usize, add: bool) -> Self {
        Self { data: data.as_mut_ptr(), elements: data.len(), stride, add, borrowed: PhantomData }
    }

    /// Rows of `width` without gaps in memory that holds nothing yet.
    fn fresh(data: &'a mut [MaybeUninit<f32>], width: usize) -> Self {
        Self { data: data.as_mut_ptr().cast(), elements: data.len(), stride: width, add: false, borrowed: PhantomData }
    }
}

/// An output that tasks share; each writes rows and columns of its own.
#[derive(Clone, Copy)]
struct Shared {
    data: *mut f32,
    stride: usize,
    add: bool,
}
// SAFETY: tasks write disjoint elements of an output that outlives them.
#[allow(unsafe_code)]
unsafe impl Send for Shared {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Shared {}

impl Shared {
    /// # Panics
    /// If the output is too small: that is an error of this program, not of its input.
    fn new(out: &Output<'_>, rows: usize, width: usize) -> Self {
        let needed = if rows == 0 || width == 0 { 0 } else { (rows - 1) * out.stride + width };
        assert!(out.elements >= needed && out.stride >= width, "output of a product is too small");
        Self { data: out.data, stride: out.stride, add: out.add }
    }
}

thread_local! {
    /// A panel's memory, kept between products.
    static PANEL_MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Some columns of a product, and the tiles of rows for which they are computed.
struct Task {
    cols: Range<usize>,
    tiles: Range<usize>,
}

impl Task {
    fn run(&self, simd: Simd, left: &Left, right: &impl Right, out: Shared) {
        PANEL_MEMORY.with_borrow_mut(|memory| {
            for chunk in chunks(left.depth) {
                let few = self.tiles.len() <= FEW_TILES;
                let (right, right_stride) = if let Some(panel) = right.in_place(&chunk, &self.cols).filter(|_| few) {
                    panel
                } else {
                    if memory.len() < chunk.len() * PANEL {
                        memory.resize(chunk.len() * PANEL, 0.0);
                    }
                    right.pack(simd, chunk.clone(), self.cols.clone(), &mut memory[..chunk.len() * PANEL]);
                    (&memory[..], PANEL)
                };
                for index in self.tiles.clone() {
                    let (rows, left) = left.tile(index, &chunk);
                    let data = out.data.wrapping_add(index * simd.tile_rows() * out.stride + self.cols.start);
                    let target = Target { data, stride: out.stride, add: out.add || chunk.start > 0 };
                    // SAFETY: the tile's rows and columns lie within the output and belong to this task alone.
                    #[allow(unsafe_code)]
                    unsafe {
                        Tile { left, rows, right, right_stride, cols: self.cols.len() }.compute(simd, target);
                    }
                }
            }
        });
    }
}

fn panel_columns(panel: usize, width: usize) -> Range<usize> {
    panel * PANEL..((panel + 1) * PANEL).min(width)
}

/// `left` · `right` (`width` columns) → `out`, dealt out to all threads.
pub fn product(simd: Simd, left: &Left, right: &impl Right, width: usize, out: Output<'_>) {
    let out = Shared::new(&out, left.rows, width);
    let (tiles, panels) = (left.tiles(), width.div_ceil(PANEL));
    // Few panels are dealt out in parts, so that no thread is idle; each part packs its panel for itself.
    let parts = (4 * rayon::current_num_threads()).div_ceil(panels.max(1)).clamp(1, tiles.div_ceil(8).max(1));
    let part = tiles.div_ceil(parts);
    (0..panels * parts).into_par_iter().for_each(|task| {
        let first = task % parts * part;
        let tiles = first.min(tiles)..(first + part).min(tiles);
        Task { cols: panel_columns(task / parts, width), tiles }.run(simd, left, right, out);
    });
}

/// As [`product`], into new memory: `[rows, width]`. Large outputs need not be filled with zeros first.
pub fn new_product(simd: Simd, left: &Left, right: &impl Right, width: usize) -> Vec<f32> {
    let size = left.rows * width;
    let mut out = Vec::with_capacity(size);
    if left.depth == 0 {
        out.resize(size, 0.0);
        return out;
    }
    product(simd, left, right, width, Output::fresh(&mut out.spare_capacity_mut()[..size], width));
    // SAFETY: a product of some depth overwrites every element of its output.
    #[allow(unsafe_code)]
    unsafe {
        out.set_len(size);
    }
    out
}

/// As [`product`], on this thread.
pub fn product_here(simd: Simd, left: &Left, right: &impl Right, width: usize, out: Output<'_>) {
    let out = Shared::new(&out, left.rows, width);
    for panel in 0..width.div_ceil(PANEL) {
        Task { cols: panel_columns(panel, width), tiles: 0..left.tiles() }.run(simd, left, right, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn products_equal_sums_in_double_precision_on_every_path() {
        for (m, depth, width) in [(1, 32, 5), (3, 96, 32), (14, 64, 70), (47, 1312, 33), (130, 32, 31)] {
            let (a, b) = (numbers(m * depth, 0.37), numbers(depth * width, 0.11));
            let flipped: Vec<f32> = (0..width * depth).map(|i| b[i % depth * width + i / depth]).collect();
            let mut first: Option<Vec<f32>> = None;
            for simd in Simd::available() {
                let left = Left::pack(simd, Matrix::new(&a, m, depth));
                let mut out = vec![1.0; m * width];
                product(simd, &left, &Matrix::new(&b, depth, width), width, Output::new(&mut out, width));
                assert_eq!(new_product(simd, &left, &Matrix::new(&b, depth, width), width), out);
                for (i, &value) in out.iter().enumerate() {
                    let (row, col) = (i / width, i % width);
                    let terms = (0..depth).map(|k| f64::from(a[row * depth + k]) * f64::from(b[k * width + col]));
                    assert!((f64::from(value) - terms.sum::<f64>()).abs() < 2e-4, "{simd:?} {m} {depth} {width}");
                }
                let mut again = vec![1.0; m * width];
                let other = Transposed(Matrix::new(&flipped, width, depth));
                product_here(simd, &left, &other, width, Output::new(&mut again, width));
                assert_eq!(out, again, "{simd:?}: the transposed operand");
                let columns: Vec<f32> = (0..depth * m).map(|i| a[i % m * depth + i / m]).collect();
                let same = Left::pack_columns_here(simd, Matrix::new(&columns, depth, m));
                let added = Output::rows(&mut again, width, true);
                product(simd, &same, &Matrix::new(&b, depth, width), width, added);
                let doubled = again.iter().zip(&out).map(|(a, b)| (a - 2.0 * b).abs()).fold(0.0, f32::max);
                assert!(doubled < 1e-4, "{simd:?}: adding to what is there");
                if simd != Simd::Portable {
                    assert_eq!(first.get_or_insert_with(|| out.clone()), &out, "{simd:?}: the width of vectors counts");
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_the_others() {
        let (a, b) = (numbers(40 * 96, 0.37), numbers(96 * 64, 0.11));
        for simd in Simd::available() {
            let of = |rows: usize| {
                let mut out = vec![0.0; rows * 64];
                let left = Left::pack(simd, Matrix::new(&a[..rows * 96], rows, 96));
                product(simd, &left, &Matrix::new(&b, 96, 64), 64, Output::new(&mut out, 64));
                out
            };
            let all = of(40);
            for rows in [1, 5, 13, 29] {
                assert_eq!(of(rows), all[..rows * 64], "{simd:?} {rows}");
            }
        }
    }

    #[test]
    fn depths_are_cut_into_whole_blocks() {
        for depth in [32, 576, 640, 641, 1536, 3072, 49_152] {
            let chunks = chunks(depth);
            assert!(chunks.iter().all(|c| c.start % 32 == 0 && c.len() <= DEPTH), "{depth}");
            assert_eq!(chunks.iter().map(Range::len).sum::<usize>(), depth);
        }
    }
}
