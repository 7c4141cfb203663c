//! Values and tables as SQLite returns them.

use serde::{Deserialize, Serialize};

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
}

/// A whole result: every row has as many cells as there are columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows in the order SQLite returned them.
    pub rows: Vec<Vec<Value>>,
}
