//! `memory`: what is kept, what is computed anew, and how much there may be.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// `memory`: what is kept, what is computed anew, and how much there may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemorySettings {
    /// Whether the backward pass computes a layer's activations anew from its input.
    pub recompute: Recompute,
    /// Positions whose logits are held at a time by the language-model head.
    pub head_chunk: usize,
    /// Completions generated at the same time; all of a rollout if absent. It changes results by no more than rounding.
    pub samples_in_flight: Option<usize>,
    /// Completions of a group whose gradient is computed at the same time; all if absent. It changes results by no more than rounding.
    pub completions_per_pass: Option<usize>,
    /// Memory that the run should stay within, as `6GB`, `800MiB` or bytes: after a step that took more, the run does without something.
    pub limit: Option<MemoryLimit>,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            recompute: Recompute::Auto,
            head_chunk: 128,
            samples_in_flight: None,
            completions_per_pass: None,
            limit: None,
        }
    }
}

/// Whether the backward pass computes a layer's activations anew from its input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// Only where activations do not fit: the rollout's are kept for the update where a quarter of the machine's memory
    /// suffices for all of a step's, else those of as many layers as half of the memory that is free can hold.
    #[default]
    Auto,
    /// For every layer: least memory.
    Always,
    /// For no layer: fastest.
    Never,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct MemoryLimit(pub u64);

/// A limit as people write it: with a unit, or as a bare number of bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Bytes(u64),
    Text(String),
}

/// Units and what they are in bytes, longer names first.
const UNITS: [(&str, u64); 9] = [
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1000),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("b", 1),
];

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim().to_lowercase();
        let (number, unit) =
            UNITS.iter().find_map(|(name, size)| Some((plain.strip_suffix(name)?, *size))).unwrap_or((&plain, 1));
        let number: f64 = number.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0).ok_or_else(|| {
            format!(
                "`{text}` is no amount of memory; write a number with a unit, as 6GB or 800MiB, or a number of bytes"
            )
        })?;
        Ok(Self((number * unit as f64) as u64))
    }
}

impl TryFrom<Written> for MemoryLimit {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The largest unit that says it exactly.
        let units = [("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000)];
        match units.into_iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((name, size)) => write!(f, "{}{name}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl From<MemoryLimit> for String {
    fn from(limit: MemoryLimit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them_and_written_back() {
        let read = |text: &str| text.parse::<MemoryLimit>().map(|limit| limit.0);
        assert_eq!(read("6GB"), Ok(6_000_000_000));
        assert_eq!(read(" 1.5 GiB "), Ok(3 << 29));
        assert_eq!(read("800MiB"), Ok(800 << 20));
        assert_eq!(read("512m"), Ok(512 << 20));
        assert_eq!(read("12345"), Ok(12345));
        for wrong in ["", "much", "-3GB", "GB", "1TBx", "nan"] {
            assert!(read(wrong).unwrap_err().contains("6GB"), "{wrong}");
        }
        for text in ["6GB", "800MiB", "3GiB", "12345B"] {
            assert_eq!(text.parse::<MemoryLimit>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn yaml_has_limits_as_text_or_number() {
        let read = |text: &str| serde_yaml::from_str::<MemorySettings>(text).map(|memory| memory.limit);
        assert_eq!(read("limit: 6GB").unwrap(), Some(MemoryLimit(6_000_000_000)));
        assert_eq!(read("limit: 1000000").unwrap(), Some(MemoryLimit(1_000_000)));
        assert_eq!(read("limit: null").unwrap(), None);
        assert!(read("limit: plenty").unwrap_err().to_string().contains("no amount of memory"));
    }
}
