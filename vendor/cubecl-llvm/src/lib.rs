//! Stands in for CubeCL's LLVM compiler.
//!
//! `cubecl-cuda` can turn a kernel into PTX in two ways: through CUDA C++ and NVRTC, or through LLVM. Its feature `cpp`
//! makes it take the first way, but it depends on the crate of the second in any case, and building that one downloads
//! LLVM. This crate has the names that `cubecl-cuda` mentions and none of the machinery: with `cpp` nothing here is
//! called, and without it every kernel fails to compile with an error that says why. See `docs/cuda.md`.

use std::fmt;

use cubecl_core::{
    CompilationError, Compiler, environment::backtrace::BackTrace, ir::nvidia::SmArch, prelude::KernelDefinition,
};
use cubecl_runtime::kernel::BufferIOAttr;

use nvptx::ptx_version::PtxVersion;

/// The part of the real crate that knows NVIDIA's assembly.
pub mod nvptx {
    /// Versions of PTX.
    pub mod ptx_version {
        use std::fmt;

        /// A version of PTX. None is ever produced, so that there is no value of this type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PtxVersion {}

        impl PtxVersion {
            /// The newest version that a driver loads: none, since no PTX comes from here.
            pub fn for_driver(_driver: i32) -> Option<Self> {
                None
            }
        }

        impl fmt::Display for PtxVersion {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {}
            }
        }
    }
}

/// The part of the real crate that its targets have in common.
pub mod shared {
    /// What a target can do.
    pub mod lowered_features {
        use cubecl_core::ir::DeviceProperties;

        /// The GPU targets whose features the real crate restricts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum GpuTarget {
            /// NVIDIA.
            Nvptx,
        }

        /// Would take away what LLVM cannot lower. Called only where LLVM compiles, which is nowhere.
        pub fn restrict_features(_properties: &mut DeviceProperties, _target: GpuTarget) {}
    }
}

/// What LLVM would compile for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlvmTarget {
    /// NVIDIA.
    #[default]
    Nvptx,
}

/// The compiler that refuses.
#[derive(Clone, Debug, Default)]
pub struct PlironCompiler {
    /// What it would compile for.
    pub target: LlvmTarget,
}

/// Options, as `cubecl-cuda` fills them in.
#[derive(Clone, Debug, Default)]
pub struct PlironOptions {
    /// A processor by name; not used for GPUs.
    pub arch: Option<String>,
    /// The GPU's compute capability.
    pub sm_arch: Option<SmArch>,
    /// The newest PTX that the driver loads.
    pub ptx_version: Option<PtxVersion>,
    /// Whether kernel parameters are grid constants.
    pub grid_constants: bool,
    /// Alignment of buffers on a CPU; not used for GPUs.
    pub cpu_buffer_alignment: Option<u32>,
}

/// A compiled kernel, of which there never is one.
#[derive(Clone, Debug)]
pub struct NvptxModule {
    /// PTX, ended by a zero.
    pub ptx: Vec<std::ffi::c_char>,
    /// LLVM's intermediate representation.
    pub ir: String,
    /// Dynamic shared memory in bytes.
    pub shared_memory_size: usize,
    /// What the kernel does with each buffer.
    pub io: Vec<BufferIOAttr>,
}

/// What the compiler would give back.
#[derive(Clone, Debug)]
pub enum PlironArtifact {
    /// Code for NVIDIA GPUs.
    NvptxCode(NvptxModule),
    /// Code for anything else; there so that `cubecl-cuda` can rule it out.
    Other,
}

impl fmt::Display for PlironArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NvptxCode(module) => f.write_str(&module.ir),
            Self::Other => f.write_str("no code"),
        }
    }
}

impl Compiler for PlironCompiler {
    type Representation = PlironArtifact;
    type CompilationOptions = PlironOptions;

    fn compile(&mut self, _: KernelDefinition, _: &PlironOptions) -> Result<PlironArtifact, CompilationError> {
        let reason = "this build has no LLVM; build cubecl-cuda with its feature `cpp`, as docs/cuda.md explains".to_owned();
        Err(CompilationError::Generic { reason, backtrace: BackTrace::capture() })
    }

    fn extension(&self) -> &'static str {
        "ll"
    }

    fn lang_tag(&self) -> &'static str {
        "llvm"
    }
}
