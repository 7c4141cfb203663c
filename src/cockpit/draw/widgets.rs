//! Small parts that several panels are made of.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, Borders, Widget},
};

use crate::cockpit::{app::App, text};

/// A frame with a title on the left and a remark on the right; gives the room inside.
pub fn frame(app: &App, title: &str, remark: &str, focused: bool, area: Rect, buf: &mut Buffer) -> Rect {
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(app.symbols.border)
        .border_style(app.theme.border(focused))
        .style(app.theme.panel());
    let inner = block.inner(area);
    block.render(area, buf);
    let room = usize::from(area.width).saturating_sub(4);
    let title = text::fit(title, room.saturating_sub(2), app.symbols.ellipsis);
    put(buf, area.x + 2, area.y, area.right().saturating_sub(1), &format!(" {title} "), app.theme.title(focused));
    let left = text::width(&title) + 3;
    if !remark.is_empty() && text::width(remark) + left + 2 <= room {
        right(buf, area, area.y, &format!(" {remark} "), app.theme.muted());
    }
    inner
}

/// Text on the right end of a frame's row, one column from the corner.
pub fn right(buf: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) {
    let width = text::width(text) as u16;
    if width + 3 <= area.width {
        put(buf, area.right() - width - 2, y, area.right().saturating_sub(1), text, style);
    }
}

/// Text at a place, cut at the column `end`; gives the column after it.
pub fn put(buf: &mut Buffer, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
    if !buf.area.contains((x, y).into()) || x >= end {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(end - x), style).0
}

/// Spans at a place, cut at the column `end`; gives the column after them.
pub fn put_spans(buf: &mut Buffer, mut x: u16, y: u16, end: u16, spans: &[Span<'_>]) -> u16 {
    for span in spans {
        x = put(buf, x, y, end, &span.content, span.style);
    }
    x
}

/// A gauge of so many columns, filled to a share from 0 to 1.
pub fn gauge(app: &App, share: f64, columns: usize) -> [Span<'static>; 2] {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * columns as f64).round() as usize;
    [
        Span::styled(app.symbols.full.repeat(full), app.theme.gauge()),
        Span::styled(app.symbols.rest.repeat(columns - full.min(columns)), app.theme.gauge_rest()),
    ]
}

/// Lines from the top of an area, scrolled; gives the scroll position brought back within bounds.
pub fn scrolled(lines: &[Line<'_>], scroll: usize, area: Rect, buf: &mut Buffer) -> usize {
    let height = usize::from(area.height);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    for (row, line) in lines.iter().skip(scroll).take(height).enumerate() {
        put_spans(buf, area.x, area.y + row as u16, area.right(), &line.spans);
    }
    scroll
}

/// A hint in the middle of an empty pane.
pub fn empty(app: &App, lines: &[&str], area: Rect, buf: &mut Buffer) {
    let styled = |(at, line)| {
        let style = if at == 0 { app.theme.text() } else { app.theme.muted() };
        text::wrap(line, usize::from(area.width)).into_iter().map(move |part| (part, style))
    };
    let lines: Vec<_> = lines.iter().copied().enumerate().flat_map(styled).collect();
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (y, (line, style)) in (top..area.bottom()).zip(&lines) {
        let x = area.x + (area.width - (text::width(line) as u16).min(area.width)) / 2;
        put(buf, x, y, area.right(), line, *style);
    }
}

/// A rectangle in the middle, no larger than the area.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}
