use proptest::prelude::*;

use super::*;

fn kinds(sql: &str) -> Vec<(Kind, &str)> {
    tokens(sql).map(|t| (t.kind, t.text)).collect()
}

#[test]
fn quotes_and_comments_are_single_tokens() {
    use Kind::{Comment, Quoted, Space, Symbol, Word};
    assert_eq!(
        kinds("a='it''s;'--x;\n/*;*/[b c]"),
        [
            (Word, "a"),
            (Symbol, "="),
            (Quoted, "'it''s;'"),
            (Comment, "--x;"),
            (Space, "\n"),
            (Comment, "/*;*/"),
            (Quoted, "[b c]")
        ]
    );
    assert_eq!(kinds("\"ab"), [(Kind::Unclosed, "\"ab")]);
    assert_eq!(kinds("/* ab"), [(Comment, "/* ab")]);
}

proptest! {
    #[test]
    fn tokens_are_the_whole_text(sql in "[a-z'\"`\\[\\]/*\\- ;\\n\u{e9}\u{2028}]{0,40}") {
        let joined: String = tokens(&sql).map(|t| t.text).collect();
        prop_assert_eq!(joined, sql);
    }
}
