//! GGUF metadata: typed key-value pairs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{super::ModelError, reader::Reader};

/// Elements an array may have. Vocabularies stay below a million; more is a corrupt or hostile file.
const MAX_ARRAY: usize = 1 << 24;

/// A metadata value. The widths of numbers in the file are not kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// u8 to u64.
    Unsigned(u64),
    /// i8 to i64.
    Signed(i64),
    /// f32 or f64.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    String(String),
    /// An array of any integers or truth values.
    Integers(Vec<i64>),
    /// An array of f32 or f64.
    Floats(Vec<f64>),
    /// An array of texts.
    Strings(Vec<String>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::Signed(_) => "an integer",
            Self::Float(_) => "a floating-point number",
            Self::Bool(_) => "a boolean",
            Self::String(_) => "a string",
            Self::Integers(_) => "an array of integers",
            Self::Floats(_) => "an array of floating-point numbers",
            Self::Strings(_) => "an array of strings",
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, key: &str) -> Result<Self, ModelError> {
        let at = reader.position() as u64;
        let type_code = reader.u32(key)?;
        Ok(match type_code {
            0 => Self::Unsigned(reader.u8(key)?.into()),
            1 => Self::Signed(reader.i8(key)?.into()),
            2 => Self::Unsigned(reader.u16(key)?.into()),
            3 => Self::Signed(reader.i16(key)?.into()),
            4 => Self::Unsigned(reader.u32(key)?.into()),
            5 => Self::Signed(reader.i32(key)?.into()),
            6 => Self::Float(reader.f32(key)?.into()),
            7 => Self::Bool(read_bool(reader, key)?),
            8 => Self::String(reader.string(key)?.to_owned()),
            9 => Self::read_array(reader, key)?,
            10 => Self::Unsigned(reader.u64(key)?),
            11 => Self::Signed(reader.i64(key)?),
            12 => Self::Float(reader.f64(key)?),
            other => {
                return Err(reader.error_at(at, format!("metadata key `{key}`: value type {other} does not exist")));
            }
        })
    }

    fn read_array(reader: &mut Reader<'_>, key: &str) -> Result<Self, ModelError> {
        let at = reader.position() as u64;
        let type_code = reader.u32(key)?;
        let width = match type_code {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => return Err(reader.error_at(at, format!("metadata key `{key}`: an array of arrays is not supported"))),
            other => {
                return Err(reader.error_at(at, format!("metadata key `{key}`: element type {other} does not exist")));
            }
        };
        let count = reader.count(width, key)?;
        if count > MAX_ARRAY {
            return Err(
                reader.error_at(at, format!("metadata key `{key}`: {count} elements, at most {MAX_ARRAY} are read"))
            );
        }
        match type_code {
            0 => integers(count, || reader.u8(key)),
            1 => integers(count, || reader.i8(key)),
            2 => integers(count, || reader.u16(key)),
            3 => integers(count, || reader.i16(key)),
            4 => integers(count, || reader.u32(key)),
            5 => integers(count, || reader.i32(key)),
            7 => integers(count, || read_bool(reader, key)),
            10 => integers(count, || read_u64_as_i64(reader, key)),
            11 => integers(count, || reader.i64(key)),
            6 => repeat(count, || reader.f32(key).map(f64::from)).map(Self::Floats),
            12 => repeat(count, || reader.f64(key)).map(Self::Floats),
            _ => repeat(count, || reader.string(key).map(str::to_owned)).map(Self::Strings),
        }
    }
}

fn repeat<T>(count: usize, one: impl FnMut() -> Result<T, ModelError>) -> Result<Vec<T>, ModelError> {
    std::iter::repeat_with(one).take(count).collect()
}

fn integers<T: Into<i64>>(count: usize, mut one: impl FnMut() -> Result<T, ModelError>) -> Result<Value, ModelError> {
    repeat(count, || one().map(Into::into)).map(Value::Integers)
}

fn read_bool(reader: &mut Reader<'_>, key: &str) -> Result<bool, ModelError> {
    let at = reader.position() as u64;
    match reader.u8(key)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(reader.error_at(at, format!("metadata key `{key}`: {other} is no boolean"))),
    }
}

fn read_u64_as_i64(reader: &mut Reader<'_>, key: &str) -> Result<i64, ModelError> {
    let at = reader.position() as u64;
    let value = reader.u64(key)?;
    i64::try_from(value).map_err(|_| reader.error_at(at, format!("metadata key `{key}`: {value} is too large")))
}

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
