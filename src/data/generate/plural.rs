//! English plurals, as far as the phrases for columns need them.

/// The plural of a phrase: of its last word, or of the one before "of" or "in".
pub fn plural(phrase: &str) -> String {
    if let Some(rest) = ["number of", "date of", "day of"].iter().find_map(|head| phrase.strip_prefix(head)) {
        let head = &phrase[..phrase.len() - rest.len() - " of".len()];
        return format!("{head}s of{rest}");
    }
    match phrase {
        _ if phrase.ends_with("species") => phrase.to_owned(),
        _ if phrase.ends_with('s') => format!("{phrase}es"),
        _ => match phrase.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
            _ => format!("{phrase}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_english() {
        let pairs = [
            ("city", "cities"),
            ("day", "days"),
            ("pay", "pays"),
            ("running time", "running times"),
            ("species", "species"),
            ("number of goals", "numbers of goals"),
            ("specialty", "specialties"),
        ];
        for (one, many) in pairs {
            assert_eq!(plural(one), many);
        }
    }
}
