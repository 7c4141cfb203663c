//! What every launch needs: outputs, small arguments, and how many units there are to be.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    backend::cubecl::dtype_to_elem_type,
    tensor::{DType, Shape},
};
use burn_cubecl::{
    CubeDevice, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor,
};
use cubecl::{calculate_cube_count_elemwise, ir::ElemType, prelude::*};

use crate::model::packed::nf4::{NF4, dynamic_map};

/// Units of a cube where each works by itself.
const UNITS: u32 = 256;

/// An uninitialized contiguous tensor beside another one.
pub(super) fn empty(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// The tensor itself, or a copy where something else holds it, to be written in place. A copy of burn's may have gaps between its rows.
pub(super) fn to_write(tensor: CubeTensor) -> CubeTensor {
    if tensor.can_mut() { tensor } else { into_contiguous(tensor.copy()) }
}

/// Cubes and their size for units that work each by itself.
pub(super) fn elementwise(like: &CubeTensor, units: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(UNITS);
    (calculate_cube_count_elemwise(&like.client, units, dim), dim)
}

/// A cube for each row; kernels take `CUBE_POS` for the row's number and leave if it lies beyond the last one.
pub(super) fn cube_each(rows: usize) -> CubeCount {
    /// Within what every API allows in one direction.
    const SIDE: usize = 1 << 15;
    CubeCount::Static(rows.min(SIDE) as u32, rows.div_ceil(SIDE) as u32, 1)
}

/// Numbers for a kernel, uploaded.
pub(super) fn numbers_of(like: &CubeTensor, values: &[u32]) -> BufferArg {
    numbers(like, bytemuck::cast_slice(values), DType::U32, values.len()).into_buffer_arg()
}

/// Floats for a kernel, uploaded.
pub(super) fn floats(like: &CubeTensor, values: &[f32]) -> BufferArg {
    numbers(like, bytemuck::cast_slice(values), DType::F32, values.len()).into_buffer_arg()
}

fn numbers(like: &CubeTensor, bytes: &[u8], dtype: DType, count: usize) -> CubeTensor {
    let handle = like.client.create_from_slice(bytes);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), Shape::new([count]), handle, dtype)
}

/// Numbers that are made of `source`, uploaded once for all layers that use them one after another.
pub(super) fn numbers_from<T: Any + Send + Sync>(
    like: &CubeTensor,
    source: &Arc<T>,
    make: impl FnOnce(&T) -> Vec<u32>,
) -> CubeTensor {
    /// Different ones in use at a time: tiles of queries and of keys, and rows of the cache, of one pass.
    const HELD: usize = 4;
    static UPLOADED: Mutex<Vec<Uploaded>> = Mutex::new(Vec::new());
    let maker = std::any::type_name_of_val(&make);
    let wanted: Arc<dyn Any + Send + Sync> = source.clone();
    let mut uploaded = UPLOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = |entry: &&Uploaded| {
        Arc::ptr_eq(&entry.source, &wanted) && entry.maker == maker && entry.tensor.device == like.device
    };
    if let Some(entry) = uploaded.iter().find(known) {
        return entry.tensor.clone();
    }
    let values = make(source);
    let tensor = numbers(like, bytemuck::cast_slice(&values), DType::U32, values.len());
    if uploaded.len() == HELD {
        uploaded.remove(0);
    }
    uploaded.push(Uploaded { source: wanted, maker, tensor: tensor.clone() });
    tensor
}

/// What was uploaded, and of what it was made; the source is kept, so that no other one can take its address.
struct Uploaded {
    source: Arc<dyn Any + Send + Sync>,
    maker: &'static str,
    tensor: CubeTensor,
}

/// What `CubeCL` calls burn's type.
pub(super) fn element(dtype: DType) -> ElemType {
    dtype_to_elem_type(dtype)
}

/// NF4's values and then those of its scales' codes, once for each device.
pub(super) fn tables(like: &CubeTensor) -> CubeTensor {
    static TABLES: Mutex<Vec<(CubeDevice, CubeTensor)>> = Mutex::new(Vec::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, table)) = tables.iter().find(|(device, _)| *device == like.device) {
        return table.clone();
    }
    let values: Vec<f32> = NF4.iter().chain(dynamic_map()).copied().collect();
    let table = numbers(like, bytemuck::cast_slice(&values), DType::F32, values.len());
    tables.push((like.device.clone(), table.clone()));
    table
}
