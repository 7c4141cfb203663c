//! Named float32 matrices in a safetensors file, as checkpoints keep them.

use std::{collections::HashMap, fs, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::ModelError;

/// Writes matrices and the file's metadata.
///
/// # Errors
/// The device or the disk fails.
pub fn save(path: &Path, matrices: &[(String, &Tensor<2>)], metadata: &[(&str, String)]) -> Result<(), ModelError> {
    let floats =
        |tensor: &Tensor<2>| tensor.clone().try_into_vec_as::<f32>().map_err(|e| ModelError::Compute(format!("{e:?}")));
    let values = matrices.iter().map(|(_, tensor)| floats(tensor)).collect::<Result<Vec<_>, _>>()?;
    let broken = |e: safetensors::SafeTensorError| problem(path, e.to_string());
    let view = |((name, tensor), values): (&(String, &Tensor<2>), _)| {
        let view = TensorView::new(Dtype::F32, tensor.dims().to_vec(), bytemuck::cast_slice(values));
        view.map(|view| (name.clone(), view)).map_err(broken)
    };
    let views = matrices.iter().zip(values.iter().map(Vec::as_slice)).map(view).collect::<Result<Vec<_>, _>>()?;
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
    fs::write(path, bytes).map_err(|e| ModelError::io("write", path, e))
}

/// Reads matrices of these names and shapes, and the file's metadata.
///
/// # Errors
/// The file is missing or damaged, or has not these matrices.
pub fn load(
    path: &Path,
    wanted: &[(String, [usize; 2])],
    device: &Device,
) -> Result<(Vec<Tensor<2>>, HashMap<String, String>), ModelError> {
    let fail = |what: String| problem(path, what);
    let bytes = fs::read(path).map_err(|e| ModelError::io("read", path, e))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| fail(e.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| fail(e.to_string()))?;
    let one = |(name, shape): &(String, [usize; 2])| {
        let view = tensors.tensor(name).map_err(|e| fail(format!("{name}: {e}")))?;
        if view.shape() != shape || view.dtype() != Dtype::F32 {
            return Err(fail(format!("{name} has shape {:?}, {shape:?} expected", view.shape())));
        }
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
        Ok(Tensor::from_data(TensorData::new(values, *shape), device))
    };
    Ok((wanted.iter().map(one).collect::<Result<_, _>>()?, metadata))
}

fn problem(path: &Path, problem: String) -> ModelError {
    ModelError::TensorFile { path: path.to_owned(), problem }
}
