//! What Python makes of values: the official evaluators compare Python objects, and some of their quirks hang on how
//! those are printed.

use std::fmt::Write as _;

use super::Value;

/// A value up to Python's `==`: the integer 1 and the float 1.0 are one, the text "1" is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Equal<'a> {
    /// `None`.
    Null,
    /// An `int`, or a `float` with the same value.
    Integer(i64),
    /// The bits of a `float` that no 64-bit integer equals.
    Real(u64),
    /// A `str`.
    Text(&'a str),
    /// `bytes`.
    Blob(&'a [u8]),
}

/// What is equal to the value.
pub fn equal(value: &Value) -> Equal<'_> {
    match value {
        Value::Null => Equal::Null,
        Value::Integer(number) => Equal::Integer(*number),
        Value::Real(number) => exact_integer(*number).map_or(Equal::Real(number.to_bits()), Equal::Integer),
        Value::Text(text) => Equal::Text(text),
        Value::Blob(bytes) => Equal::Blob(bytes),
    }
}

/// The integer that equals a float exactly, if one in the 64-bit range does. Covers -0.0 too.
fn exact_integer(number: f64) -> Option<i64> {
    // -2^63 is a float, 2^63 is the first one beyond the range.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    (fits && number.fract() == 0.0).then_some(number as i64)
}

/// `str(value)`.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => float_text(*number),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => bytes_text(bytes),
    }
}

/// `str(value) + str(type(value))`, in an order that is Python's: UTF-8 sorts as its code points do.
pub fn printed_form(value: &Value) -> String {
    let class = match value {
        Value::Null => "NoneType",
        Value::Integer(_) => "int",
        Value::Real(_) => "float",
        Value::Text(_) => "str",
        Value::Blob(_) => "bytes",
    };
    format!("{}<class '{class}'>", text(value))
}

/// The shortest digits that read back as the number; with an exponent below 1e-4 and from 1e16 on.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = number.to_string();
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

fn bytes_text(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\\' => text.push_str("\\\\"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            0x20..=0x7e => text.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => _ = write!(text, "\\x{byte:02x}"),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests;
