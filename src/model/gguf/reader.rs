//! A cursor over untrusted little-endian bytes.

use std::path::Path;

use super::super::ModelError;

/// Reads values one after the other and knows where it stands, for error messages.
pub(super) struct Reader<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    position: usize,
}

/// Reads a fixed-size little-endian number.
macro_rules! number {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        pub(super) fn $name(&mut self, what: &str) -> Result<$type, ModelError> {
            self.array(what).map(<$type>::from_le_bytes)
        }
    )*};
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, position: 0 }
    }

    number! { u8: u8, i8: i8, u16: u16, i16: i16, u32: u32, i32: i32, u64: u64, i64: i64, f32: f32, f64: f64 }

    /// Where the next read starts, from the beginning of the file.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Bytes left.
    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `len` bytes; `what` names them if the file ends before.
    pub(super) fn take(&mut self, len: usize, what: &str) -> Result<&'a [u8], ModelError> {
        let left = self.remaining();
        if len > left {
            let problem =
                format!("{what} needs {len} bytes, but the file ends after {left} more; it is truncated or corrupt");
            return Err(self.error(problem));
        }
        let taken = &self.bytes[self.position..self.position + len];
        self.position += len;
        Ok(taken)
    }

    /// A string: u64 length, then UTF-8.
    pub(super) fn string(&mut self, what: &str) -> Result<&'a str, ModelError> {
        let start = self.position;
        let len = self.count(1, what)?;
        let bytes = self.take(len, what)?;
        std::str::from_utf8(bytes).map_err(|e| {
            let offset = (start + 8 + e.valid_up_to()) as u64;
            self.error_at(offset, format!("{what} is not valid UTF-8"))
        })
    }

    /// A u64 count of elements that take at least `min_bytes` each, so that a count beyond the file is refused before
    /// anything is allocated for it.
    pub(super) fn count(&mut self, min_bytes: usize, what: &str) -> Result<usize, ModelError> {
        let start = self.position as u64;
        let count = self.u64(what)?;
        let left = self.remaining();
        match usize::try_from(count).ok().filter(|n| n.checked_mul(min_bytes).is_some_and(|need| need <= left)) {
            Some(count) => Ok(count),
            None => Err(self
                .error_at(start, format!("{what}: a count of {count} does not fit in the {left} bytes that follow"))),
        }
    }

    /// An error at the current position.
    pub(super) fn error(&self, problem: impl Into<String>) -> ModelError {
        self.error_at(self.position as u64, problem)
    }

    /// An error at `offset`.
    pub(super) fn error_at(&self, offset: u64, problem: impl Into<String>) -> ModelError {
        ModelError::Gguf { path: self.path.to_owned(), offset, problem: problem.into() }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ModelError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }
}
