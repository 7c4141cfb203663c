//! Where tensors live.

use burn::tensor::Device;
#[cfg(feature = "cuda")]
use burn::tensor::DeviceType;
use burn::{backend::DispatchDevice, tensor::DType};

use super::ModelError;
use crate::settings::ComputeType;

/// A device with what people and meters want to know of it.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// For people, as in `cpu, 2 threads`.
    pub description: String,
    /// The GPU's index, if it is one of NVIDIA's.
    pub gpu_index: Option<u32>,
}

/// The device that `auto`, `cpu`, `cuda`, `cuda:N` or `wgpu` names. `auto` is an NVIDIA GPU if this build and this machine have one,
/// else the CPU; a GPU by way of Vulkan or Metal is used only where it is asked for.
///
/// # Errors
/// A GPU is asked for and there is none, or this build has no support for one.
pub fn choose(name: &str) -> Result<Chosen, ModelError> {
    match name.split_once(':').map_or((name, None), |(kind, index)| (kind, Some(index))) {
        ("auto", None) => Ok(cuda(0).unwrap_or_else(|_| cpu())),
        ("cpu", None) => Ok(cpu()),
        ("cuda", index) => cuda(index.and_then(|i| i.split(',').next()?.parse().ok()).unwrap_or(0)),
        ("wgpu", None) => wgpu(),
        _ => Err(no_device(name, "there is no such device; use auto, cpu, cuda, cuda:N or wgpu")),
    }
}

fn cpu() -> Chosen {
    let description = format!("cpu, {} threads", rayon::current_num_threads());
    Chosen { device: Device::flex(), description, gpu_index: None }
}

fn no_device(name: &str, problem: impl Into<String>) -> ModelError {
    ModelError::Device { name: name.to_owned(), problem: problem.into() }
}

/// The GPU with this number. Creating a device that is not there would panic on threads of burn, so that they are counted first.
#[cfg(feature = "cuda")]
fn cuda(index: u32) -> Result<Chosen, ModelError> {
    super::compiled_kernels::keep();
    let name = format!("cuda:{index}");
    match Device::enumerate(DeviceType::Cuda).into_vec().len() {
        0 => Err(no_device(
            &name,
            "no NVIDIA GPU was found: the driver (libcuda), NVRTC (libnvrtc) and CUDA's headers (CUDA_PATH, else \
             /usr/local/cuda) must be there, see docs/cuda.md; or use --device cpu",
        )),
        _ if !has_headers() => Err(no_device(
            &name,
            "kernels are compiled with CUDA's headers, and they are not to be found: set CUDA_PATH to a folder with \
             include/cuda_fp16.h and include/crt/mma.h, see docs/cuda.md; or use --device cpu",
        )),
        count if index as usize >= count => Err(no_device(
            &name,
            format!("this machine has {count}, counted from 0; use --device cuda:0 or --device cpu"),
        )),
        _ => {
            let device = Device::cuda(index as usize);
            Ok(Chosen { description: format!("cuda:{index}, {}", adapter(&device)), device, gpu_index: Some(index) })
        }
    }
}

#[cfg(feature = "cuda")]
fn has_headers() -> bool {
    // Python packages of CUDA 13 have the first and lack the second, which burn's products include.
    let needed = ["include/cuda_fp16.h", "include/crt/mma.h"];
    cubecl_cuda::install::cuda_path().is_some_and(|home| needed.iter().all(|file| home.join(file).is_file()))
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: u32) -> Result<Chosen, ModelError> {
    let problem = "this build has no support for NVIDIA GPUs; build it with --features cuda, or use --device cpu";
    Err(no_device(&format!("cuda:{index}"), problem))
}

/// The GPU that the system names first, a software one where there is no other.
#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Chosen, ModelError> {
    let found = Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec();
    let Some(device) = found.into_iter().next() else {
        return Err(no_device("wgpu", "no driver for Vulkan or Metal was found; install one, or use --device cpu"));
    };
    Ok(Chosen { description: format!("wgpu, {}", adapter(&device)), device, gpu_index: None })
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Chosen, ModelError> {
    let problem = "this build has no support for Vulkan or Metal; build it with --features wgpu, or use --device cpu";
    Err(no_device("wgpu", problem))
}

/// The type of a model's activations on a device.
///
/// # Errors
/// bfloat16 where the device does not have it, or on the CPU, whose kernels compute with float32.
pub fn activations(device: &Device, wanted: ComputeType) -> Result<DType, ModelError> {
    let is_cpu = !is_gpu(device);
    let has_halves = !is_cpu && device.supports_dtype(DType::BF16);
    match wanted {
        ComputeType::Float32 => Ok(DType::F32),
        ComputeType::Auto => Ok(if has_halves { DType::BF16 } else { DType::F32 }),
        ComputeType::Bfloat16 if has_halves => Ok(DType::BF16),
        ComputeType::Bfloat16 => Err(no_device(
            if is_cpu { "cpu" } else { "this GPU" },
            "it does not compute with bfloat16; set model.dtype to auto or float32",
        )),
    }
}

/// Whether it is a GPU, a software one among them.
pub fn is_gpu(device: &Device) -> bool {
    !matches!(device.as_dispatch(), DispatchDevice::Flex(_) | DispatchDevice::Autodiff(_))
}

/// A GPU's own memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuMemory {
    /// All there is.
    pub total: u64,
    /// What tensors take.
    pub in_use: u64,
    /// What this process's allocator holds, tensors among it.
    pub reserved: u64,
}

impl GpuMemory {
    /// What this process may still take, as far as its allocator knows.
    pub fn free(self) -> u64 {
        self.total.saturating_sub(self.in_use)
    }
}

/// What the allocator says of a GPU's memory; nothing for a CPU, or where the driver tells no total.
#[cfg(feature = "gpu")]
pub fn gpu_memory(device: &Device) -> Option<GpuMemory> {
    let DispatchDevice::Cube(device) = device.as_dispatch() else { return None };
    let client = device.client();
    let total = client.properties().memory.max_memory()?;
    let usage = client.memory_report(cubecl::MemoryScope::Device).usage();
    Some(GpuMemory { total, in_use: usage.bytes_in_use, reserved: usage.bytes_reserved })
}

/// What the allocator says of a GPU's memory; nothing for a CPU.
#[cfg(not(feature = "gpu"))]
pub fn gpu_memory(_device: &Device) -> Option<GpuMemory> {
    None
}

/// What the driver calls it.
#[cfg(feature = "gpu")]
fn adapter(device: &Device) -> String {
    device.identity().map_or_else(|| "unnamed GPU".into(), |identity| identity.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_falls_back_to_the_cpu_and_gpus_do_not() {
        assert!(choose("cpu").unwrap().gpu_index.is_none());
        for name in ["cuda", "cuda:99", "wgpu", "tpu", "cpu:1"] {
            match choose(name) {
                Ok(chosen) => assert!(matches!(name, "cuda" | "wgpu") && chosen.description.starts_with(name)),
                Err(error) => {
                    let remedy = matches!(name, "tpu" | "cpu:1") || error.to_string().contains("--device cpu");
                    assert!(error.is_environment() && remedy, "{error}");
                }
            }
        }
        let auto = choose("auto").unwrap();
        assert_eq!(auto.gpu_index.is_none(), auto.description.starts_with("cpu"));
    }
}
