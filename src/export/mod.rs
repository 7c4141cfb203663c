//! A run's figures for other programs: TensorBoard's event files and MLflow's REST interface, afterwards or while it trains.
//!
//! Everything is read from the run's store, so that an exporter can be slow, fail and try again without the trainer knowing of it.

mod crc32c;
mod error;
mod event_file;
mod live;
pub mod mlflow;
pub mod scalars;
pub mod tensorboard;

pub use error::ExportError;
pub use live::{Live, Target};
pub use mlflow::Mlflow;
pub use tensorboard::TensorBoard;
