//! How rows and columns of the decoder's tensors are arranged.

/// Attention heads of a layer. A row of a stacked q/k/v output is `q` query heads, `kv` key heads, `kv` value heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads; a multiple of `kv`.
    pub q: usize,
    /// Key (and value) heads.
    pub kv: usize,
    /// Width of a head.
    pub dim: usize,
}

impl Heads {
    /// Columns of a stacked q/k/v row.
    pub fn qkv_width(self) -> usize {
        (self.q + 2 * self.kv) * self.dim
    }

    /// Columns of attention's output.
    pub fn q_width(self) -> usize {
        self.q * self.dim
    }

    /// Columns of the keys and values of a row.
    pub fn kv_width(self) -> usize {
        2 * self.kv * self.dim
    }

    /// Query heads that share a key head.
    pub fn group(self) -> usize {
        self.q / self.kv
    }

    /// Factor on the scores.
    pub fn scale(self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }
}

/// The segments of a packed sequence: a prompt, then completions that see the prompt and themselves only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    /// Rows of the prompt.
    pub prompt: usize,
    /// Rows of each completion, in order.
    pub completions: Vec<usize>,
}

impl Segments {
    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.prompt + self.completions.iter().sum::<usize>()
    }

    /// Start and length of each segment, the prompt first.
    pub fn ranges(&self) -> Vec<(usize, usize)> {
        let mut start = self.prompt;
        let mut ranges = vec![(0, self.prompt)];
        for &rows in &self.completions {
            ranges.push((start, rows));
            start += rows;
        }
        ranges
    }

    /// The position of each row: every completion goes on where the prompt ends.
    pub fn positions(&self) -> Vec<usize> {
        let completions = self.completions.iter().flat_map(|&rows| self.prompt..self.prompt + rows);
        (0..self.prompt).chain(completions).collect()
    }
}

/// Where a sequence that is being written finds its keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheRow {
    /// First row of its prompt in the prompts' cache.
    pub prompt_start: usize,
    /// Rows of its prompt.
    pub prompt_rows: usize,
    /// First row of its own range in the completions' cache.
    pub own_start: usize,
    /// Rows it has written so far; the new row goes behind them.
    pub own_rows: usize,
}

/// The adapters of a stack of projections: A `[projections · r, in]` and B `[out, r]`, each on top of each other.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterLayout {
    /// Rank.
    pub r: usize,
    /// Factor on the adapter's output.
    pub scale: f32,
    /// Output columns of each projection.
    pub widths: Vec<usize>,
}

impl AdapterLayout {
    /// First output column and width of each projection.
    pub fn columns(&self) -> Vec<(usize, usize)> {
        let starts = self.widths.iter().scan(0, |next, &width| {
            *next += width;
            Some(*next - width)
        });
        starts.zip(self.widths.iter().copied()).collect()
    }
}
