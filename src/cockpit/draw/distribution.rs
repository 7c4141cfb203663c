//! Histograms of a step's candidates, and heat maps of the newest steps'.

use ratatui::{buffer::Buffer, layout::Rect};

use super::widgets::empty;
use crate::{
    cockpit::{
        app::App,
        charts::{Chart, Kind, Measure, heat, histogram},
        figures::Unit,
    },
    curve::Range,
};

/// Parts of a cell that is filled from below.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Ever fuller cells.
const SHADES: [&str; 4] = ["░", "▒", "▓", "█"];
const ASCII_SHADES: [&str; 4] = [".", ":", "+", "#"];
/// Columns that a bar should have at least.
const BAR: usize = 3;

/// Draws a distribution; gives what stands below it, on the left and on the right.
pub fn render(app: &App, chart: &Chart, area: Rect, buf: &mut Buffer) -> (String, String) {
    let words = match chart.kind {
        Kind::Histogram(measure) => bars(app, chart, measure, area, buf),
        Kind::Heat(measure) => map(app, chart, measure, area, buf),
        _ => None,
    };
    words.unwrap_or_else(|| {
        let why = if app.run.samples().is_empty() { "no sample yet" } else { "no samples of this step are kept" };
        empty(app, &[why], area, buf);
        (String::new(), String::new())
    })
}

/// The candidates of the step under the cursor, or of the newest one.
fn bars(app: &App, chart: &Chart, measure: Measure, area: Rect, buf: &mut Buffer) -> Option<(String, String)> {
    let samples = app.run.samples();
    let newest = samples.get(samples.len().checked_sub(1)?)?.step;
    let step = app.ui.charts.cursor.unwrap_or(newest);
    let bins = (usize::from(area.width) / BAR).clamp(1, 40);
    let histogram = histogram(&app.groups_of(step), measure, bins)?;
    let most = histogram.most().max(1) as f64;
    let eighths = f64::from(area.height) * 8.0;
    let style = app.theme.chart(measure.color());
    for (bin, count) in histogram.counts.iter().enumerate() {
        let fill = (*count as f64 / most * eighths).round() as u16;
        // A bin with a single candidate is seen beside a full one.
        let fill = if *count > 0 { fill.max(1) } else { 0 };
        let (from, to) = (bin * usize::from(area.width) / bins, (bin + 1) * usize::from(area.width) / bins);
        for x in from..to.max(from + 2) - 1 {
            column(app, fill, area.x + x as u16, area, style, buf);
        }
    }
    let all: usize = histogram.counts.iter().sum();
    Some((ends(app, chart.unit, histogram.range), format!("{all} of step {step}")))
}

fn column(app: &App, fill: u16, x: u16, area: Rect, style: ratatui::style::Style, buf: &mut Buffer) {
    for row in 0..area.height {
        let part = fill.saturating_sub(row * 8).min(8);
        let sign = match part {
            0 => break,
            _ if app.symbols.ascii => "#",
            part => BARS[usize::from(part) - 1],
        };
        if let Some(cell) = buf.cell_mut((x, area.bottom() - 1 - row)) {
            cell.set_symbol(sign).set_style(style);
        }
    }
}

fn map(app: &App, chart: &Chart, measure: Measure, area: Rect, buf: &mut Buffer) -> Option<(String, String)> {
    let heat = heat(app.run.samples(), measure, usize::from(area.width), usize::from(area.height))?;
    let shades = if app.symbols.ascii { ASCII_SHADES } else { SHADES };
    let style = app.theme.chart(measure.color());
    let width = heat.columns.len();
    for x in 0..usize::from(area.width) {
        let bins = &heat.columns[x * width / usize::from(area.width)];
        for (row, share) in bins.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let shade = ((share * shades.len() as f64).ceil() as usize).clamp(1, shades.len()) - 1;
            if let Some(cell) = buf.cell_mut((area.x + x as u16, area.bottom() - 1 - row as u16)) {
                cell.set_symbol(shades[shade]).set_style(style);
            }
        }
    }
    let dash = if app.symbols.ascii { ".." } else { "–" };
    Some((ends(app, chart.unit, heat.range), format!("{}{dash}{}", heat.steps.0, heat.steps.1)))
}

fn ends(app: &App, unit: Unit, range: Range) -> String {
    unit.show_range(range, if app.symbols.ascii { ".." } else { "–" })
}
