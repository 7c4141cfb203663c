//! What is accepted and what is not, and every gold query at hand.

use super::*;

fn names() -> Rules {
    let tables = [
        ("Singer", vec!["Singer_ID", "Name", "Age"]),
        ("concert", vec!["concert_id", "Year", "Singer_ID", "Full Name"]),
    ];
    Rules { names: Some(Names::new(tables)) }
}

/// How much of a bare reply is accepted: all and complete, all but not complete, or up to where.
fn judge(text: &str, rules: &Rules) -> Result<bool, String> {
    let mut reply = Reply::to("");
    for (at, byte) in text.bytes().enumerate() {
        if !reply.push(byte, rules) {
            return Err(String::from_utf8_lossy(&text.as_bytes()[..at]).into_owned());
        }
    }
    Ok(reply.may_end(rules))
}

#[test]
fn queries_are_accepted() {
    for text in [
        "SELECT count(*) FROM singer",
        "select distinct T1.name , t2.Year from singer as T1 join concert AS t2 on t1.singer_id = t2.singer_id where t2.year >= 2014 or NOT t1.age < 3;",
        "SELECT name FROM singer WHERE singer_id NOT IN (SELECT singer_id FROM concert) ORDER BY age DESC, name LIMIT 3",
        "SELECT name FROM singer UNION SELECT concert_id FROM concert",
        "SELECT T2.name, count(*) FROM concert AS T1 JOIN singer AS T2 ON T1.singer_id = T2.singer_id GROUP BY T2.name HAVING count(*) > 1",
        "SELECT avg(age), CASE WHEN age > 3 AND age < 9 THEN 'it''s' ELSE \"no\" END FROM singer WHERE age BETWEEN 1 AND 2 AND name LIKE '%ü%'",
        "SELECT CAST(sum(age) AS REAL) / count(*) AS ratio FROM singer GROUP BY name ORDER BY ratio",
        "SELECT [full name], concert.year FROM concert WHERE concert.`Full Name` IS NOT NULL",
        "SELECT singer.* FROM singer WHERE EXISTS (SELECT * FROM concert WHERE concert.singer_id = singer.singer_id)",
        "SELECT max(age) - -1, date('now'), random() FROM singer CROSS JOIN concert",
        "SELECT name FROM (SELECT name, age FROM singer) AS s WHERE s.age > 1",
        "WITH old AS (SELECT name FROM singer WHERE age > 60) SELECT name FROM old",
    ] {
        // At the start of a line, WITH is a word of prose too; in a fence it is not.
        let text = if text.starts_with("WITH") { format!("```sql\n{text}\n```") } else { text.to_owned() };
        for rules in [Rules::default(), names()] {
            assert_eq!(judge(&text, &rules), Ok(true), "{text}, {}", rules.names.is_some());
        }
    }
}

#[test]
fn what_is_no_query_is_refused_where_it_goes_wrong() {
    for (text, accepted) in [
        ("SELECT FROM singer", "SELECT FROM"),
        ("SELECT name WHERE", "SELECT name W"),
        ("SELECT count(*) FROM singer GROUP name", "SELECT count(*) FROM singer GROUP "),
        ("SELECT (1 FROM singer", "SELECT (1 "),
        ("SELECT name) FROM singer", "SELECT name"),
        ("SELECT name FROM singer LIMIT 3 WHERE age", "SELECT name FROM singer LIMIT 3 "),
        ("SELECT name FROM singer ORDER BY age UNION", "SELECT name FROM singer ORDER BY age "),
        ("SELECT name FROM singer WHERE age = = 3", "SELECT name FROM singer WHERE age = "),
        ("SELECT name FROM singer -- all", "SELECT name FROM singer "),
        ("SELECT name -- all", "SELECT name -"),
        ("SELECT 'a\nb'", "SELECT 'a"),
        ("SELECT name FROM singer WHERE age BETWEEN 1 OR", "SELECT name FROM singer WHERE age BETWEEN 1 "),
        ("SELECT CASE WHEN age THEN 1 FROM", "SELECT CASE WHEN age THEN 1 "),
        ("SELECT name FROM singer HAVING", "SELECT name FROM singer "),
    ] {
        let refused = judge(text, &Rules::default()).unwrap_err();
        assert!(refused.starts_with(accepted.trim_end()) && text.starts_with(&refused), "{text}: {refused}");
        assert!(judge(text, &names()).is_err(), "{text}");
    }
    for text in [
        "SELECT name FROM",
        "SELECT name",
        "SELECT count(*",
        "SELECT 'a",
        "SELECT name FROM singer WHERE",
        "SELECT a <",
    ] {
        assert_eq!(judge(text, &Rules::default()), Ok(false), "{text}");
    }
}

#[test]
fn names_are_held_to_the_schema() {
    for (text, accepted) in [
        ("SELECT nome", "SELECT n"),
        ("SELECT name FROM sanger", "SELECT name FROM s"),
        ("SELECT T1.name FROM concert AS T1 ", "SELECT T1.name FROM concert AS T"),
        ("SELECT T1.name, T1.year", "SELECT T1.name, T1."),
        ("SELECT name FROM concert WHERE", "SELECT name FROM concert "),
        ("SELECT T1.name FROM singer AS T2 WHERE", "SELECT T1.name FROM singer AS T2 "),
        ("SELECT name FROM singer AS T1 WHERE T2.age", "SELECT name FROM singer AS T1 WHERE "),
        ("SELECT name FROM singer WHERE year", "SELECT name FROM singer WHERE "),
        (
            "SELECT name FROM singer WHERE age IN (SELECT age FROM concert)",
            "SELECT name FROM singer WHERE age IN (SELECT age",
        ),
        ("SELECT count(name, foo(age)", "SELECT count(name, f"),
        ("SELECT [full nome]", "SELECT [full n"),
        ("SELECT singer.year", "SELECT singer."),
        (
            "SELECT name FROM singer JOIN concert ON singer.singer_id = concert.age",
            "SELECT name FROM singer JOIN concert ON singer.singer_id = concert.",
        ),
    ] {
        match judge(text, &names()) {
            Err(refused) => {
                assert!(refused.starts_with(accepted) && refused.len() < accepted.len() + 5, "{text}: {refused}");
            }
            // A query in brackets may look at the tables around it.
            Ok(_) => assert!(text.contains("IN (SELECT"), "{text}"),
        }
        assert!(judge(text, &Rules::default()).is_ok(), "{text}");
    }
}

#[test]
fn only_the_query_of_a_reply_is_held_to_the_rules() {
    let fenced = Reply::to("Answer in a ```sql block.");
    let bare = Reply::to("Write one query.");
    let after = |start: &Reply, text: &str| {
        let mut reply = start.clone();
        text.bytes().all(|byte| reply.push(byte, &names())).then(|| (reply.is_in_query(), reply.may_end(&names())))
    };
    let free = Some((false, true));
    assert_eq!(after(&fenced, "Select the singers first.\nSELECT nonsense )\n"), free);
    assert_eq!(after(&fenced, "<think>```sql\nSELECT nonsense )```</think>"), free);
    assert_eq!(after(&fenced, "So:\n```python\nSELECT nonsense )\n```"), free);
    assert_eq!(after(&fenced, "So:\n```sql\nSELECT name"), Some((true, false)));
    assert_eq!(after(&fenced, "So:\n```sql\nSELECT name FROM singer"), Some((true, true)));
    assert_eq!(after(&fenced, "So:\n```sql\nSELECT name FROM singer\n``"), Some((true, false)));
    assert_eq!(after(&fenced, "So:\n```sql\nSELECT name FROM singer\n```\nThat is ) it."), free);
    assert_eq!(after(&fenced, "So:\n```sql\nSELECT name FROM ```"), None);
    assert_eq!(after(&fenced, "```SQL SELECT name FROM singer; -- ) done"), free);
    assert_eq!(after(&fenced, "<answer>SELECT name FROM singer</answer> )"), free);
    assert_eq!(after(&fenced, "<answer>SELECT name FROM singer WHERE age < 3</answer>"), free);
    assert_eq!(after(&fenced, "<answer>SELECT name FROM</answer>"), None);
    assert_eq!(after(&fenced, "<answer>\n```sql\nSELECT name FROM singer\n```\n</answer>"), free);
    assert_eq!(after(&bare, "I select ) the\nname: "), free);
    assert_eq!(after(&bare, "SELECT name"), Some((true, false)));
    assert_eq!(after(&bare, "SQL: SELECT nome"), None);
    assert_eq!(after(&bare, "`SELECT name FROM singer` )"), free);
    assert_eq!(after(&bare, "SELECT name FROM singer </"), None);
}

#[test]
fn characters_may_come_in_parts_but_must_be_whole() {
    let push = |bytes: &[u8]| {
        let mut reply = Reply::to("");
        let good = b"SELECT 'a".iter().chain(bytes).all(|&byte| reply.push(byte, &Rules::default()));
        good.then(|| reply.may_end(&Rules::default()))
    };
    assert_eq!(push("ü€".as_bytes()), Some(false));
    assert_eq!(push(b"\xe2\x82"), Some(false), "the beginning of a character");
    assert_eq!(push(b"\xe2\x82'"), None, "no quote within a character");
    assert_eq!(push(b"\xff"), None);
    assert_eq!(push("ü' FROM ö".as_bytes()), Some(true));
}

#[test]
fn endless_blanks_and_names_are_refused() {
    assert!(judge(&format!("SELECT {}", " ".repeat(60)), &Rules::default()).is_err());
    assert!(judge(&format!("SELECT {}", "a".repeat(80)), &Rules::default()).is_err());
    assert!(judge(&format!("SELECT {}", "(".repeat(80)), &Rules::default()).is_err());
}
