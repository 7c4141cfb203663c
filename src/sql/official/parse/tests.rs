use super::*;
use crate::sql::official::tree::{Link, Operand, Source};

fn schema() -> Schema {
    Schema::of(&[("singer", &["id", "name", "age"]), ("song", &["song_id", "singer_id", "name"])])
}

fn parses(sql: &str) -> bool {
    parse(&schema(), sql).is_some()
}

#[test]
fn queries_become_trees() {
    let sql = "SELECT T1.name, max(age) FROM singer AS T1 JOIN song AS T2 ON T1.id = T2.singer_id WHERE age > 3 AND \
               T1.name NOT IN (SELECT name FROM song) GROUP BY T1.name HAVING count(*) >= 2 ORDER BY age DESC LIMIT 3";
    let query = parse(&schema(), sql).unwrap();
    assert_eq!(query.sources, [Source::Table("singer".into()), Source::Table("song".into())]);
    assert_eq!(query.select[0].expression.left.column, "singer.name");
    assert_eq!((query.select[1].aggregate, query.select[1].expression.left.column.as_str()), (1, "singer.age"));
    let on = query.join_on.units().next().unwrap();
    let right = ColumnUnit { aggregate: 0, column: "song.singer_id".into(), distinct: Some(false) };
    assert_eq!(on.right, Operand::Column(right));
    assert!(matches!(query.filter.0[..], [Link::Condition(_), Link::And, Link::Condition(_)]));
    let last = query.filter.units().nth(1).unwrap();
    assert!(last.not && matches!(last.right, Operand::Query(_)));
    assert!(query.limit && query.order_by.unwrap().descending);
    assert_eq!(query.group_by.len() + query.having.0.len(), 2);
}

#[test]
fn what_follows_a_query_is_ignored() {
    assert!(parses("SELECT name FROM singer; SELECT 1"));
    assert!(parses("SELECT name FROM singer) AND so on"));
    assert!(parses("SELECT name FROM singer LIMIT 3 OFFSET 1"));
}

#[test]
fn much_of_sql_is_not_understood() {
    for sql in [
        "",
        "SELECT 1",
        "SELECT name AS n FROM singer",
        "SELECT name FROM singer s",
        "SELECT name FROM singer LEFT JOIN song ON id = singer_id",
        "SELECT name FROM singer WHERE name IS NULL",
        "SELECT name FROM singer WHERE id IN (1, 2)",
        "SELECT name FROM singer WHERE age=3",
        "SELECT name FROM singer WHERE lower(name) = 'a'",
        "SELECT name FROM singer ORDER BY 1",
        "SELECT name FROM singer AS song",
        "SELECT unknown FROM singer",
        "SELECT name FROM singer LIMIT",
        "SELECT name FROM singer -- all",
        "SELECT name FROM singer WHERE name = 'it''s",
    ] {
        assert!(!parses(sql), "{sql}");
    }
}

#[test]
fn deep_nesting_ends() {
    let deep = "SELECT name FROM singer WHERE id IN (".repeat(5000);
    assert!(!parses(&deep));
    assert!(!parses(&"SELECT name FROM singer UNION ".repeat(5000)));
    assert!(!parses(&"( SELECT name FROM ".repeat(5000)));
}

/// The parsed queries that Spider's files carry, made by the official parser.
mod spiders_own {
    use std::{collections::HashMap, path::Path};

    use serde_json::Value;

    use super::*;
    use crate::sql::official::tree::{Condition, Expression};

    /// Names of tables and columns by their numbers in the trees.
    struct Names {
        tables: Vec<String>,
        columns: Vec<String>,
    }

    fn read(root: &Path, file: &str) -> Vec<Value> {
        serde_json::from_slice(&std::fs::read(root.join(file)).unwrap()).unwrap()
    }

    fn lower(value: &Value) -> String {
        value.as_str().unwrap().to_lowercase()
    }

    fn names(entry: &Value) -> Names {
        let tables: Vec<_> = entry["table_names_original"].as_array().unwrap().iter().map(lower).collect();
        let column = |column: &Value| match usize::try_from(column[0].as_i64().unwrap()) {
            Ok(table) => format!("{}.{}", tables[table], lower(&column[1])),
            Err(_) => "*".to_owned(),
        };
        let columns = entry["column_names_original"].as_array().unwrap().iter().map(column).collect();
        Names { tables, columns }
    }

    impl Names {
        fn unit(&self, theirs: &Value, ours: &ColumnUnit) -> bool {
            theirs[0] == ours.aggregate
                && self.columns[theirs[1].as_u64().unwrap() as usize] == ours.column
                && theirs[2] == ours.distinct.unwrap()
        }

        fn expression(&self, theirs: &Value, ours: &Expression) -> bool {
            theirs[0] == ours.operator
                && self.unit(&theirs[1], &ours.left)
                && match &ours.right {
                    None => theirs[2].is_null(),
                    Some(right) => self.unit(&theirs[2], right),
                }
        }

        fn operand(&self, theirs: &Value, ours: &Operand) -> bool {
            match ours {
                Operand::Nothing => theirs.is_null(),
                Operand::Query(query) => self.query(theirs, query),
                Operand::Text(text) => theirs == text,
                Operand::Number(number) => theirs.as_f64() == Some(*number),
                Operand::Column(unit) => self.unit(theirs, unit),
            }
        }

        fn conditions(&self, theirs: &Value, ours: &Conditions) -> bool {
            let condition = |theirs: &Value, ours: &Condition| {
                theirs[0] == ours.not
                    && theirs[1] == ours.operator
                    && self.expression(&theirs[2], &ours.left)
                    && self.operand(&theirs[3], &ours.right)
                    && self.operand(&theirs[4], &ours.upper)
            };
            all(theirs, &ours.0, |theirs, ours| match ours {
                Link::Condition(ours) => condition(theirs, ours),
                Link::And => theirs == "and",
                Link::Or => theirs == "or",
            })
        }

        fn source(&self, theirs: &Value, ours: &Source) -> bool {
            match ours {
                Source::Table(table) => {
                    theirs[0] == "table_unit" && self.tables[theirs[1].as_u64().unwrap() as usize] == *table
                }
                Source::Query(query) => theirs[0] == "sql" && self.query(&theirs[1], query),
            }
        }

        fn query(&self, theirs: &Value, ours: &Query) -> bool {
            let order = |theirs: &Value, ours: &Ordering| {
                theirs[0] == (if ours.descending { "desc" } else { "asc" })
                    && all(&theirs[1], &ours.by, |t, o| self.expression(t, o))
            };
            let combined = [("intersect", &ours.intersect), ("union", &ours.union), ("except", &ours.except)];
            theirs["select"][0] == ours.distinct.unwrap()
                && all(&theirs["select"][1], &ours.select, |t, o| {
                    t[0] == o.aggregate && self.expression(&t[1], &o.expression)
                })
                && all(&theirs["from"]["table_units"], &ours.sources, |t, o| self.source(t, o))
                && self.conditions(&theirs["from"]["conds"], &ours.join_on)
                && self.conditions(&theirs["where"], &ours.filter)
                && all(&theirs["groupBy"], &ours.group_by, |t, o| self.unit(t, o))
                && self.conditions(&theirs["having"], &ours.having)
                && ours
                    .order_by
                    .as_ref()
                    .map_or(theirs["orderBy"] == serde_json::json!([]), |o| order(&theirs["orderBy"], o))
                && theirs["limit"].is_null() != ours.limit
                && combined.iter().all(|(word, ours)| match ours {
                    None => theirs[*word].is_null(),
                    Some(ours) => self.query(&theirs[*word], ours),
                })
        }
    }

    fn all<T>(theirs: &Value, ours: &[T], same: impl Fn(&Value, &T) -> bool) -> bool {
        let theirs = theirs.as_array().unwrap();
        theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(t, o)| same(t, o))
    }

    #[test]
    fn official_trees_of_all_gold_queries_are_equal() {
        let Some(root) = std::env::var_os("SQLR1_SPIDER") else {
            println!("skipped: SQLR1_SPIDER does not name a folder with Spider in it");
            return;
        };
        let root = Path::new(&root);
        let names: HashMap<String, Names> =
            read(root, "tables.json").iter().map(|e| (e["db_id"].as_str().unwrap().to_owned(), names(e))).collect();
        let mut wrong = Vec::new();
        for (file, count) in [("dev.json", 1034), ("train_spider.json", 7000)] {
            let entries = read(root, file);
            assert_eq!(entries.len(), count);
            for entry in &entries {
                let (db, sql) = (entry["db_id"].as_str().unwrap(), entry["query"].as_str().unwrap());
                let schema = Schema::read(&root.join(format!("database/{db}/{db}.sqlite"))).unwrap();
                let equal = match parse(&schema, sql) {
                    Some(ours) => !entry["sql"].is_null() && names[db].query(&entry["sql"], &ours),
                    None => entry["sql"].is_null(),
                };
                if !equal {
                    wrong.push(format!("{file} {db}: {sql}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of 8034 differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
