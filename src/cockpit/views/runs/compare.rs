//! Two runs side by side: how they ended, and which settings differ.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
};

use super::place::Compared;
use crate::{
    cockpit::{
        app::App,
        draw::widgets::{frame, scrolled},
        figures::{self, Unit},
        state::RunView,
        text,
    },
    run::metrics,
};

/// Metrics whose last values are compared, with how they are written.
const METRICS: [(&str, Unit); 9] = [
    (metrics::REWARD, Unit::Plain),
    (metrics::EXECUTION_ACCURACY, Unit::Percent),
    (metrics::KL, Unit::Plain),
    (metrics::ENTROPY, Unit::Plain),
    (metrics::DEAD_GROUPS, Unit::Percent),
    (metrics::MEAN_LENGTH, Unit::Plain),
    (metrics::TOKENS_PER_SECOND, Unit::Plain),
    (metrics::STEP_TIME, Unit::Plain),
    (metrics::PEAK_MEMORY, Unit::Bytes),
];
/// Steps over which a last value is a mean.
const LAST: usize = 16;

/// Draws the comparison.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let Some(compared) = &app.ui.runs.compared else { return };
    let title = format!("comparison {} {} settings differ", app.symbols.dot, compared.settings.len());
    let inner = frame(app, &title, "pgdn scrolls", false, area, buf).inner(Margin::new(1, 0));
    let lines = lines(app, compared, usize::from(inner.width));
    app.ui.runs.scroll = scrolled(&lines, app.ui.runs.scroll, inner, buf);
}

fn lines(app: &App, compared: &Compared, width: usize) -> Vec<Line<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let label = (width / 3).clamp(8, 30);
    let column = (width.saturating_sub(label) / 2).max(1);
    let row = |name: &str, [a, b]: [String; 2], style| {
        let cut =
            |text: &str, columns: usize| text::pad(&text::fit(text, columns - 1, app.symbols.ellipsis), columns, "");
        Line::from(vec![
            Span::styled(cut(name, label), theme.muted()),
            Span::styled(cut(&cleaner.flat(&a), column), style),
            Span::styled(cut(&cleaner.flat(&b), column), style),
        ])
    };
    let mut lines = vec![row("", compared.names.clone(), theme.strong())];
    for (name, values) in figures_of(compared) {
        lines.push(row(&name, values, theme.text()));
    }
    lines.push(Line::default());
    if compared.settings.is_empty() {
        lines.push(Line::from(Span::styled("all settings are the same", theme.muted())));
    }
    lines.extend(compared.settings.iter().map(|(key, values)| row(key, values.clone(), theme.accent())));
    lines
}

/// How both stand at their ends.
fn figures_of(compared: &Compared) -> Vec<(String, [String; 2])> {
    let views = &compared.views;
    let both = |of: &dyn Fn(&RunView) -> Option<String>| {
        [of(&views[0]), of(&views[1])].map(|figure| figure.unwrap_or_else(|| "-".into()))
    };
    let best = |view: &RunView| {
        let best = view.evals().iter().max_by(|a, b| a.execution_accuracy.total_cmp(&b.execution_accuracy))?;
        Some(format!("{:.1}% ({}/{}) at step {}", best.execution_accuracy * 100.0, best.correct, best.n, best.step))
    };
    let last = |view: &RunView| view.evals().last().map(|eval| format!("{:.1}%", eval.execution_accuracy * 100.0));
    let mut rows = vec![
        ("steps".to_owned(), both(&|view| Some(view.step().to_string()))),
        ("best held-out".to_owned(), both(&best)),
        ("last held-out".to_owned(), both(&last)),
        ("time".to_owned(), both(&|view| Some(figures::duration(view.elapsed())))),
        ("model".to_owned(), both(&|view| view.info().map(|info| info.model.name.clone()))),
        ("device".to_owned(), both(&|view| view.info().map(|info| info.device.clone()))),
    ];
    for (metric, unit) in METRICS {
        let name = metrics::CATALOG.iter().find(|info| info.name == metric).map_or(metric, |info| info.label);
        let mean = |view: &RunView| view.series(metric)?.recent_mean(LAST).map(|value| unit.show(value));
        rows.push((format!("{name}, last {LAST}"), both(&mean)));
    }
    rows
}
