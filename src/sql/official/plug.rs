//! Predictions with gold's values in the places of their own, for models that do not predict values.

use super::super::scan::{Kind, Token, tokens};

/// Variants tried at most; the official evaluator tries all, however many.
const MOST: usize = 10_000;

/// The prediction with every combination of gold's distinct values in the places where it has values.
pub fn plugged(gold: &str, predicted: &str) -> impl Iterator<Item = String> {
    let mut values: Vec<String> = tokens(gold).filter(is_value).map(|token| token.text.to_owned()).collect();
    values.sort_unstable();
    values.dedup();
    // The pieces between the places of values.
    let mut pieces = vec![String::new()];
    for token in tokens(predicted) {
        match pieces.last_mut() {
            Some(last) if !is_value(&token) => last.push_str(token.text),
            _ => pieces.push(String::new()),
        }
    }
    let places = pieces.len() - 1;
    let combinations = u32::try_from(places).ok().and_then(|p| values.len().checked_pow(p)).unwrap_or(usize::MAX);
    (0..combinations.min(MOST)).map(move |mut number| {
        let mut variant = pieces[0].clone();
        for piece in &pieces[1..] {
            variant.push_str(&values[number % values.len()]);
            variant.push_str(piece);
            number /= values.len();
        }
        variant
    })
}

/// Quoted text and numbers.
fn is_value(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Quoted => token.text.starts_with(['\'', '"']),
        Kind::Word => token.text.starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_placements_are_tried() {
        let variants: Vec<_> =
            plugged("SELECT a WHERE b = 'x' OR c > 5", "SELECT a WHERE b = 1 AND d = \"y\"").collect();
        assert_eq!(
            variants,
            [
                "SELECT a WHERE b = 'x' AND d = 'x'",
                "SELECT a WHERE b = 5 AND d = 'x'",
                "SELECT a WHERE b = 'x' AND d = 5",
                "SELECT a WHERE b = 5 AND d = 5"
            ]
        );
        assert_eq!(plugged("SELECT a", "SELECT 1").count(), 0);
        assert_eq!(plugged("SELECT 1", "SELECT a").collect::<Vec<_>>(), ["SELECT a"]);
        let many = format!("SELECT {}", "1,".repeat(100));
        assert_eq!(plugged("SELECT 1, 2", &many).count(), MOST);
    }
}
