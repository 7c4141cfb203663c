//! Products with frozen matrices. Few rows: weights are unpacked in registers ([`super::few`]). Many: weights are unpacked into scratch
//! memory, a range of rows at a time, for burn's matrix product, which uses tensor cores where there are some.

use burn::{
    backend::{Slice, cubecl::dtype_to_storage_type, ops::FloatTensorOps},
    tensor::{DType, Shape},
};
use burn_cubecl::{
    CubeBackend,
    kernel::{
        into_contiguous,
        matmul::{MatmulStrategy, matmul as burn_matmul},
    },
    ops::numeric::zeros_client,
    tensor::CubeTensor,
};
use cubek::{
    matmul::{
        definition::{MatmulElems, MatmulGlobalElems, MatmulSetupError},
        launch::launch_ref,
        multi_level,
        routine::BlueprintStrategy,
        strategy::Strategy,
    },
    std::InputBinding,
};

use super::{
    super::SCRATCH_WEIGHTS,
    dequantize::{Packed, range},
    few,
    launch::empty,
};

/// Rows up to which weights are unpacked in registers: as many as are written at a time ([`crate::model::generate`]), whose results shall
/// not depend on how many there are. Reasoned, not measured: every tile of 8 rows reads all weights once more, scratch memory
/// is written and read at two bytes a weight.
const FEW: usize = 32;

/// `a` · `b`, zeros where there is nothing to sum.
pub(super) fn multiply(a: CubeTensor, b: CubeTensor, out: DType) -> CubeTensor {
    let ([m, k], [_, n]): ([usize; 2], [usize; 2]) = (a.meta.shape().dims(), b.meta.shape().dims());
    if m * k * n == 0 {
        return zeros_client(a.client.clone(), a.device.clone(), Shape::new([m, n]), out);
    }
    let product = empty(&a, Shape::new([m, n]), out);
    let launched = match a.dtype {
        DType::F32 => exact(a, b, &product),
        _ => burn_matmul(a, b, Some(product.clone()), MatmulStrategy::default(), out).map(drop),
    };
    match launched {
        Ok(()) => product,
        // As in burn's own operations: there is no way to hand an error on from here.
        #[allow(clippy::panic)]
        Err(error) => panic!("a product of [{m}, {k}] with [{k}, {n}] cannot be launched: {error:?}"),
    }
}

/// `out` = `a` · `b` without tensor cores, for which burn's own choice would round float32 to the 10 bits of TF32.
fn exact(a: CubeTensor, b: CubeTensor, out: &CubeTensor) -> Result<(), MatmulSetupError> {
    let [lhs, rhs, wide] = [&a, &b, out].map(|tensor| dtype_to_storage_type(tensor.dtype));
    let (a, b) = (InputBinding::new(a.binding(), lhs), InputBinding::new(b.binding(), rhs));
    let mut elements = MatmulElems::from_globals(&MatmulGlobalElems { lhs, rhs, out: wide });
    let strategy = Strategy::MultiLevel(multi_level::Strategy::SimpleUnit(BlueprintStrategy::default()));
    launch_ref(&strategy, &out.client, a, b, out.clone().binding(), &mut elements)
}

/// The same numbers as another type.
pub(super) fn as_type(x: &CubeTensor, dtype: DType) -> CubeTensor {
    if x.dtype == dtype { x.clone() } else { CubeBackend::float_cast(x.clone(), dtype.into()) }
}

pub(super) fn transposed(x: CubeTensor) -> CubeTensor {
    CubeBackend::float_swap_dims(x, 0, 1)
}

/// Columns `start..end`, contiguous.
pub(super) fn columns(x: &CubeTensor, start: usize, end: usize) -> CubeTensor {
    let rows = x.meta.shape()[0];
    let ranges = [Slice::from(0..rows), Slice::from(start..end)];
    into_contiguous(CubeBackend::float_slice(x.clone(), &ranges))
}

/// `x` `[m, cols]` times a packed matrix, transposed: `[m, rows]` of type `out`.
pub(super) fn packed(x: &CubeTensor, packed: &Packed, out: DType) -> CubeTensor {
    if x.meta.shape()[0] <= FEW {
        return few::packed(x, packed, out);
    }
    let parts = ranges(packed).map(|(start, rows)| {
        let scratch = range(packed, start, rows, x.dtype);
        multiply(x.clone(), transposed(scratch), out)
    });
    join(parts.collect(), 1)
}

/// `g` `[m, rows]` times a packed matrix: `[m, cols]` of type `out`.
pub(super) fn packed_transposed(g: &CubeTensor, packed: &Packed, out: DType) -> CubeTensor {
    let whole = packed.rows();
    let parts = ranges(packed).map(|(start, rows)| {
        let scratch = range(packed, start, rows, g.dtype);
        let g = if rows == whole { g.clone() } else { columns(g, start, start + rows) };
        multiply(g, scratch, DType::F32)
    });
    let sum = parts.reduce(CubeBackend::float_add);
    let empty = || zeros_client(g.client.clone(), g.device.clone(), Shape::new([g.meta.shape()[0], packed.cols]), out);
    sum.map_or_else(empty, |sum| as_type(&sum, out))
}

/// `x` `[m, cols]` times a dense matrix of any float type, transposed: `[m, rows]` of type `out`.
pub(super) fn dense(x: &CubeTensor, weight: &CubeTensor, out: DType) -> CubeTensor {
    let [m, cols]: [usize; 2] = x.meta.shape().dims();
    if (1..=FEW).contains(&m) && cols.is_multiple_of(4) && cols > 0 {
        return few::dense(x, weight, out);
    }
    multiply(x.clone(), transposed(as_type(weight, x.dtype)), out)
}

/// `g` `[m, rows]` times a dense matrix of any float type: `[m, cols]` of type `out`.
pub(super) fn dense_transposed(g: &CubeTensor, weight: &CubeTensor, out: DType) -> CubeTensor {
    multiply(g.clone(), as_type(weight, g.dtype), out)
}

/// Ranges of rows that fit into scratch memory, as equal as can be: start and length.
fn ranges(packed: &Packed) -> impl Iterator<Item = (usize, usize)> {
    let rows = packed.rows();
    let most = (SCRATCH_WEIGHTS / packed.cols.max(1)).max(1);
    let step = rows.div_ceil(rows.div_ceil(most).max(1)).max(1);
    (0..rows).step_by(step).map(move |start| (start, step.min(rows - start)))
}

fn join(mut parts: Vec<CubeTensor>, dim: usize) -> CubeTensor {
    match parts.len() {
        1 => parts.remove(0),
        _ => into_contiguous(CubeBackend::float_cat(parts, dim)),
    }
}
