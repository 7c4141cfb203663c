//! Words of names and questions, in a form in which they can be compared.

/// Words that say nothing about what is asked.
const COMMON: [&str; 24] = [
    "a", "an", "and", "are", "at", "by", "code", "date", "for", "from", "has", "id", "in", "is", "name", "no", "of",
    "on", "or", "the", "to", "type", "value", "with",
];

/// The words of a text: letters and digits, in lower case, names in camel case taken apart.
pub fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_was_lower = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (before_was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        before_was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A text's words with one space between them.
pub fn phrase(text: &str) -> String {
    words(text).join(" ")
}

/// A word without its plural's ending, roughly: it need not be a word, only the same for both.
pub fn stem(word: &str) -> &str {
    let endings: &[&str] = if word.ends_with("ss") { &[] } else { &["ies", "es", "s", "y", "e"] };
    endings.iter().filter_map(|ending| word.strip_suffix(ending)).find(|rest| rest.len() >= 3).unwrap_or(word)
}

/// The words of a name that tell it from others, as stems; all of them where none does.
pub fn telling(name: &str) -> Vec<String> {
    let all = words(name);
    let telling: Vec<String> =
        all.iter().filter(|word| !COMMON.contains(&word.as_str())).map(|word| stem(word).to_owned()).collect();
    if telling.is_empty() { all } else { telling }
}

/// Whether a name is too common to tell tables apart by: nothing but words such as `id` and `name`.
pub fn is_common(name: &str) -> bool {
    words(name).iter().all(|word| COMMON.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("singer_in_concert"), ["singer", "in", "concert"]);
        assert_eq!(words("StuID"), ["stu", "id"]);
        assert_eq!(words("Free Meal Count (K-12)"), ["free", "meal", "count", "k", "12"]);
        assert_eq!(telling("Student_Name"), ["student"]);
        assert!(is_common("name") && is_common("ID") && !is_common("city"));
    }

    #[test]
    fn plurals_have_the_stem_of_their_singular() {
        for (one, many) in [
            ("city", "cities"),
            ("singer", "singers"),
            ("course", "courses"),
            ("bus", "buses"),
            ("age", "ages"),
            ("class", "classes"),
        ] {
            assert_eq!(stem(one), stem(many), "{one}");
        }
    }
}
