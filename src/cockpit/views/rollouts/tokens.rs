//! A reply with each token shaded by how probable it was.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::{
    cockpit::{app::App, text},
    run::{event::Candidate, trace},
};

/// The tokens of a text with their probabilities. Bytes of one character that are several tokens come as one, with the least of them;
/// what the trace does not reach comes without.
pub fn pieces<'a>(text: &'a str, trace: &str) -> Vec<(&'a str, Option<f32>)> {
    let (mut pieces, mut start, mut end, mut least) = (Vec::new(), 0, 0_usize, 0.0_f32);
    for (bytes, logprob) in trace::decode(trace) {
        end = end.saturating_add(bytes).min(text.len());
        least = least.min(logprob);
        if bytes > 0 && end > start && text.is_char_boundary(end) {
            pieces.push((&text[start..end], Some(least.exp())));
            (start, least) = (end, 0.0);
        }
    }
    if start < text.len() {
        pieces.push((&text[start..], None));
    }
    pieces
}

/// Sure, likely, unsure and unlikely tokens differ in more than their hue.
fn style(app: &App, probability: Option<f32>) -> Style {
    match probability {
        None => app.theme.text(),
        Some(p) if p >= 0.9 => app.theme.muted(),
        Some(p) if p >= 0.5 => app.theme.text(),
        Some(p) if p >= 0.1 => app.theme.warn().add_modifier(Modifier::UNDERLINED),
        Some(_) => app.theme.bad().add_modifier(Modifier::REVERSED),
    }
}

/// The reply in lines of so many columns.
pub fn lines(app: &App, candidate: &Candidate, width: usize) -> Vec<Line<'static>> {
    let cleaner = app.symbols.cleaner();
    if candidate.trace.is_empty() {
        let words = "the run does not tell how probable its tokens were";
        return text::wrap(words, width).into_iter().map(|line| Line::styled(line, app.theme.muted())).collect();
    }
    let pieces = pieces(&candidate.text, &candidate.trace);
    let mut lines = vec![Line::default()];
    let mut used = 0;
    for (piece, probability) in &pieces {
        let style = style(app, *probability);
        for (at, part) in piece.split('\n').enumerate() {
            if at > 0 {
                lines.push(Line::default());
                used = 0;
            }
            for character in cleaner.line(part).chars() {
                let shown = character.to_string();
                if used + text::width(&shown) > width.max(1) {
                    lines.push(Line::default());
                    used = 0;
                }
                used += text::width(&shown);
                let Some(line) = lines.last_mut() else { continue };
                match line.spans.last_mut() {
                    Some(last) if last.style == style => last.content.to_mut().push(character),
                    _ => line.spans.push(Span::styled(shown, style)),
                }
            }
        }
    }
    let least = pieces.iter().filter_map(|(piece, p)| Some((piece, (*p)?))).min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((piece, probability)) = least {
        let words = format!("least sure: `{}` {:.1}%", cleaner.flat(piece), probability * 100.0);
        lines.push(Line::styled(text::fit(&words, width, app.symbols.ellipsis), app.theme.muted()));
    }
    lines
}

/// What the shades mean.
pub fn legend(app: &App) -> Line<'static> {
    let shade = |p: f32, words: &'static str| Span::styled(words, style(app, Some(p)));
    let gap = || Span::raw(" ");
    let words = Span::styled("probability: ", app.theme.muted());
    Line::from(vec![
        words,
        shade(0.95, "90%+"),
        gap(),
        shade(0.7, "50-90%"),
        gap(),
        shade(0.3, "10-50%"),
        gap(),
        shade(0.01, "below 10%"),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_of_a_character_are_one_piece() {
        let trace = trace::encode([(2, 0.0), (1, -1.0), (2, -4.0), (0, 0.0), (1, 0.0)]);
        let found = pieces("ab東c!", &trace);
        let texts: Vec<_> = found.iter().map(|(text, _)| *text).collect();
        assert_eq!(texts, ["ab", "東", "c", "!"]);
        assert!(found[1].1.unwrap() < 0.03 && found[3].1.is_none());
    }

    proptest! {
        #[test]
        fn any_trace_leaves_the_text_whole(text in ".{0,30}", trace in "[A-Za-z0-9+/]{0,40}") {
            prop_assert_eq!(pieces(&text, &trace).iter().map(|(piece, _)| *piece).collect::<String>(), text);
        }
    }
}
