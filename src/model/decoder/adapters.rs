//! Adapters arranged as the decoder reads them: the A matrices of projections with the same input on top of each other,
//! and their B matrices likewise.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::dropout::Dropout;
use crate::model::{
    ModelConfig, ModelError,
    ops::{layout::AdapterLayout, tight},
};

/// The projections of a layer, stack by stack, in the order of [`super::super::weights::LayerWeights`].
const STACKS: [&[&str]; 4] = [&["q_proj", "k_proj", "v_proj"], &["o_proj"], &["gate_proj", "up_proj"], &["down_proj"]];

/// The stacks of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// q, k and v.
    Qkv,
    /// Attention's output.
    Output,
    /// gate and up.
    GateUp,
    /// down.
    Down,
}

/// Where a projection's A and B lie among the parameters.
pub type Slot = Option<(usize, usize)>;

/// The adapters of one stack: y += scale · B(A x), projection by projection.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// A matrices on top of each other, `[projections · r, in]`.
    pub a: Tensor<2>,
    /// B matrices beside each other, transposed and scaled, `[r, out]`: a row of outputs is a sum of its rows.
    pub flipped: Tensor<2>,
    /// Rank, scale and the projections' widths.
    pub layout: Arc<AdapterLayout>,
    /// The parameters behind each projection.
    pub slots: Vec<Slot>,
    /// What of the input the adapter does not see.
    pub dropout: Option<Dropout>,
}

impl Adapter {
    /// The input as the adapter sees it.
    pub fn seen(&self, x: Tensor<2>) -> Tensor<2> {
        match self.dropout {
            Some(dropout) => dropout.apply(x),
            None => x,
        }
    }

    /// Numbers in A and B.
    pub fn elements(&self) -> usize {
        [self.a.dims(), self.flipped.dims()].iter().map(|[rows, cols]| rows * cols).sum()
    }
}

/// The adapters of all layers.
#[derive(Debug, Clone)]
pub struct AdapterSet {
    layers: Vec<[Option<Adapter>; 4]>,
}

impl AdapterSet {
    /// Arranges parameters by their PEFT names (`…layers.3.self_attn.q_proj.lora_A.weight`). A projection without
    /// adapter beside one that has it counts as zero.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for names of no projection, a missing A or B, or shapes that do not fit.
    pub fn new<'a>(
        config: &ModelConfig,
        scale: f32,
        params: impl IntoIterator<Item = (&'a str, &'a Tensor<2>)>,
    ) -> Result<Self, ModelError> {
        let params: Vec<(&str, &Tensor<2>)> = params.into_iter().collect();
        let mut found = vec![[[None::<usize>; 2]; 7]; config.num_hidden_layers];
        for (index, (name, _)) in params.iter().enumerate() {
            let (layer, projection, matrix) = place(name)?;
            let layer = found.get_mut(layer).ok_or_else(|| {
                ModelError::Compute(format!(
                    "adapter parameter {name}: the model has {} layers",
                    config.num_hidden_layers
                ))
            })?;
            layer[projection][matrix] = Some(index);
        }
        let mut layers = Vec::with_capacity(found.len());
        for (number, found) in found.into_iter().enumerate() {
            let mut rest = found.as_slice();
            let mut stacks = [None, None, None, None];
            for (index, (stack, names)) in stacks.iter_mut().zip(STACKS).enumerate() {
                let (these, others) = rest.split_at(names.len());
                rest = others;
                let shape = stack_shape(config, index);
                *stack = build(&params, these, &shape, scale)
                    .map_err(|problem| ModelError::Compute(format!("adapter of layer {number}: {problem}")))?;
            }
            layers.push(stacks);
        }
        Ok(Self { layers })
    }

    /// The same adapters with dropout; each stack has a mask of its own.
    #[must_use]
    pub fn with_dropout(mut self, dropout: Option<Dropout>) -> Self {
        let stacks = self.layers.iter_mut().flatten().enumerate();
        for (place, adapter) in stacks.filter_map(|(place, adapter)| Some((place, adapter.as_mut()?))) {
            adapter.dropout = dropout.map(|dropout| dropout.at(place as u64));
        }
        self
    }

    /// The adapters of a stack, if it has any.
    pub fn get(&self, layer: usize, stack: Stack) -> Option<&Adapter> {
        self.layers.get(layer).and_then(|stacks| stacks[stack as usize].as_ref())
    }
}

/// Layer, projection (in the order of [`STACKS`]) and matrix (0 is A, 1 is B) of a parameter.
fn place(name: &str) -> Result<(usize, usize, usize), ModelError> {
    let error =
        || ModelError::Compute(format!("adapter parameter {name}: not the name of a projection's lora_A or lora_B"));
    let (_, rest) = name.split_once("layers.").ok_or_else(error)?;
    let mut parts = rest.split('.');
    let layer = parts.next().and_then(|n| n.parse().ok()).ok_or_else(error)?;
    let projection =
        STACKS.iter().copied().flatten().position(|p| rest.split('.').any(|part| part == *p)).ok_or_else(error)?;
    let matrix = match (rest.contains(".lora_A"), rest.contains(".lora_B")) {
        (true, false) => 0,
        (false, true) => 1,
        _ => return Err(error()),
    };
    Ok((layer, projection, matrix))
}

/// Inputs and output widths of a stack.
struct StackShape {
    inputs: usize,
    widths: Vec<usize>,
}

fn stack_shape(config: &ModelConfig, stack: usize) -> StackShape {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.query_size(), config.key_value_size());
    match stack {
        0 => StackShape { inputs: hidden, widths: vec![q, kv, kv] },
        1 => StackShape { inputs: q, widths: vec![hidden] },
        2 => StackShape { inputs: hidden, widths: vec![inner, inner] },
        _ => StackShape { inputs: inner, widths: vec![hidden] },
    }
}

fn build(
    params: &[(&str, &Tensor<2>)],
    found: &[[Option<usize>; 2]],
    shape: &StackShape,
    scale: f32,
) -> Result<Option<Adapter>, String> {
    let mut slots = Vec::with_capacity(found.len());
    for pair in found {
        slots.push(match *pair {
            [Some(a), Some(b)] => Some((a, b)),
            [None, None] => None,
            [Some(one), None] | [None, Some(one)] => return Err(format!("{} has no partner", params[one].0)),
        });
    }
    let Some((first, _)) = slots.iter().flatten().next().copied() else { return Ok(None) };
    let (r, device) = (params[first].1.dims()[0], params[first].1.device());
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (slot, &width) in slots.iter().zip(&shape.widths) {
        let Some((a_index, b_index)) = *slot else {
            a.push(Tensor::zeros([r, shape.inputs], &device));
            b.push(Tensor::zeros([width, r], &device));
            continue;
        };
        for (index, expected) in [(a_index, [r, shape.inputs]), (b_index, [width, r])] {
            let dims = params[index].1.dims();
            if dims != expected {
                return Err(format!("{} has shape {dims:?}, expected {expected:?}", params[index].0));
            }
        }
        a.push(params[a_index].1.clone());
        b.push(params[b_index].1.clone());
    }
    let layout = Arc::new(AdapterLayout { r, scale, widths: shape.widths.clone() });
    // A transposed tensor keeps its order in memory: made straight here, once, and not in each kernel that reads it.
    let flipped = tight(Tensor::cat(b, 0).transpose() * scale);
    Ok(Some(Adapter { a: tight(Tensor::cat(a, 0)), flipped, layout, slots, dropout: None }))
}

/// Gradients of adapter parameters, one for each, in the parameters' order.
#[derive(Debug, Clone)]
pub struct LoraGrads {
    /// Gradients, shaped like the parameters.
    pub values: Vec<Tensor<2>>,
}

impl LoraGrads {
    /// Zeros, shaped like the parameters.
    pub fn zeros<'a>(params: impl IntoIterator<Item = &'a Tensor<2>>) -> Self {
        Self { values: params.into_iter().map(Tensor::zeros_like).collect() }
    }

    /// Adds a stack's gradients: `a` like [`Adapter::a`], `b` of the B matrices on top of each other, `[out, r]`.
    pub fn add(&mut self, adapter: &Adapter, a: &Tensor<2>, b: &Tensor<2>) {
        let (r, mut column) = (adapter.layout.r, 0);
        for (index, (slot, &width)) in adapter.slots.iter().zip(&adapter.layout.widths).enumerate() {
            if let Some((a_index, b_index)) = *slot {
                self.values[a_index].inplace(|sum| sum + a.clone().narrow(0, index * r, r));
                self.values[b_index].inplace(|sum| sum + b.clone().narrow(0, column, width));
            }
            column += width;
        }
    }
}
