//! Values and tables as SQLite returns them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::python;

/// One cell of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A float, never NaN: SQLite turns NaN into NULL.
    Real(f64),
    /// Text; bytes that are not UTF-8 are left out, as the official evaluator does.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// Bytes that the cell's content takes, without overhead.
    pub fn size(&self) -> usize {
        match self {
            Value::Null => 0,
            Value::Integer(_) | Value::Real(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
        }
    }

    /// The value for people: text as it is, NULL by name, bytes as SQLite writes them (`X'00ff'`).
    pub fn display(&self) -> String {
        match self {
            Value::Null => "NULL".into(),
            Value::Blob(bytes) => {
                let mut text = "X'".to_owned();
                for byte in bytes {
                    // Writing to a String does not fail.
                    _ = write!(text, "{byte:02x}");
                }
                text + "'"
            }
            other => python::text(other),
        }
    }
}

/// A whole result: every row has as many cells as there are columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows in the order SQLite returned them.
    pub rows: Vec<Vec<Value>>,
}
