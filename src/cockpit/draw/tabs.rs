//! The row of views.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::widgets::put;
use crate::cockpit::{app::App, text, views::View};

/// Draws the row: numbers are the keys. The view on show is marked by more than its colour. Gives the place of each tab.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> Vec<(Rect, View)> {
    let mut places = Vec::new();
    if area.is_empty() {
        return places;
    }
    let labels: Vec<_> = View::ALL.iter().map(|view| (*view, label(*view), view.badge(app))).collect();
    let wide: usize =
        labels.iter().map(|(_, label, badge)| text::width(label) + 2 + badge.as_deref().map_or(0, text::width)).sum();
    let gap = u16::from(wide + labels.len() < usize::from(area.width));
    let mut x = area.x;
    for (view, label, badge) in labels {
        let start = x;
        let style = if view == app.ui.view {
            app.theme.title(true).add_modifier(Modifier::REVERSED)
        } else {
            app.theme.muted()
        };
        x = put(buf, x, area.y, area.right(), &format!(" {label}"), style);
        if let Some(badge) = badge {
            x = put(buf, x, area.y, area.right(), &format!(" {badge}"), style.patch(app.theme.warn()));
        }
        x = put(buf, x, area.y, area.right(), " ", style);
        places.push((Rect::new(start, area.y, x - start, 1), view));
        x += gap;
    }
    places
}

fn label(view: View) -> String {
    format!("{} {}", view.number(), view.title())
}
