//! Sums over slices in a fixed order of 16 lanes, written so that they vectorize.

/// Lanes that are summed separately.
const LANES: usize = 16;

/// Σ a·b.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for j in 0..LANES {
            lanes[j] += x[j] * y[j];
        }
    }
    for (lane, (x, y)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += x * y;
    }
    sum(lanes)
}

/// Σ a·b·c.
#[inline(always)]
pub fn dot3(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let (c_chunks, c_rest) = c.as_chunks::<LANES>();
    for ((x, y), z) in a_chunks.iter().zip(b_chunks).zip(c_chunks) {
        for j in 0..LANES {
            lanes[j] += x[j] * y[j] * z[j];
        }
    }
    for (lane, ((x, y), z)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest).zip(c_rest)) {
        *lane += x * y * z;
    }
    sum(lanes)
}

/// The largest element; −∞ for none.
#[inline(always)]
pub fn largest(a: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = a.as_chunks::<LANES>();
    for x in chunks {
        for j in 0..LANES {
            lanes[j] = if x[j] > lanes[j] { x[j] } else { lanes[j] };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Halves the lanes until one is left: a tree, so that the order is fixed.
#[inline(always)]
pub fn sum(mut lanes: [f32; LANES]) -> f32 {
    let mut count = LANES;
    while count > 1 {
        count /= 2;
        for j in 0..count {
            lanes[j] += lanes[j + count];
        }
    }
    lanes[0]
}
