use rusqlite::Connection;

use super::*;

fn database(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("d.sqlite");
    Connection::open(&database).unwrap().execute_batch(sql).unwrap();
    (folder, database)
}

#[test]
fn tables_are_shown_with_types_and_keys() {
    let (_folder, database) = database(
        "CREATE TABLE b (x INT PRIMARY KEY, \"y z\" varchar(3) NOT NULL, w, UNIQUE (x, w));
         CREATE TABLE a (i INTEGER PRIMARY KEY AUTOINCREMENT, j INT, k REFERENCES b,
                         FOREIGN KEY (i, j) REFERENCES b(x, w));
         CREATE VIEW v AS SELECT 1;",
    );
    let schema = read_schema(&database).unwrap();
    assert_eq!(
        schema.text(),
        "CREATE TABLE b (x INT, y z varchar(3), w);\n\
         CREATE TABLE a (i INTEGER, j INT, k, FOREIGN KEY (i, j) REFERENCES b(x, w), FOREIGN KEY (k) REFERENCES b);"
    );
    assert_eq!(schema.tables[0].columns.iter().map(|c| c.primary).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(schema.joined(), [(1, 0), (1, 0)]);
    assert_eq!(schema.only(&[1]).text(), "CREATE TABLE a (i INTEGER, j INT, k);");
    assert!(read_schema(&database.with_file_name("none.sqlite")).is_err());
}

#[test]
fn values_are_shown_as_sql_has_them() {
    let (_folder, database) = database(
        "CREATE TABLE \"t 1\" (\"a b\", n, x BLOB);
         INSERT INTO \"t 1\" VALUES ('it''s', 1, x'00'), ('it''s', 2.5, NULL), ('', NULL, ''), ('two\nlines', 3, x'01');",
    );
    let mut schema = read_schema(&database).unwrap();
    sample_values(&mut schema, &database, 2).unwrap();
    assert_eq!(schema.tables[0].columns[0].samples, ["'it''s'", "'two lines'"]);
    assert_eq!(schema.tables[0].columns[1].samples, ["1", "2.5"]);
    assert!(schema.tables[0].columns[2].samples.is_empty());
    let text = schema.text();
    assert!(text.ends_with("\n-- values of t 1; a b: 'it''s', 'two lines'; n: 1, 2.5"), "{text}");
    assert_eq!(find_values(&schema, &database).unwrap()["two lines"].len(), 1);
}

#[test]
fn names_are_quoted_where_they_must_be() {
    assert_eq!(quoted("a_1"), "a_1");
    assert_eq!(quoted("Free Meals (\"K\")"), "\"Free Meals (\"\"K\"\")\"");
    assert_eq!(quoted("2nd"), "\"2nd\"");
}
