//! The stand-in for turso, in which `CubeCL` keeps compiled kernels (docs/cuda.md): only builds with `cuda` have it as a crate, so that it is
//! tested from here.
#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

#[path = "../vendor/turso/src/lib.rs"]
mod turso;
