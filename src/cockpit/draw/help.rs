//! Keys from the registry, metrics from the catalogue.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::widgets::{frame, middle, scrolled};
use crate::{
    cockpit::{
        action::{ACTIONS, Action, Scope, needs_trainer},
        app::{App, NO_TRAINER},
        text,
    },
    run::metrics,
};

/// Draws the help over the screen; gives the scroll position brought back within bounds.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> usize {
    let room = middle(area, 96, area.height.saturating_sub(2).max(8));
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let inner = frame(app, "help", "j k scroll, esc closes", true, room, buf).inner(Margin::new(1, 0));
    let lines = lines(app, usize::from(inner.width));
    scrolled(&lines, app.ui.help_scroll, inner, buf)
}

fn lines(app: &App, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let cleaner = app.symbols.cleaner();
    let mut lines = vec![heading(app, "keys")];
    let replay = app.tape().is_some();
    let shown = ACTIONS.iter().filter(|info| info.scope == Scope::Replay && replay);
    let main =
        ACTIONS.iter().filter(|info| info.scope == Scope::Main && (!replay || info.action != Action::PauseResume));
    let own = ACTIONS.iter().filter(|info| info.scope == Scope::View(app.ui.view));
    for info in shown.chain(main).chain(own) {
        let (help, term, style) = if replay && needs_trainer(info.action) {
            (format!("{} Not here: {NO_TRAINER}.", info.help), theme.muted(), theme.muted())
        } else {
            (info.help.to_owned(), theme.accent(), theme.text())
        };
        two_columns(&mut lines, &app.keymap.labels(info), term, &[(help, style)], width);
    }
    lines.push(Line::default());
    lines.push(heading(app, "metrics"));
    for info in metrics::CATALOG {
        let healthy = format!("Healthy: {}.", info.healthy);
        let texts = [
            (cleaner.line(info.meaning).into_owned(), theme.text()),
            (cleaner.line(&healthy).into_owned(), theme.good()),
        ];
        two_columns(&mut lines, info.label, theme.accent(), &texts, width);
    }
    lines
}

fn heading(app: &App, word: &str) -> Line<'static> {
    Line::from(Span::styled(word.to_owned(), app.theme.title(true)))
}

/// A term on the left, texts wrapped on its right.
fn two_columns(
    lines: &mut Vec<Line<'static>>,
    term: &str,
    style: ratatui::style::Style,
    texts: &[(String, ratatui::style::Style)],
    width: usize,
) {
    const TERM: usize = 15;
    let mut term = Some(term.to_owned());
    for (text, text_style) in texts {
        for part in text::wrap(text, width.saturating_sub(TERM)) {
            let left = text::pad(&term.take().unwrap_or_default(), TERM, "");
            lines.push(Line::from(vec![Span::styled(left, style), Span::styled(part, *text_style)]));
        }
    }
}
