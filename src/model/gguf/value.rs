//! Single metadata values.

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
    pub(super) fn kind(&self) -> &'static str {
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
