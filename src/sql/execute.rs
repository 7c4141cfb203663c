//! Running one request on a guarded connection.

use std::time::Instant;

use rusqlite::{Batch, Statement, types::ValueRef};

use super::{
    Limits, Outcome, Request, Table, Value, classify,
    connection::{Connections, MAX_SQL_BYTES, ReadOnly},
    deadline,
};

/// SQLite holds values while it computes that are longer than what comes out; this much longer they may be.
const HEADROOM: usize = 4;
/// Shortest length limit: rows of sensible databases fit in it.
const LEAST_LENGTH: usize = 1 << 20;

/// Executes a request whose time runs from `start`, on one of these connections.
pub fn execute(request: &Request<'_>, connections: &mut Connections, start: Instant) -> Outcome {
    if request.sql.contains('\0') {
        return Outcome::SyntaxError("the query has a NUL character in it".into());
    }
    if request.sql.len() > MAX_SQL_BYTES {
        return Outcome::TooLarge(format!("a query of more than {MAX_SQL_BYTES} bytes"));
    }
    let length_limit = request.limits.max_cell_bytes.saturating_mul(HEADROOM).max(LEAST_LENGTH);
    let answer = connections.with(&request.database, request.in_memory, length_limit, |open| {
        let deadline = start + request.limits.timeout;
        open.hooks.arm(deadline);
        let _watch = deadline::watch(open.connection.get_interrupt_handle(), deadline);
        run(open, &request.sql, &request.limits).unwrap_or_else(|failure| failure)
    });
    answer.unwrap_or_else(Outcome::DatabaseError)
}

/// The failure is an outcome too; it is apart only so that `?` can be used.
fn run(open: &ReadOnly, sql: &str, limits: &Limits) -> Result<Outcome, Outcome> {
    let explain = |error: rusqlite::Error| classify::outcome(&error, open.hooks.take_objection(), open.hooks.overrun());
    let mut statements = Batch::new(&open.connection, sql);
    let Some(mut statement) = next_statement(&mut statements).map_err(explain)? else {
        return Ok(Outcome::EmptyText);
    };
    match next_statement(&mut statements) {
        Ok(None) => {}
        Ok(Some(_)) => return Ok(Outcome::SeveralStatements),
        Err(error) => match classify::outcome(&error, None, open.hooks.overrun()) {
            Outcome::Timeout(overrun) => return Ok(Outcome::Timeout(overrun)),
            _ => return Ok(Outcome::SeveralStatements),
        },
    }
    // Without columns there is nothing to read: REINDEX and the like, which may do nothing here but are no queries.
    if !statement.readonly() || statement.column_count() == 0 {
        return Ok(Outcome::Forbidden("a statement that is no query".into()));
    }
    if statement.parameter_count() > 0 {
        return Ok(Outcome::RuntimeError("the query has parameters (?, :name), which have no values here".into()));
    }
    let columns = columns(&statement, limits)?;
    open.hooks.grant(limits.max_steps);
    let rows = fetch(&mut statement, limits, &explain)?;
    Ok(Outcome::Rows(Table { columns, rows }))
}

fn next_statement<'c>(statements: &mut Batch<'c, '_>) -> rusqlite::Result<Option<Statement<'c>>> {
    use rusqlite::fallible_iterator::FallibleIterator;
    statements.next()
}

/// A column without a name is called by its whole expression, and `*` repeats such names: they need a limit too.
fn columns(statement: &Statement<'_>, limits: &Limits) -> Result<Vec<String>, Outcome> {
    let mut bytes = 0;
    let mut names = Vec::with_capacity(statement.column_count());
    for column in 0..statement.column_count() {
        let name = statement.column_name(column).map_err(|e| Outcome::RuntimeError(e.to_string()))?;
        bytes += name.len();
        if bytes > limits.max_result_bytes {
            return Err(too_many_bytes(limits));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn too_many_bytes(limits: &Limits) -> Outcome {
    Outcome::TooLarge(format!("a result of more than {} bytes", limits.max_result_bytes))
}

fn fetch(
    statement: &mut Statement<'_>,
    limits: &Limits,
    explain: &impl Fn(rusqlite::Error) -> Outcome,
) -> Result<Vec<Vec<Value>>, Outcome> {
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut table = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(explain)? {
        if table.len() == limits.max_rows {
            return Err(Outcome::TooLarge(format!("more than {} rows", limits.max_rows)));
        }
        let mut cells = Vec::with_capacity(width);
        for column in 0..width {
            let cell = value(row.get_ref(column).map_err(explain)?, limits)?;
            bytes += cell.size() + size_of::<Value>();
            cells.push(cell);
        }
        if bytes > limits.max_result_bytes {
            return Err(too_many_bytes(limits));
        }
        table.push(cells);
    }
    Ok(table)
}

fn value(cell: ValueRef<'_>, limits: &Limits) -> Result<Value, Outcome> {
    let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = cell else {
        return Ok(match cell {
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            _ => Value::Null,
        });
    };
    if bytes.len() > limits.max_cell_bytes {
        return Err(Outcome::TooLarge(format!("a cell of more than {} bytes", limits.max_cell_bytes)));
    }
    Ok(match cell {
        ValueRef::Text(_) => Value::Text(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.utf8_chunks().map(|chunk| chunk.valid()).collect(),
        }),
        _ => Value::Blob(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests;
