//! Requests and answers as bytes.
//!
//! A frame is its length (u32) and so many bytes. Within it numbers are little-endian, floats travel as their bits, and
//! texts, blobs and paths as their length (u32) and their bytes. What a worker sends is not trusted: whatever the bytes,
//! reading them ends in an answer or an error, and what is set aside is never more than what so many bytes can fill.

use std::{borrow::Cow, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use super::super::{Execution, Limits, Outcome, Overrun, Request, Table, Value};

/// Bytes of a frame's length.
pub const HEADER: usize = 4;
/// `max_steps` where there is no such limit.
const NO_LIMIT: u64 = u64::MAX;

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no message")]
pub struct Garbled;

/// A frame that carries a request.
pub fn request_frame(request: &Request<'_>) -> Vec<u8> {
    let limits = &request.limits;
    let mut frame = Frame::new(request.sql.len() + 256);
    frame.u64(nanos(limits.timeout));
    frame.u64(limits.max_steps.unwrap_or(NO_LIMIT));
    frame.u64(limits.max_rows as u64);
    frame.u64(limits.max_cell_bytes as u64);
    frame.u64(limits.max_result_bytes as u64);
    frame.byte(u8::from(request.in_memory));
    frame.bytes(request.database.as_os_str().as_bytes());
    frame.bytes(request.sql.as_bytes());
    frame.done()
}

/// The request in a frame's content.
///
/// # Errors
/// There is none.
pub fn read_request(content: &[u8]) -> Result<Request<'_>, Garbled> {
    let mut rest = Rest(content);
    let limits = Limits {
        timeout: Duration::from_nanos(rest.u64()?),
        max_steps: Some(rest.u64()?).filter(|&steps| steps != NO_LIMIT),
        max_rows: rest.u64()? as usize,
        max_cell_bytes: rest.u64()? as usize,
        max_result_bytes: rest.u64()? as usize,
    };
    let in_memory = rest.byte()? != 0;
    let database = Cow::Borrowed(Path::new(OsStr::from_bytes(rest.bytes()?)));
    let sql = Cow::Borrowed(std::str::from_utf8(rest.bytes()?).map_err(|_| Garbled)?);
    rest.end()?;
    Ok(Request { database, sql, limits, in_memory })
}

/// A frame that carries what came of a request.
pub fn execution_frame(execution: &Execution) -> Vec<u8> {
    let mut frame = Frame::new(256);
    frame.u64(nanos(execution.elapsed));
    let (tag, text) = match &execution.outcome {
        Outcome::Rows(_) => (0, None),
        Outcome::SyntaxError(text) => (1, Some(text)),
        Outcome::UnknownName(text) => (2, Some(text)),
        Outcome::RuntimeError(text) => (3, Some(text)),
        Outcome::Timeout(Overrun::Steps) => (4, None),
        Outcome::Timeout(Overrun::Clock) => (5, None),
        Outcome::TooLarge(text) => (6, Some(text)),
        Outcome::Forbidden(text) => (7, Some(text)),
        Outcome::SeveralStatements => (8, None),
        Outcome::EmptyText => (9, None),
        Outcome::DatabaseError(text) => (10, Some(text)),
    };
    frame.byte(tag);
    if let Some(text) = text {
        frame.bytes(text.as_bytes());
    }
    if let Outcome::Rows(table) = &execution.outcome {
        frame.table(table);
    }
    frame.done()
}

/// What came of a request, from a frame's content.
///
/// # Errors
/// It is not there.
pub fn read_execution(content: &[u8]) -> Result<Execution, Garbled> {
    let mut rest = Rest(content);
    let elapsed = Duration::from_nanos(rest.u64()?);
    let outcome = match rest.byte()? {
        0 => Outcome::Rows(rest.table()?),
        1 => Outcome::SyntaxError(rest.text()?),
        2 => Outcome::UnknownName(rest.text()?),
        3 => Outcome::RuntimeError(rest.text()?),
        4 => Outcome::Timeout(Overrun::Steps),
        5 => Outcome::Timeout(Overrun::Clock),
        6 => Outcome::TooLarge(rest.text()?),
        7 => Outcome::Forbidden(rest.text()?),
        8 => Outcome::SeveralStatements,
        9 => Outcome::EmptyText,
        10 => Outcome::DatabaseError(rest.text()?),
        _ => return Err(Garbled),
    };
    rest.end()?;
    Ok(Execution { outcome, elapsed })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A frame in the making. Lengths fit in 32 bits: queries and results are limited far below.
struct Frame(Vec<u8>);

impl Frame {
    fn new(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&[0; HEADER]);
        Self(bytes)
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn u32(&mut self, number: usize) {
        self.0.extend_from_slice(&(number as u32).to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn table(&mut self, table: &Table) {
        self.u32(table.columns.len());
        for name in &table.columns {
            self.bytes(name.as_bytes());
        }
        self.u32(table.rows.len());
        for cell in table.rows.iter().flatten() {
            self.value(cell);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Integer(number) => {
                self.byte(1);
                self.u64(number.cast_unsigned());
            }
            Value::Real(number) => {
                self.byte(2);
                self.u64(number.to_bits());
            }
            Value::Text(text) => {
                self.byte(3);
                self.bytes(text.as_bytes());
            }
            Value::Blob(bytes) => {
                self.byte(4);
                self.bytes(bytes);
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        let length = ((self.0.len() - HEADER) as u32).to_le_bytes();
        self.0[..HEADER].copy_from_slice(&length);
        self.0
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Garbled> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Garbled)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Garbled> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<usize, Garbled> {
        let bytes = self.take(4)?.first_chunk().ok_or(Garbled)?;
        Ok(u32::from_le_bytes(*bytes) as usize)
    }

    fn u64(&mut self) -> Result<u64, Garbled> {
        let bytes = self.take(8)?.first_chunk().ok_or(Garbled)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Garbled> {
        let count = self.u32()?;
        self.take(count)
    }

    fn text(&mut self) -> Result<String, Garbled> {
        std::str::from_utf8(self.bytes()?).map(str::to_owned).map_err(|_| Garbled)
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Result<usize, Garbled> {
        let count = self.u32()?;
        if count <= self.0.len() { Ok(count) } else { Err(Garbled) }
    }

    fn table(&mut self) -> Result<Table, Garbled> {
        let width = self.count()?;
        let columns = (0..width).map(|_| self.text()).collect::<Result<Vec<_>, _>>()?;
        let height = self.count()?;
        if width == 0 && height > 0 || width.saturating_mul(height) > self.0.len() {
            return Err(Garbled);
        }
        let mut rows = Vec::with_capacity(height);
        for _ in 0..height {
            let mut row = Vec::with_capacity(width);
            for _ in 0..width {
                row.push(self.value()?);
            }
            rows.push(row);
        }
        Ok(Table { columns, rows })
    }

    fn value(&mut self) -> Result<Value, Garbled> {
        Ok(match self.byte()? {
            0 => Value::Null,
            1 => Value::Integer(self.u64()?.cast_signed()),
            2 => Value::Real(f64::from_bits(self.u64()?)),
            3 => Value::Text(self.text()?),
            4 => Value::Blob(self.bytes()?.to_vec()),
            _ => return Err(Garbled),
        })
    }

    fn end(&self) -> Result<(), Garbled> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled) }
    }
}

#[cfg(test)]
mod tests;
