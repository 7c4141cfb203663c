//! A safe face for the `gemm` crate: strided views with checked bounds.

use gemm::Parallelism;

/// A matrix within a slice: element (i, j) lies at `i · row_stride + j · col_stride`.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> View<'a> {
    /// Rows of consecutive elements, `row_stride` apart.
    pub fn new(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    fn fits(&self) -> bool {
        self.rows == 0
            || self.cols == 0
            || (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride < self.data.len()
    }
}

/// What becomes of the values that the output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// They are overwritten.
    Replace,
    /// The product is added to them.
    Add,
}

/// The output of a product: rows of consecutive elements, `row_stride` apart.
#[derive(Debug)]
pub struct Output<'a> {
    /// The elements.
    pub data: &'a mut [f32],
    /// Distance of rows.
    pub row_stride: usize,
    /// Replace or add.
    pub into: Into,
}

/// `out` = (or +=) `scale` · `lhs` · `rhs`.
///
/// # Panics
/// If the shapes do not fit each other or the slices: that is an error of this program, not of its input.
pub fn gemm(out: Output<'_>, lhs: View<'_>, rhs: View<'_>, scale: f32, parallel: bool) {
    let (m, n, k) = (lhs.rows, rhs.cols, lhs.cols);
    if m == 0 || n == 0 {
        return;
    }
    assert!(lhs.cols == rhs.rows && lhs.fits() && rhs.fits(), "shapes of a product do not fit");
    assert!((m - 1) * out.row_stride + n <= out.data.len(), "output of a product is too small");
    let parallelism = if parallel { Parallelism::Rayon(0) } else { Parallelism::None };
    let (add, read) = if out.into == Into::Add { (1.0, true) } else { (0.0, false) };
    // SAFETY: all three index ranges were checked against their slices, and the output is borrowed exclusively.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.data.as_mut_ptr(),
            1,
            out.row_stride as isize,
            read,
            lhs.data.as_ptr(),
            lhs.col_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.col_stride as isize,
            rhs.row_stride as isize,
            add,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
