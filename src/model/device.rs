//! Where tensors live.

use burn::tensor::Device;

use super::ModelError;

/// A device with what people and meters want to know of it.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// For people, as in `cpu, 2 threads`.
    pub description: String,
    /// The GPU's index, if it is one.
    pub gpu_index: Option<u32>,
}

/// The device that `auto`, `cpu`, `cuda` or `cuda:N` names. `auto` is a GPU if this build and this machine have one.
///
/// # Errors
/// A GPU is asked for and there is none, or this build has no support for one.
pub fn choose(name: &str) -> Result<Chosen, ModelError> {
    match name.split_once(':').map_or((name, None), |(kind, index)| (kind, Some(index))) {
        ("auto", None) => Ok(gpu(0).unwrap_or_else(|_| cpu())),
        ("cpu", None) => Ok(cpu()),
        ("cuda", index) => gpu(index.and_then(|i| i.split(',').next()?.parse().ok()).unwrap_or(0)),
        _ => Err(no_device(name, "there is no such device; use auto, cpu, cuda or cuda:N")),
    }
}

fn cpu() -> Chosen {
    let description = format!("cpu, {} threads", rayon::current_num_threads());
    Chosen { device: Device::flex(), description, gpu_index: None }
}

fn no_device(name: &str, problem: impl Into<String>) -> ModelError {
    ModelError::Device { name: name.to_owned(), problem: problem.into() }
}

/// The operations that the model needs run on the CPU only so far, whatever else burn was built with.
fn gpu(index: u32) -> Result<Chosen, ModelError> {
    Err(no_device(&format!("cuda:{index}"), "this build computes on the CPU only; use --device cpu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_falls_back_to_the_cpu_and_cuda_does_not() {
        assert!(choose("auto").unwrap().description.starts_with("cpu"));
        assert!(choose("cpu").unwrap().gpu_index.is_none());
        for name in ["cuda", "cuda:1", "tpu"] {
            let error = choose(name).unwrap_err();
            assert!(error.is_environment() && error.to_string().contains("--device cpu") || name == "tpu", "{error}");
        }
    }
}
