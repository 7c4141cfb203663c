//! Gradients or weights of the adapter by layer and projection, as shades.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    cockpit::{
        action::Action,
        app::App,
        draw::widgets::{empty, frame, put_spans, scrolled},
        figures,
        state::{Flows, Range},
        text,
    },
    run::event::{AdapterNorms, GradientFlow},
};

/// Shades from the smallest value to the largest; those without Unicode.
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];
const ASCII_SHADES: [&str; 5] = [" ", ".", "-", "+", "#"];
/// Heights of a small curve.
const HEIGHTS: [&str; 5] = ["▁", "▂", "▄", "▆", "█"];
/// Rows that a layer gets at most.
const TALLEST: usize = 3;
/// Columns of a layer's number.
const NUMBER: usize = 5;

/// What the shades show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quantity {
    /// Norm of the gradient of both matrices.
    #[default]
    Gradient,
    /// The same by the norm of the matrices.
    Relative,
    /// Norm of the adapter's A.
    WeightA,
    /// Norm of the adapter's B, which begins at 0.
    WeightB,
}

impl Quantity {
    pub fn next(self) -> Self {
        match self {
            Self::Gradient => Self::Relative,
            Self::Relative => Self::WeightA,
            Self::WeightA => Self::WeightB,
            Self::WeightB => Self::Gradient,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gradient norm",
            Self::Relative => "gradient by weight",
            Self::WeightA => "norm of A",
            Self::WeightB => "norm of B",
        }
    }

    fn of(self, norms: &AdapterNorms) -> f64 {
        let size = |[a, b]: [f32; 2]| f64::from(a).hypot(f64::from(b));
        match self {
            Self::Gradient => size(norms.grad),
            Self::Relative => size(norms.grad) / size(norms.weight).max(1e-12),
            Self::WeightA => f64::from(norms.weight[0]),
            Self::WeightB => f64::from(norms.weight[1]),
        }
    }
}

/// Where a key moves the cursor to; drawing brings it back within bounds.
pub fn moved((layer, module): (usize, usize), action: Action) -> (usize, usize) {
    match action {
        Action::Down => (layer + 1, module),
        Action::Up => (layer.saturating_sub(1), module),
        Action::Right => (layer, module + 1),
        Action::Left => (layer, module.saturating_sub(1)),
        Action::First => (0, module),
        Action::Last => (usize::MAX / 2, module),
        Action::PageDown => (layer + 10, module),
        Action::PageUp => (layer.saturating_sub(10), module),
        _ => (layer, module),
    }
}

/// Which shade a value has within a range, on a logarithmic scale: norms differ by orders of magnitude. 0 has none.
fn shade(value: f64, range: Option<Range>) -> usize {
    let Some(range) = range.filter(|_| value.is_finite() && value > 0.0) else { return 0 };
    let (low, high) = (range.min.ln(), range.max.ln());
    if high - low < 1e-9 {
        return 2;
    }
    let place = ((value.ln() - low) / (high - low)).clamp(0.0, 1.0);
    (1 + (place * 4.0) as usize).min(4)
}

/// Draws the map, its legend, and what is at the cursor.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let flows = app.run.gradients();
    app.ui.model.back = app.ui.model.back.min(flows.len().saturating_sub(1));
    let Some(flow) = flows.len().checked_sub(app.ui.model.back + 1).and_then(|at| flows.get(at)).cloned() else {
        let inner = frame(app, "gradients by layer", "", app.ui.model.gradients, area, buf);
        return empty(app, &["no gradients yet", "told every run.gradient_flow_every steps; 0 is never"], inner, buf);
    };
    let (layers, modules) = (flow.layers.len(), flow.modules.len());
    let (layer, module) = app.ui.model.cursor;
    app.ui.model.cursor = (layer.min(layers.saturating_sub(1)), module.min(modules.saturating_sub(1)));
    let quantity = app.ui.model.quantity;
    let title = format!("{} by layer {} step {}", quantity.name(), app.symbols.dot, flow.step);
    let remark = format!("{} of {}", flows.len() - app.ui.model.back, flows.len());
    let inner = frame(app, &title, &remark, app.ui.model.gradients, area, buf).inner(Margin::new(1, 0));
    let below = told(app, &flow, usize::from(inner.width));
    // Few layers get tall cells; legend and figures stand right below them.
    let most = usize::from(inner.height).saturating_sub(below.len() + 2);
    let tall = (most / layers.max(1)).clamp(1, TALLEST);
    let rows = most.min(layers * tall);
    let range = Range::of(flow.layers.iter().flatten().map(|norms| quantity.of(norms)).filter(|value| *value > 0.0));
    map(app, &flow, range, tall, Rect { height: rows as u16 + 1, ..inner }, buf);
    let legend = legend(app, range);
    let gap = usize::from(most > rows);
    let bottom = Rect { y: inner.y + (rows + 1 + gap).min(usize::from(inner.height)) as u16, ..inner };
    let bottom = Rect { height: inner.bottom().saturating_sub(bottom.y), ..bottom };
    scrolled(&[vec![legend], below].concat(), 0, bottom, buf);
}

fn shades(app: &App) -> [&'static str; 5] {
    if app.symbols.ascii { ASCII_SHADES } else { SHADES }
}

/// A heading of the modules, and `tall` rows of shades for each layer around the cursor.
fn map(app: &App, flow: &GradientFlow, range: Option<Range>, tall: usize, area: Rect, buf: &mut Buffer) {
    let (layer, module) = app.ui.model.cursor;
    let room = usize::from(area.width).saturating_sub(NUMBER);
    let cell = (room / flow.modules.len().max(1)).clamp(2, 10);
    let cleaner = app.symbols.cleaner();
    let mut heads = vec![Span::raw(" ".repeat(NUMBER))];
    heads.extend(flow.modules.iter().enumerate().map(|(at, name)| {
        let name = cleaner.flat(name.trim_end_matches("_proj"));
        let style = if at == module { app.theme.accent() } else { app.theme.muted() };
        Span::styled(text::pad(&text::fit(&name, cell - 1, ""), cell, ""), style)
    }));
    put_spans(buf, area.x, area.y, area.right(), &heads);
    let rows = usize::from(area.height).saturating_sub(1) / tall;
    let first = layer.saturating_sub(rows / 2).min(flow.layers.len().saturating_sub(rows));
    for (row, (at, norms)) in flow.layers.iter().enumerate().skip(first).take(rows).enumerate() {
        let style = if at == layer { app.theme.accent() } else { app.theme.muted() };
        let mut spans = vec![Span::styled(format!("{at:>4} "), style)];
        for (column, norms) in norms.iter().enumerate() {
            let sign = shades(app)[shade(app.ui.model.quantity.of(norms), range)];
            let is_cursor = (at, column) == (layer, module);
            let style = if is_cursor { app.theme.accent().add_modifier(Modifier::REVERSED) } else { app.theme.gauge() };
            let (open, close) = if is_cursor { ("[", "]") } else { ("", "") };
            let inside = (cell - 1).saturating_sub(open.len() + close.len()).max(1);
            spans.push(Span::styled(format!("{open}{}{close}", sign.repeat(inside)), style));
            spans.push(Span::raw(" ".repeat(cell.saturating_sub(inside + open.len() + close.len()))));
        }
        for y in (row * tall..(row + 1) * tall).map(|y| area.y + 1 + y as u16) {
            put_spans(buf, area.x, y, area.right(), &spans);
            // The number stands once.
            spans[0] = Span::raw(" ".repeat(NUMBER));
        }
    }
}

/// What the shades mean.
fn legend(app: &App, range: Option<Range>) -> Line<'static> {
    let Some(range) = range else { return Line::from(Span::styled("all are 0", app.theme.muted())) };
    let [_, signs @ ..] = shades(app);
    let figure = |value: f64| Span::styled(figures::plain(value), app.theme.muted());
    let shades = Span::styled(format!(" {} ", signs.map(|sign| sign.repeat(2)).concat()), app.theme.gauge());
    let scale = Span::styled("  (log; blank is 0)", app.theme.muted());
    Line::from(vec![figure(range.min), shades, figure(range.max), scale])
}

/// The figures at the cursor, and how what is shown went in the steps that are kept.
fn told(app: &App, flow: &GradientFlow, width: usize) -> Vec<Line<'static>> {
    let (layer, module) = app.ui.model.cursor;
    let Some(norms) = flow.layers.get(layer).and_then(|layer| layer.get(module)) else { return Vec::new() };
    let name = app.symbols.cleaner().flat(flow.modules.get(module).map_or("", String::as_str));
    let figure = |value: f32| figures::plain(f64::from(value));
    let text_line =
        |words: String, style| Line::from(Span::styled(text::fit(&words, width, app.symbols.ellipsis), style));
    let quantity = app.ui.model.quantity;
    let head = format!("layer {layer} {name}: {} {}", quantity.name(), figures::plain(quantity.of(norms)));
    let parts = format!(
        "gradient A {} B {} {} weight A {} B {}",
        figure(norms.grad[0]),
        figure(norms.grad[1]),
        app.symbols.dot,
        figure(norms.weight[0]),
        figure(norms.weight[1])
    );
    let mut lines = vec![text_line(head, app.theme.strong())];
    let wrapped = text::wrap(&parts, width).into_iter();
    lines.extend(wrapped.map(|part| Line::from(Span::styled(part, app.theme.text()))));
    lines.extend(curve(app, app.run.gradients(), width));
    lines
}

/// The value at the cursor over the steps that are kept.
fn curve(app: &App, flows: &Flows, width: usize) -> Option<Line<'static>> {
    let (layer, module) = app.ui.model.cursor;
    let value = |at: usize| {
        let flow = flows.get(at)?;
        Some((flow.step, app.ui.model.quantity.of(flow.layers.get(layer)?.get(module)?)))
    };
    let room = width.saturating_sub(24).max(4);
    let values: Vec<(u64, f64)> = (flows.len().saturating_sub(room)..flows.len()).filter_map(value).collect();
    let range = Range::of(values.iter().map(|(_, value)| *value)).filter(|_| values.len() >= 2)?;
    let height = |value: f64| {
        let place = (value - range.min) / (range.max - range.min).max(1e-12);
        let at = (place.clamp(0.0, 1.0) * 4.0).round() as usize;
        if app.symbols.ascii { ASCII_SHADES[at] } else { HEIGHTS[at] }
    };
    let signs: String = values.iter().map(|(_, value)| height(*value)).collect();
    let words = format!("  steps {}-{}", values.first()?.0, values.last()?.0);
    Some(Line::from(vec![Span::styled(signs, app.theme.gauge()), Span::styled(words, app.theme.muted())]))
}
