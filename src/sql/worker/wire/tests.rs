use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn sent(execution: &Execution) -> Execution {
    let frame = execution_frame(execution);
    assert_eq!(frame[..HEADER], ((frame.len() - HEADER) as u32).to_le_bytes());
    read_execution(&frame[HEADER..]).unwrap()
}

/// Floats by their bits, since NaN is not equal to itself.
fn bits(table: &Table) -> Vec<Vec<String>> {
    let cell = |value: &Value| match value {
        Value::Real(number) => format!("{:x}", number.to_bits()),
        other => format!("{other:?}"),
    };
    table.rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<u64>().prop_map(|bits| Value::Real(f64::from_bits(bits))),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Blob),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    (1..5_usize).prop_flat_map(|width| {
        let columns = prop::collection::vec(any::<String>(), width);
        let rows = prop::collection::vec(prop::collection::vec(value(), width), 0..20);
        (columns, rows).prop_map(|(columns, rows)| Table { columns, rows })
    })
}

proptest! {
    #[test]
    fn values_arrive_as_they_left(table in table(), nanos: u64) {
        let execution = Execution { outcome: Outcome::Rows(table), elapsed: Duration::from_nanos(nanos) };
        let back = sent(&execution);
        let (before, after) = (execution.outcome.table().unwrap(), back.outcome.table().unwrap());
        prop_assert_eq!(&before.columns, &after.columns);
        prop_assert_eq!(bits(before), bits(after));
        prop_assert_eq!(back.elapsed, execution.elapsed);
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in any::<Vec<u8>>()) {
        // Neither may panic; what is read must be what the same bytes say when written again.
        if let Ok(execution) = read_execution(&bytes) {
            prop_assert_eq!(&execution_frame(&execution)[HEADER..], bytes.as_slice());
        }
        let _ = read_request(&bytes);
    }

    #[test]
    fn a_damaged_answer_never_panics(table in table(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let execution = Execution { outcome: Outcome::Rows(table), elapsed: Duration::ZERO };
        let mut bytes = execution_frame(&execution).split_off(HEADER);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read_execution(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(read_execution(&bytes).is_err());
    }
}

#[test]
fn every_outcome_arrives() {
    let text = || "ü\0\n".to_owned();
    for outcome in [
        Outcome::Rows(Table { columns: vec!["a".into()], rows: Vec::new() }),
        Outcome::SyntaxError(text()),
        Outcome::UnknownName(text()),
        Outcome::RuntimeError(text()),
        Outcome::Timeout(Overrun::Steps),
        Outcome::Timeout(Overrun::Clock),
        Outcome::TooLarge(text()),
        Outcome::Forbidden(text()),
        Outcome::SeveralStatements,
        Outcome::EmptyText,
        Outcome::DatabaseError(text()),
    ] {
        let execution = Execution { outcome, elapsed: Duration::from_nanos(17) };
        assert_eq!(sent(&execution), execution);
    }
}

#[test]
fn requests_arrive_with_any_path_and_limit() {
    for (path, max_steps, in_memory) in
        [(PathBuf::from("/a b/ü"), None, true), (OsStr::from_bytes(b"/\xff.sqlite").into(), Some(7), false)]
    {
        let limits = Limits {
            timeout: Duration::from_millis(1500),
            max_steps,
            max_rows: 3,
            max_cell_bytes: 4,
            max_result_bytes: usize::MAX,
        };
        let request = Request { database: path.into(), sql: "SELECT 'ß'".into(), limits, in_memory };
        let frame = request_frame(&request);
        assert_eq!(read_request(&frame[HEADER..]), Ok(request));
    }
}

#[test]
fn counts_that_cannot_be_take_no_memory() {
    let mut bytes = vec![0; 9];
    bytes.extend(u32::MAX.to_le_bytes());
    assert_eq!(read_execution(&bytes), Err(Garbled));
    let mut many_rows = vec![0; 9];
    many_rows.extend(0_u32.to_le_bytes());
    many_rows.extend(u32::MAX.to_le_bytes());
    assert_eq!(read_execution(&many_rows), Err(Garbled));
}
