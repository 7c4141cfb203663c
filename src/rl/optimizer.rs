//! AdamW (Loshchilov and Hutter, arXiv 1711.05101) over an adapter's matrices, with clipping by global norm.

use std::path::Path;

use burn::tensor::{Device, Tensor};

use crate::{
    model::{LoraParam, ModelError, tensor_file},
    settings::OptimSettings,
};

/// Name of the optimizer's file in a checkpoint.
pub const OPTIMIZER_FILE: &str = "optimizer.safetensors";

/// Optimizer state that cannot be read or written, or a gradient that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("optimizer: {0}")]
pub struct OptimizerError(String);

/// AdamW with its moments. Its arithmetic is that of PyTorch's `AdamW`.
#[derive(Debug, Clone)]
pub struct AdamW {
    /// Updates done.
    pub updates: u64,
    first: Vec<Tensor<2>>,
    second: Vec<Tensor<2>>,
}

impl AdamW {
    /// Fresh state for `params`.
    pub fn new(params: &[LoraParam]) -> Self {
        let zeros: Vec<_> = params.iter().map(|p| p.value.zeros_like()).collect();
        Self { updates: 0, first: zeros.clone(), second: zeros }
    }

    /// Updates `params` along `gradients`, which are first scaled by `gradient_scale` (see [`clip_scale`]).
    pub fn update(
        &mut self,
        params: &mut [LoraParam],
        gradients: &[Tensor<2>],
        gradient_scale: f64,
        learning_rate: f64,
        optim: &OptimSettings,
    ) {
        self.updates += 1;
        let t = i32::try_from(self.updates).unwrap_or(i32::MAX);
        let (b1, b2) = (optim.adam_beta1, optim.adam_beta2);
        let (correction1, correction2) = (1.0 - b1.powi(t), (1.0 - b2.powi(t)).sqrt());
        for (i, param) in params.iter_mut().enumerate() {
            let gradient = gradients[i].clone() * gradient_scale;
            let first = self.first[i].clone() * b1 + gradient.clone() * (1.0 - b1);
            let second = self.second[i].clone() * b2 + gradient.square() * (1.0 - b2);
            let denominator = second.clone().sqrt() / correction2 + optim.adam_epsilon;
            let kept = param.value.clone() * (1.0 - learning_rate * optim.weight_decay);
            param.value = kept - first.clone() / denominator * (learning_rate / correction1);
            (self.first[i], self.second[i]) = (first, second);
        }
    }

    /// Writes the moments to `dir`/[`OPTIMIZER_FILE`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, params: &[LoraParam], dir: &Path) -> Result<(), OptimizerError> {
        let kinds = [("exp_avg", &self.first), ("exp_avg_sq", &self.second)];
        let named = |(kind, moments): (&'static str, &'_ Vec<Tensor<2>>)| {
            let name = |(param, moment): (&LoraParam, &Tensor<2>)| (format!("{kind}.{}", param.name), moment.clone());
            params.iter().zip(moments).map(name).collect::<Vec<_>>()
        };
        let moments: Vec<(String, Tensor<2>)> = kinds.into_iter().flat_map(named).collect();
        let moments: Vec<_> = moments.iter().map(|(name, moment)| (name.clone(), moment)).collect();
        Ok(tensor_file::save(&dir.join(OPTIMIZER_FILE), &moments, &[("updates", self.updates.to_string())])?)
    }

    /// Reads the moments for `params` from `dir`/[`OPTIMIZER_FILE`].
    ///
    /// # Errors
    /// The file is missing, damaged, or for other parameters.
    pub fn load(params: &[LoraParam], dir: &Path, device: &Device) -> Result<Self, OptimizerError> {
        let path = dir.join(OPTIMIZER_FILE);
        let wanted = ["exp_avg", "exp_avg_sq"]
            .into_iter()
            .flat_map(|kind| params.iter().map(move |p| (format!("{kind}.{}", p.name), p.value.dims())));
        let (mut first, metadata) = tensor_file::load(&path, &wanted.collect::<Vec<_>>(), device)?;
        let updates = metadata
            .get("updates")
            .and_then(|u| u.parse().ok())
            .ok_or_else(|| OptimizerError(format!("{}: it does not say how many updates were done", path.display())))?;
        let second = first.split_off(params.len());
        Ok(Self { updates, first, second })
    }
}

impl From<ModelError> for OptimizerError {
    fn from(error: ModelError) -> Self {
        Self(error.to_string())
    }
}

/// The squared L2 norm of each matrix.
///
/// # Errors
/// The device fails.
pub fn squared_norms(matrices: &[Tensor<2>]) -> Result<Vec<f64>, OptimizerError> {
    if matrices.is_empty() {
        return Ok(Vec::new());
    }
    // One read for all of them: each read waits for the device.
    let squares = Tensor::cat(matrices.iter().map(|g| g.clone().square().sum()).collect::<Vec<Tensor<1>>>(), 0);
    let squares = squares.try_into_vec_as::<f32>().map_err(|e| OptimizerError(format!("{e:?}")))?;
    Ok(squares.into_iter().map(f64::from).collect())
}

/// L2 norm over all gradients.
///
/// # Errors
/// The device fails.
pub fn global_norm(gradients: &[Tensor<2>]) -> Result<f64, OptimizerError> {
    Ok(squared_norms(gradients)?.iter().sum::<f64>().sqrt())
}

/// What gradients of global norm `norm` are multiplied by so that it is at most `max_norm`; 0 is no bound. As PyTorch's
/// `clip_grad_norm_`.
pub fn clip_scale(norm: f64, max_norm: f64) -> f64 {
    if max_norm > 0.0 { (max_norm / (norm + 1e-6)).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn floats(tensor: &Tensor<2>) -> Vec<f32> {
        tensor.clone().try_into_vec_as::<f32>().unwrap()
    }

    fn param(values: &[f32]) -> LoraParam {
        let value =
            Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &crate::model::testing::device());
        LoraParam { name: "w".into(), value }
    }

    fn gradient(values: &[f32]) -> Vec<Tensor<2>> {
        vec![param(values).value]
    }

    fn optim() -> OptimSettings {
        OptimSettings { weight_decay: 0.1, ..OptimSettings::default() }
    }

    #[test]
    #[allow(clippy::many_single_char_names)] // The paper's names.
    fn two_updates_equal_adamw_written_out() {
        let (mut params, gradients) = (vec![param(&[1.0, -2.0])], [[0.5, -1.0], [-0.25, 3.0]]);
        let mut state = AdamW::new(&params);
        let (mut p, mut m, mut v) = ([1.0_f64, -2.0], [0.0; 2], [0.0; 2]);
        for (t, g) in gradients.iter().enumerate() {
            state.update(&mut params, &gradient(&g.map(|x| x as f32)), 0.5, 0.01, &optim());
            for i in 0..2 {
                let g = g[i] * 0.5;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let n = t as i32 + 1;
                let (mh, vh): (f64, f64) = (m[i] / (1.0 - 0.9_f64.powi(n)), v[i] / (1.0 - 0.999_f64.powi(n)));
                p[i] -= 0.01 * (mh / (vh.sqrt() + 1e-8) + 0.1 * p[i]);
            }
        }
        for (found, expected) in floats(&params[0].value).iter().zip(p) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    #[test]
    fn norm_and_clipping() {
        let norm = global_norm(&[gradient(&[3.0]), gradient(&[4.0])].concat()).unwrap();
        assert!((norm - 5.0).abs() < 1e-6);
        assert!((clip_scale(norm, 1.0) * norm - 1.0).abs() < 1e-5);
        assert!((clip_scale(0.5, 1.0) - 1.0).abs() < 1e-12 && (clip_scale(5.0, 0.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn state_survives_the_disk_to_the_bit() {
        let dir = tempfile::tempdir().unwrap();
        let mut params = vec![param(&[1.0, 2.0, 3.0])];
        let mut state = AdamW::new(&params);
        state.update(&mut params, &gradient(&[0.1, 0.2, 0.3]), 1.0, 0.01, &optim());
        state.save(&params, dir.path()).unwrap();
        let mut back = AdamW::load(&params, dir.path(), &crate::model::testing::device()).unwrap();
        let mut same = params.clone();
        state.update(&mut params, &gradient(&[0.3, 0.1, 0.2]), 1.0, 0.01, &optim());
        back.update(&mut same, &gradient(&[0.3, 0.1, 0.2]), 1.0, 0.01, &optim());
        assert_eq!(floats(&params[0].value), floats(&same[0].value));
        assert_eq!(back.updates, 2);
        let other = vec![param(&[1.0])];
        assert!(
            AdamW::load(&other, dir.path(), &crate::model::testing::device())
                .unwrap_err()
                .to_string()
                .contains("shape")
        );
    }
}
