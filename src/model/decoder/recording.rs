//! What generation has computed of a prompt and its completions, kept for a backward pass with the same weights: the forward
//! pass need not be done again.

use burn::tensor::{Int, Tensor, TensorData};

use super::layer::LayerRecord;

/// What the layers made of some rows: a whole prompt, or one new token of each of several sequences.
#[derive(Debug, Clone)]
pub struct RecordedRows {
    /// One record for each layer.
    pub layers: Vec<LayerRecord>,
    /// The residual stream behind the last layer.
    pub last: Tensor<2>,
}

/// All rows of a packed group, in the parts in which they were computed.
#[derive(Debug, Clone)]
pub struct Recording {
    /// By layer, then by part.
    layers: Vec<Vec<LayerRecord>>,
    /// By part.
    last: Vec<Tensor<2>>,
    /// First row of each part when all are on top of each other, and the end.
    starts: Vec<usize>,
    /// Rows of the prompt, which is the first part.
    prompt: usize,
    /// Rows of each completion, as rows of the stacked parts.
    completions: Vec<Vec<usize>>,
}

impl Recording {
    /// With the prompt alone; `completions` will follow.
    pub fn new(prompt: RecordedRows, completions: usize) -> Self {
        let rows = prompt.last.dims()[0];
        Self {
            layers: prompt.layers.into_iter().map(|record| vec![record]).collect(),
            last: vec![prompt.last],
            starts: vec![0, rows],
            prompt: rows,
            completions: vec![Vec::new(); completions],
        }
    }

    /// Adds a part, of which `rows` are this group's: the completion's number, and the row within the part.
    pub fn add(&mut self, part: &RecordedRows, rows: &[(usize, usize)]) {
        let start = self.starts.last().copied().unwrap_or(0);
        for (layer, record) in self.layers.iter_mut().zip(&part.layers) {
            layer.push(record.clone());
        }
        self.starts.push(start + part.last.dims()[0]);
        self.last.push(part.last.clone());
        for &(completion, row) in rows {
            self.completions[completion].push(start + row);
        }
    }

    /// Rows of the prompt, and of each completion.
    pub fn shape(&self) -> (usize, Vec<usize>) {
        (self.prompt, self.completions.iter().map(Vec::len).collect())
    }

    /// The residual stream behind the last layer for the packed sequence's rows from `first` on.
    pub(super) fn last_rows(&self, first: usize) -> Tensor<2> {
        let stacked = Tensor::cat(self.last.clone(), 0);
        let order = &self.order()[first..];
        stacked.clone().select(0, indices(order, &stacked))
    }

    /// The record of the last layer that is left, in the packed sequence's order.
    pub(super) fn pop_layer(&mut self) -> Option<LayerRecord> {
        let parts = self.layers.pop()?;
        let order = indices(&self.order(), self.last.first()?);
        Some(LayerRecord::gather(&parts, &order))
    }

    fn order(&self) -> Vec<i64> {
        (0..self.prompt).chain(self.completions.iter().flatten().copied()).map(|row| row as i64).collect()
    }
}

fn indices(rows: &[i64], like: &Tensor<2>) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len()]), &like.device())
}
