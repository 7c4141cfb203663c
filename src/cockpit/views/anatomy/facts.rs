//! Parameters, memory by part, checkpoints.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Margin, Rect},
    text::{Line, Span},
};

use crate::{
    cockpit::{
        app::App,
        draw::widgets::{empty, frame, gauge, scrolled},
        figures, text,
    },
    run::{
        event::{CheckpointReason, CheckpointSaved, ModelSummary},
        metrics,
    },
};

/// Parts of memory by the metrics that tell them, with their names.
const PARTS: [(&str, &str); 5] = [
    ("memory/weights", "weights"),
    ("memory/adapters", "adapters"),
    ("memory/optimizer", "optimizer"),
    ("memory/activations_and_rest", "rest"),
    ("memory/gpu_others", "others"),
];
/// Columns of a label.
const LABEL: usize = 13;

/// Draws them below each other.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let Some(model) = app.run.info().map(|info| info.model.clone()) else {
        let inner = frame(app, "model", "", true, area, buf);
        return empty(app, &["no model yet", "its figures come when it is read"], inner, buf);
    };
    let wide = usize::from(area.width.saturating_sub(4));
    let lines = [figures_of(app, &model, wide), memory(app, wide)].concat();
    let rows = (lines.len() as u16 + 2).min(area.height.saturating_sub(5).max(area.height.min(6)));
    let [top, bottom] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    let inner = frame(app, "model", "", false, top, buf).inner(Margin::new(1, 0));
    scrolled(&lines, 0, inner, buf);
    checkpoints(app, bottom, buf);
}

fn labelled(app: &App, label: &str, value: &str, width: usize) -> Line<'static> {
    let value = text::fit(value, width.saturating_sub(LABEL), app.symbols.ellipsis);
    let label = Span::styled(text::pad(label, LABEL, ""), app.theme.muted());
    Line::from(vec![label, Span::styled(value, app.theme.text())])
}

fn figures_of(app: &App, model: &ModelSummary, width: usize) -> Vec<Line<'static>> {
    let cleaner = app.symbols.cleaner();
    let all = model.parameters + model.trainable_parameters;
    let share = model.trainable_parameters as f64 / (all as f64).max(1.0) * 100.0;
    let dot = app.symbols.dot;
    let bits = model.weight_bytes as f64 * 8.0 / (model.parameters as f64).max(1.0);
    let lora = app.run.info().map(|info| info.settings["lora"].clone()).unwrap_or_default();
    let mut rows = vec![
        ("model", cleaner.flat(&model.name)),
        ("kind", cleaner.flat(&model.architecture)),
        ("parameters", format!("{} in the base", figures::count(model.parameters))),
        (
            "trainable",
            format!("{} in the adapter {dot} {share:.2}% of all", figures::count(model.trainable_parameters)),
        ),
        ("formats", cleaner.flat(&model.formats)),
        ("base", format!("{} {dot} {bits:.1} bits a parameter", figures::bytes(model.weight_bytes as f64))),
        ("file", cleaner.flat(&model.path)),
    ];
    if let (Some(rank), Some(targets)) = (lora["r"].as_u64(), lora["target_modules"].as_array()) {
        let targets: Vec<_> = targets.iter().filter_map(serde_json::Value::as_str).collect();
        rows.insert(4, ("adapter", cleaner.flat(&format!("rank {rank} on {}", targets.join(" ")))));
    }
    rows.into_iter().map(|(label, value)| labelled(app, label, &value, width)).collect()
}

/// Bytes by part as bars of their share, and the most that was held.
fn memory(app: &App, width: usize) -> Vec<Line<'static>> {
    let newest = |name: &str| app.run.series(name).and_then(|series| series.points().last()).map(|(_, value)| *value);
    let parts: Vec<_> = PARTS.iter().filter_map(|(metric, name)| Some((*name, newest(metric)?))).collect();
    let total: f64 = parts.iter().map(|(_, bytes)| bytes).sum();
    if parts.is_empty() {
        return vec![labelled(app, "memory", "told by part with the first step", width)];
    }
    let mut lines: Vec<Line<'static>> = parts
        .into_iter()
        .map(|(name, bytes)| {
            let columns = width.saturating_sub(LABEL + 20).clamp(4, 24);
            let [full, rest] = gauge(app, bytes / total.max(1.0), columns);
            let words = format!(" {:>9} {:>3.0}%", figures::bytes(bytes), bytes / total.max(1.0) * 100.0);
            let label = Span::styled(text::pad(name, LABEL, ""), app.theme.muted());
            Line::from(vec![label, full, rest, Span::styled(words, app.theme.text())])
        })
        .collect();
    lines.extend(newest(metrics::PEAK_MEMORY).map(|peak| labelled(app, "peak", &figures::bytes(peak), width)));
    lines.extend(gpu(app, newest).map(|words| labelled(app, "GPU", &words, width)));
    lines
}

/// The GPU's memory, and how it is doing; nothing on a CPU.
fn gpu(app: &App, newest: impl Fn(&str) -> Option<f64>) -> Option<String> {
    let total = newest("memory/gpu_total")?;
    let used = newest(metrics::MEMORY_BYTES).filter(|used| used.is_finite());
    let words = [
        used.map(|used| format!("{} of {}", figures::bytes(used), figures::bytes(total))),
        newest("gpu/utilization").map(|share| format!("{:.0}%", share * 100.0)),
        newest("gpu/temperature").map(|degrees| format!("{degrees:.0} C")),
        newest("gpu/power").map(|watts| format!("{watts:.0} W")),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    Some(words.join(&format!(" {} ", app.symbols.dot)))
}

fn checkpoints(app: &mut App, area: Rect, buf: &mut Buffer) {
    let saved = app.run.checkpoints();
    let bytes: u64 = saved.iter().map(|checkpoint| checkpoint.bytes).sum();
    let remark = if saved.is_empty() { String::new() } else { figures::bytes(bytes as f64) };
    let title = format!("checkpoints {} {} written", app.symbols.dot, saved.len());
    let inner = frame(app, &title, &remark, !app.ui.model.gradients, area, buf).inner(Margin::new(1, 0));
    if saved.is_empty() {
        return empty(app, &["no checkpoint yet", "c writes one at the end of the step"], inner, buf);
    }
    let lines: Vec<Line<'static>> =
        saved.iter().rev().map(|one| checkpoint(app, one, usize::from(inner.width))).collect();
    app.ui.model.scroll = scrolled(&lines, app.ui.model.scroll, inner, buf);
}

fn checkpoint(app: &App, saved: &CheckpointSaved, width: usize) -> Line<'static> {
    let why = match saved.reason {
        CheckpointReason::Periodic => "periodic",
        CheckpointReason::Best => "best",
        CheckpointReason::Manual => "asked for",
        CheckpointReason::Final => "final",
    };
    let path = app.symbols.cleaner().flat(&app.run.in_run_dir(&saved.path).display().to_string());
    let head = format!("step {:>6}  {why:<9} {:>9}  ", saved.step, figures::bytes(saved.bytes as f64));
    let path = text::fit(&path, width.saturating_sub(text::width(&head)), app.symbols.ellipsis);
    Line::from(vec![Span::styled(head, app.theme.text()), Span::styled(path, app.theme.muted())])
}
