//! Rows as they lie in the file, damage or not.

use std::ops::ControlFlow;

use rusqlite::{Connection, ToSql, params, types::ValueRef};

use super::error::is_damage;

/// A row of the table of events.
#[derive(Debug)]
pub struct Row {
    /// The event's place.
    pub seq: u64,
    /// Unix time in seconds.
    pub time: f64,
    /// The event as JSON; `None` if it is not as it was written.
    pub body: Option<String>,
}

/// What stands in the column `sum`: CRC-32 (as in PNG) of place, time and body.
pub fn checksum(seq: u64, time: f64, body: &str) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&seq.to_le_bytes());
    sum.update(&time.to_bits().to_le_bytes());
    sum.update(body.as_bytes());
    sum.finalize()
}

/// Hands the rows of some kinds over, oldest first, as far as the file can be read.
pub fn of_kinds(db: &Connection, version: i64, kinds: &[&str], sink: &mut dyn FnMut(Row)) -> rusqlite::Result<()> {
    let sum = if version >= 2 { "sum" } else { "NULL" };
    let places = vec!["?"; kinds.len()].join(", ");
    let query = format!("SELECT seq, time, body, {sum} FROM events WHERE type IN ({places}) ORDER BY seq");
    let mut query = db.prepare(&query)?;
    let mut rows = query.query(rusqlite::params_from_iter(kinds))?;
    while let Some(row) = rows.next()? {
        sink(row_of(row)?);
    }
    Ok(())
}

/// Hands all rows before a place over that are no groups, oldest first.
pub fn but_groups(db: &Connection, version: i64, before: i64, sink: &mut dyn FnMut(Row)) -> rusqlite::Result<()> {
    let sum = if version >= 2 { "sum" } else { "NULL" };
    // Two ranges of the index, so that the pages of groups are not even touched.
    let part =
        |range: &str| format!("SELECT seq, time, body, {sum} FROM events WHERE type {range} 'group' AND seq < ?1");
    let mut query = db.prepare(&format!("{} UNION ALL {} ORDER BY seq", part("<"), part(">")))?;
    let mut rows = query.query([before])?;
    while let Some(row) = rows.next()? {
        sink(row_of(row)?);
    }
    Ok(())
}

/// Hands the groups of steps within bounds over, by step and then in order, for as long as they are wanted.
pub fn groups(
    db: &Connection,
    version: i64,
    bounds: &[&dyn ToSql],
    sink: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let sum = if version >= 2 { "sum" } else { "NULL" };
    let query = format!(
        "SELECT seq, time, body, {sum} FROM events WHERE type = 'group' AND step BETWEEN ?1 AND ?2 ORDER BY step, seq"
    );
    let mut query = db.prepare(&query)?;
    let mut rows = query.query(bounds)?;
    while let Some(row) = rows.next()? {
        if sink(row_of(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// Hands the rows after a place over, oldest first, at most `limit`. Of a file that breaks off in the middle come the rows up to there,
/// then those that can be reached from its end; what SQLite said is returned.
pub fn scan(
    db: &Connection,
    version: i64,
    (after, limit): (u64, usize),
    sink: &mut dyn FnMut(Row),
) -> rusqlite::Result<Option<rusqlite::Error>> {
    let (mut last, mut circles) = (after, false);
    let forward = each(db, version, "ASC", (after, limit), &mut |row| {
        // A damaged tree may lead in circles, and SQLite does not notice.
        let onward = row.seq > last;
        if onward {
            last = row.seq;
            sink(row);
        }
        circles |= !onward;
        onward
    });
    let broken = match forward {
        Err(broken) => broken,
        Ok(()) if circles => in_circles(),
        Ok(()) => return Ok(None),
    };
    if !is_damage(&broken) {
        return Err(broken);
    }
    let mut from_end: Vec<Row> = Vec::new();
    // That it breaks off at the other side of the damage is no news.
    let _ = each(db, version, "DESC", (last, usize::MAX), &mut |row| {
        let onward = from_end.last().is_none_or(|later| row.seq < later.seq);
        if onward {
            from_end.push(row);
        }
        onward
    });
    from_end.into_iter().rev().for_each(sink);
    Ok(Some(broken))
}

fn in_circles() -> rusqlite::Error {
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(corrupt, Some("its rows lead in circles".into()))
}

/// Hands rows over in an order for as long as they are wanted.
fn each(
    db: &Connection,
    version: i64,
    order: &str,
    (after, limit): (u64, usize),
    sink: &mut dyn FnMut(Row) -> bool,
) -> rusqlite::Result<()> {
    let sum = if version >= 2 { "sum" } else { "NULL" };
    let query = format!("SELECT seq, time, body, {sum} FROM events WHERE seq > ?1 ORDER BY seq {order} LIMIT ?2");
    let mut query = db.prepare_cached(&query)?;
    let mut rows = query.query(params![after as i64, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        if !sink(row_of(row)?) {
            break;
        }
    }
    Ok(())
}

/// A row whose cells may be anything.
fn row_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let seq = row.get::<_, i64>(0)? as u64;
    let time = match row.get_ref(1)? {
        ValueRef::Real(time) => Some(time),
        _ => None,
    };
    let sum = match row.get_ref(3)? {
        ValueRef::Integer(sum) => Some(sum),
        _ => None,
    };
    let body = match row.get_ref(2)? {
        ValueRef::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    };
    let whole = |body: &&str, time: f64| sum.is_none_or(|sum| sum == i64::from(checksum(seq, time, body)));
    let body = time.and_then(|time| body.filter(|body| whole(body, time)));
    Ok(Row { seq, time: time.unwrap_or(0.0), body: body.map(str::to_owned) })
}
