//! The think/answer format of a reply (methods.md 1.1).

/// The tags, in the order in which they have to come.
const TAGS: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];

/// Characters up to which a longer reply is worth more (SQL-R1's `MAX_LENGTH`).
const MAX_LENGTH: f64 = 2048.0;

/// A reply in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'r> {
    /// What stands between the think tags.
    pub think: &'r str,
    /// What stands between the answer tags.
    pub answer: &'r str,
    /// The last ```` ```sql ```` block of the answer.
    pub sql: &'r str,
}

impl<'r> Layout<'r> {
    /// The parts of a reply that keeps the format: each tag once, in their order, and a ```` ```sql ```` block in the answer. The opening
    /// think tag may be missing, since the prompt may end in it.
    pub fn of(reply: &'r str) -> Option<Self> {
        let mut places = [0; 4];
        for (place, tag) in places.iter_mut().zip(TAGS) {
            let mut found = reply.match_indices(tag);
            *place = match (found.next(), found.next()) {
                (Some((at, _)), None) => at,
                (None, _) if tag == TAGS[0] => 0,
                _ => return None,
            };
        }
        let [think, think_end, answer, answer_end] = places;
        let after = |place: usize, tag: &str| if reply[place..].starts_with(tag) { place + tag.len() } else { place };
        let (think, answer) = (after(think, TAGS[0]), after(answer, TAGS[2]));
        if think > think_end || think_end > answer || answer > answer_end {
            return None;
        }
        let (think, answer) = (&reply[think..think_end], &reply[answer..answer_end]);
        Some(Self { think, answer, sql: last_block(answer)? })
    }
}

/// The content of the last ```` ```sql ```` block that is closed.
fn last_block(answer: &str) -> Option<&str> {
    let mut blocks = Vec::new();
    let mut rest = answer;
    while let Some(start) = rest.find("```sql") {
        let inside = &rest[start + "```sql".len()..];
        let Some(end) = inside.find("```") else { break };
        blocks.push(inside[..end].trim());
        rest = &inside[end + "```".len()..];
    }
    blocks.pop()
}

/// A quarter for each of the four tags, with its line break, that is there exactly once (`Think2SQL`'s first version). The opening think
/// tag may be missing where the closing one is there, since the prompt may end in it.
pub fn tag_share(reply: &str) -> f64 {
    let with_breaks = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"];
    let counts = with_breaks.map(|tag| reply.matches(tag).count());
    let from_prompt = !reply.contains(TAGS[0]) && reply.matches(TAGS[1]).count() == 1;
    let once = counts.iter().filter(|count| **count == 1).count() + usize::from(from_prompt);
    once as f64 / 4.0
}

/// SQL-R1's length term of a right reply: half the length of thought and answer in 2,048 characters, and the query's share of the answer.
/// Replies longer than that get the whole half. A reply without tags is all answer; `sql` is its query.
pub fn length_term(reply: &str, sql: &str) -> f64 {
    let (think, answer, sql) = match Layout::of(reply) {
        Some(layout) => (characters(layout.think), characters(layout.answer), characters(layout.sql)),
        None => (0.0, characters(reply), characters(sql)),
    };
    let share = if answer > 0.0 { sql / answer } else { 0.0 };
    let length = if characters(reply) <= MAX_LENGTH { (think + answer) / MAX_LENGTH } else { 1.0 };
    0.5 * length + share
}

fn characters(text: &str) -> f64 {
    text.chars().count() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "<think>\nhm\n</think>\n<answer>\n```sql\nSELECT 1\n```\n</answer>";

    #[test]
    fn the_format_is_tags_once_in_order_and_a_block() {
        assert_eq!(Layout::of(GOOD).map(|l| (l.think, l.sql)), Some(("\nhm\n", "SELECT 1")));
        let from_prompt = &GOOD["<think>".len()..];
        assert_eq!(Layout::of(from_prompt).map(|l| l.think), Some("\nhm\n"));
        let two = GOOD.replace("SELECT 1\n```", "SELECT 1\n```\nno:\n```sql\nSELECT 2\n```");
        assert_eq!(Layout::of(&two).map(|l| l.sql), Some("SELECT 2"), "the last block");
        for bad in [
            GOOD.replace("</think>", ""),
            GOOD.replace("hm", "<answer>"),
            GOOD.replace("hm", "<think>"),
            GOOD.replace("```sql", "```"),
            GOOD.replace("\n```\n", "\n"),
            GOOD.replace("</answer>", ""),
            "</think><think><answer>```sql\nSELECT 1\n```</answer>".to_owned(),
            "SELECT 1".to_owned(),
        ] {
            assert_eq!(Layout::of(&bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_count_a_quarter_each() {
        let share = |text: &str| (tag_share(text) * 4.0) as usize;
        assert_eq!([GOOD, &GOOD["<think>".len()..], "SELECT 1", ""].map(share), [4, 4, 0, 0]);
        assert_eq!(share("<think>\n a </think> <answer>\n"), 1, "line breaks count");
        assert_eq!(share(&format!("{GOOD}{GOOD}")), 0);
    }

    #[test]
    fn length_is_worth_up_to_one_and_a_half() {
        // Counted by hand.
        let layout = Layout::of(GOOD).map(|l| (l.think.len(), l.answer.len(), l.sql.len()));
        assert_eq!(layout, Some((4, 21, 8)));
        assert!((length_term(GOOD, "SELECT 1") - (0.5 * 25.0 / 2048.0 + 8.0 / 21.0)).abs() < 1e-12);
        let long = GOOD.replace("hm", &"h".repeat(3000));
        assert!((length_term(&long, "SELECT 1") - (0.5 + 8.0 / 21.0)).abs() < 1e-12);
        assert!((length_term("SELECT 1", "SELECT 1") - (0.5 * 8.0 / 2048.0 + 1.0)).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn any_text_has_a_layout_or_none(parts in prop::collection::vec(prop::sample::select(
            vec!["<think>", "</think>", "<answer>", "</answer>", "```sql", "```", "é", "SELECT 1", "\n"]), 0..12)) {
            let reply = parts.concat();
            if let Some(layout) = Layout::of(&reply) {
                prop_assert!(layout.answer.contains(layout.sql));
            }
            prop_assert!((0.0..=1.5).contains(&length_term(&reply, "")));
            prop_assert!((0.0..=1.0).contains(&tag_share(&reply)));
        }
    }
}
