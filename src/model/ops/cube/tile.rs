//! Tiles of 32 × 32 numbers, of which each of a cube's 64 units holds 4 × 4: what attention's products are made of.

use cubecl::prelude::*;

/// Rows and columns of a tile.
pub(super) const SIDE: usize = 32;
/// Rows (and columns) of a tile that a unit holds.
pub(super) const HELD: usize = 4;
/// Units in each direction.
pub(super) const ACROSS: usize = SIDE / HELD;
/// A tile's row in shared memory, with one place more against conflicts of banks.
pub(super) const PITCH: usize = SIDE + 1;

/// A tile in shared memory.
pub(super) type Shares = Shared<[f32]>;

/// Memory for a tile.
#[cube]
pub(super) fn tile() -> Shares {
    Shared::<[f32]>::new_slice(SIDE * PITCH)
}

/// Where rows of a tile come from: row i is at `start + i` of a table `[_, width]`, columns from `column` on.
#[derive(CubeType)]
pub(super) struct Place {
    /// First row.
    pub start: usize,
    /// Rows; others are zero.
    pub rows: usize,
    /// Width of the table.
    pub width: usize,
    /// First column.
    pub column: usize,
}

/// Loads 32 columns, from `chunk` on, of 32 rows; what lies beyond `dim` columns or the last row is zero.
#[cube]
pub(super) fn load<F: Float>(tile: &mut Shares, table: &[F], place: &Place, chunk: usize, #[comptime] dim: usize) {
    let unit = UNIT_POS as usize;
    #[unroll]
    for turn in 0..comptime!(SIDE * SIDE / (ACROSS * ACROSS)) {
        let index = unit + turn * comptime!(ACROSS * ACROSS);
        let (row, column) = (index / SIDE, index % SIDE);
        let mut value = 0.0f32;
        if row < place.rows && chunk + column < dim {
            value = f32::cast_from(table[(place.start + row) * place.width + place.column + chunk + column]);
        }
        tile[row * PITCH + column] = value;
    }
}

/// Adds the products of a tile's rows with another one's: unit (y, x) holds rows 4y.. of `a` with rows 4x.. of `b`.
#[cube]
pub(super) fn multiply(sums: &mut Array<f32>, a: &Shares, b: &Shares) {
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize * HELD);
    for d in 0..SIDE {
        let mut other = Array::<f32>::new(HELD);
        #[unroll]
        for j in 0..HELD {
            other[j] = b[(x + j) * PITCH + d];
        }
        #[unroll]
        for i in 0..HELD {
            let value = a[(y + i) * PITCH + d];
            #[unroll]
            for j in 0..HELD {
                sums[i * HELD + j] += value * other[j];
            }
        }
    }
}

/// Adds the weighted sum of a tile's rows: unit (y, x) holds rows 4y.. of the weights' product, and of a chunk's columns x, x + 8, …
/// at places from `first` on.
#[cube]
pub(super) fn gather_weighted(
    sums: &mut Array<f32>,
    weights: &Shares,
    rows: &Shares,
    #[comptime] first: usize,
    #[comptime] places: usize,
) {
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize);
    for j in 0..SIDE {
        let mut values = Array::<f32>::new(HELD);
        #[unroll]
        for c in 0..HELD {
            values[c] = rows[j * PITCH + x + c * ACROSS];
        }
        #[unroll]
        for i in 0..HELD {
            let weight = weights[(y + i) * PITCH + j];
            #[unroll]
            for c in 0..HELD {
                sums[i * places + first + c] += weight * values[c];
            }
        }
    }
}

/// Puts what the units hold of a tile into shared memory.
#[cube]
pub(super) fn share(tile: &mut Shares, held: &Array<f32>) {
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize * HELD);
    #[unroll]
    for i in 0..HELD {
        #[unroll]
        for j in 0..HELD {
            tile[(y + i) * PITCH + x + j] = held[i * HELD + j];
        }
    }
}

/// Sets numbers that a unit holds.
#[cube]
pub(super) fn fill(held: &mut Array<f32>, value: f32, #[comptime] count: usize) {
    #[unroll]
    for i in 0..count {
        held[i] = value;
    }
}

/// Chunks of 32 columns in a head.
pub(super) fn chunks(dim: usize) -> usize {
    dim.div_ceil(SIDE)
}
