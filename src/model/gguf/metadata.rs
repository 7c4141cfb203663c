//! GGUF metadata: typed key-value pairs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{super::ModelError, value::Value};

/// The key-value pairs of a file, with typed access that explains what is missing.
#[derive(Debug, Clone)]
pub struct Metadata {
    path: PathBuf,
    values: HashMap<String, Value>,
}

/// Generates a typed getter and one that requires the key.
macro_rules! getters {
    ($($doc:literal $get:ident $require:ident -> $type:ty, $expected:literal, $pattern:pat => $value:expr);* $(;)?) => {$(
        #[doc = concat!($doc, " `key`, if the file has it.\n\n# Errors\n[`ModelError::Metadata`] if the value is not ", $expected, ".")]
        pub fn $get(&self, key: &str) -> Result<Option<$type>, ModelError> {
            match self.values.get(key) {
                None => Ok(None),
                $pattern => Ok(Some($value)),
                Some(other) => Err(self.error(key, format!("is {}, not {}", other.kind(), $expected))),
            }
        }

        #[doc = concat!($doc, " `key`.\n\n# Errors\n[`ModelError::Metadata`] if it is absent or not ", $expected, ".")]
        pub fn $require(&self, key: &str) -> Result<$type, ModelError> {
            self.$get(key)?.ok_or_else(|| self.error(key, "is missing"))
        }
    )*};
}

impl Metadata {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), values: HashMap::new() }
    }

    /// Adds a pair; `false` if the key was there already.
    pub(super) fn insert(&mut self, key: &str, value: Value) -> bool {
        self.values.insert(key.to_owned(), value).is_none()
    }

    /// The file that the metadata is from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of `key`, whatever its type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// An error about `key` in this file.
    pub fn error(&self, key: &str, problem: impl Into<String>) -> ModelError {
        ModelError::metadata(&self.path, key, problem)
    }

    getters! {
        "The text under" string require_string -> &str, "a string", Some(Value::String(s)) => s;
        "The truth value under" boolean require_boolean -> bool, "a boolean", Some(Value::Bool(b)) => *b;
        "The texts under" strings require_strings -> &[String], "an array of strings", Some(Value::Strings(v)) => v;
        "The integers under" integers require_integers -> &[i64], "an array of integers", Some(Value::Integers(v)) => v;
        "The number under" float require_float -> f64, "a floating-point number", Some(Value::Float(f)) => *f;
    }

    /// The integer under `key`, which must not be negative, if the file has it.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] if the value is no integer, negative, or beyond this machine's `usize`.
    pub fn unsigned(&self, key: &str) -> Result<Option<usize>, ModelError> {
        let converted = match self.values.get(key) {
            None => return Ok(None),
            Some(Value::Unsigned(n)) => usize::try_from(*n).map_err(|_| n.to_string()),
            Some(Value::Signed(n)) => usize::try_from(*n).map_err(|_| n.to_string()),
            Some(other) => return Err(self.error(key, format!("is {}, not an integer", other.kind()))),
        };
        converted.map(Some).map_err(|n| self.error(key, format!("is {n}, which is out of range")))
    }

    /// The integer under `key`, which must be there and not negative.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] as for [`Self::unsigned`], or if it is absent.
    pub fn require_unsigned(&self, key: &str) -> Result<usize, ModelError> {
        self.unsigned(key)?.ok_or_else(|| self.error(key, "is missing"))
    }
}
