//! Worker processes: the same program, started as `sqlr1-tui sql-worker`, executes one query after the other for a parent
//! that may kill it at any moment.
//!
//! A query that cannot be interrupted, fills the memory or finds a defect in SQLite costs a worker, which is replaced;
//! it never reaches the trainer. Parent and worker speak in frames (`wire`) over the worker's stdin and stdout: first the
//! worker says that it is ready, then each request is answered by what came of it.

mod confine;
mod inherited;
mod pool;
mod process;
mod program;
mod serve;
mod wire;

pub use pool::Pool;
pub use process::WorkerError;
pub use program::{Provisions, WorkerProgram};
pub use serve::{ServeError, serve};
