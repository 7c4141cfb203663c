//! A worker's life.

use std::{
    io::{self, BufReader, Read},
    time::Instant,
};

use rustix::io::Errno;

use super::{
    confine::{ProcessorTime, confine, end_with_parent},
    program::Provisions,
    wire,
};
use crate::sql::{
    Execution,
    connection::{Connections, Keep},
    execute::execute,
};

/// Connections kept open.
const CONNECTIONS: usize = 256;
/// Bytes of requests read at a time.
const BUFFER: usize = 64 << 10;
/// Bytes of a request: a query of the greatest length with its database's path fits.
const MAX_REQUEST: usize = 1 << 24;

/// Why a worker ended before its parent had no more work for it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A limit cannot be set.
    #[error("cannot confine the worker: {0}")]
    Confine(io::Error),
    /// SQLite's memory cannot be limited.
    #[error("cannot limit SQLite's memory: {0}")]
    Heap(#[from] rusqlite::Error),
    /// The pipe failed, or what came over it is no request.
    #[error("the pipe failed: {0}")]
    Pipe(#[from] io::Error),
}

/// Executes the queries that come on stdin until it is closed.
///
/// # Errors
/// See [`ServeError`].
pub fn serve(provisions: Provisions) -> Result<(), ServeError> {
    confine(provisions).map_err(ServeError::Confine)?;
    end_with_parent().map_err(ServeError::Confine)?;
    let heap = provisions.memory_mb << 20;
    limit_heap(heap / 4 * 3)?;
    let keep = Keep { connections: CONNECTIONS, bytes: heap / 4, no_files: true };
    let mut connections = Connections::new(keep);
    let mut requests = BufReader::with_capacity(BUFFER, Stdin);
    let mut processor = ProcessorTime::default();
    // Ready: a frame without content.
    send(&[0; wire::HEADER])?;
    while let Some(content) = receive(&mut requests)? {
        let request = wire::read_request(&content).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let start = Instant::now();
        processor.grant(request.limits.timeout).map_err(ServeError::Confine)?;
        connections.expect_more(!requests.buffer().is_empty());
        let outcome = execute(&request, &mut connections, start);
        if requests.buffer().is_empty() {
            connections.let_go();
        }
        send(&wire::execution_frame(&Execution { outcome, elapsed: start.elapsed() }))?;
    }
    Ok(())
}

/// SQLite answers "out of memory" at this limit, which a query survives, where the process's own limit may end it.
fn limit_heap(bytes: u64) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open_in_memory()?;
    connection.query_row(&format!("PRAGMA hard_heap_limit = {bytes}"), [], |_| Ok(()))
}

/// Stdin past the standard library's, which does not tell what waits in its buffer.
struct Stdin;

impl Read for Stdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), bytes)?)
    }
}

/// Past the standard library's stdout, which would write up to the last line feed first and then the rest.
fn send(mut frame: &[u8]) -> io::Result<()> {
    let pipe = io::stdout();
    while !frame.is_empty() {
        match rustix::io::write(&pipe, frame) {
            Ok(count) => frame = &frame[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The next frame's content; `None` if the pipe was closed before one began.
fn receive(pipe: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; wire::HEADER];
    match pipe.read_exact(&mut header) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(header) as usize;
    if length > MAX_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut content = vec![0; length];
    pipe.read_exact(&mut content)?;
    Ok(Some(content))
}
