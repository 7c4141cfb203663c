//! What can be taught.

use std::path::Path;

use super::Bundle;
use crate::{
    model::{Completion, GenerateRequest, LoraGrads, LoraParam, ModelError, Sampling, Tokenizer, generate::ProgressFn},
    run::event::ModelSummary,
};

/// Something with parameters that learns from bundles, and answers as it will when it is used.
pub trait Pupil {
    /// Everything that is trained.
    fn params(&self) -> &[LoraParam];

    /// Everything that is trained.
    fn params_mut(&mut self) -> &mut [LoraParam];

    /// The sum of −log p over the answers' tokens; adds `weight` times its gradient to `grads`.
    ///
    /// # Errors
    /// The computation fails.
    fn gradient(&self, bundle: &Bundle, weight: f32, grads: &mut LoraGrads) -> Result<f64, ModelError>;

    /// Replies of the model in the form in which it will be used; `None` if `on_progress` broke off.
    ///
    /// # Errors
    /// The computation fails.
    fn generate(
        &self,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError>;

    /// The tokenizer.
    fn tokenizer(&self) -> &Tokenizer;

    /// The model in figures.
    fn summary(&self) -> ModelSummary;

    /// Writes what was learned into a folder.
    ///
    /// # Errors
    /// A file cannot be written, or a weight is not finite.
    fn save(&self, dir: &Path) -> Result<(), ModelError>;

    /// Takes back what [`Pupil::save`] wrote.
    ///
    /// # Errors
    /// A file is missing or damaged, or does not fit.
    fn restore(&mut self, dir: &Path) -> Result<(), ModelError>;
}
