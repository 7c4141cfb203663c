//! Which styles the views are drawn in, in a dark theme, a light one and one without colours.
//!
//! Texts of the views have snapshots of their own, which hold no colours. Here each view has, at four sizes, a map of its cells by
//! letters: cells with the same styles in all three themes have the same letter, and a legend says which those are. A row is
//! written as runs (`a3 b12`), and equal rows that follow one another once.

use std::{fmt::Write, path::Path};

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use super::{
    App, Symbols, draw,
    fixture::group,
    theme::{ColorDepth, Theme, ThemeFile},
    ui::Overlay,
    views::{
        View,
        testing::{SIZES, run},
    },
};
use crate::run::event::{Alarm, Event, Record, Severity};

const THEMES: [&str; 3] = ["night", "day", "mono"];

/// A run with all that has a style of its own: samples good and bad, an alarm, markers.
fn records() -> Vec<Record> {
    let alarm = Alarm {
        detector: "kl".into(),
        active: true,
        severity: Severity::Warning,
        since: 30,
        step: 35,
        confidence: 0.9,
        what: "KL is 3.1 nats a token".into(),
        cost: None,
        remedies: Vec::new(),
        done: None,
    };
    run(vec![Event::Alarm(Box::new(alarm)), Event::Group(Box::new(group(43, 0)))])
}

fn drawn(theme: &str, view: View, (width, height): (u16, u16)) -> Buffer {
    let theme = Theme::new(ThemeFile::load(theme, Path::new("")).unwrap(), ColorDepth::True);
    let mut app = App::new(theme, &Symbols::UNICODE, None);
    for record in records() {
        app.record(&record);
    }
    app.ui.toast = None;
    app.show(view);
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    draw(&mut app, area, &mut buf);
    buf
}

/// A cell's style in few letters.
fn words(cell: &Cell) -> String {
    let color = |color: Color| match color {
        Color::Rgb(r, g, b) => format!("{r:02x}{g:02x}{b:02x}"),
        Color::Reset => "-".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    let signs = [
        (Modifier::BOLD, 'b'),
        (Modifier::DIM, 'd'),
        (Modifier::UNDERLINED, 'u'),
        (Modifier::REVERSED, 'r'),
        (Modifier::ITALIC, 'i'),
    ];
    let signs: String =
        signs.iter().filter(|(modifier, _)| cell.modifier.contains(*modifier)).map(|(_, sign)| *sign).collect();
    let gap = if signs.is_empty() { "" } else { " " };
    format!("{} on {}{gap}{signs}", color(cell.fg), color(cell.bg))
}

/// The letter of a style: a to z, A to Z, then pairs.
fn letter(at: usize) -> String {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
    let last = letters[at % letters.len()];
    if at < letters.len() { last.to_string() } else { format!("{}{last}", letters[at / letters.len() - 1]) }
}

/// The map of a screen; styles are added to those known.
fn map(styles: &mut Vec<[String; 3]>, buffers: &[Buffer; 3]) -> String {
    let area = buffers[0].area;
    let mut rows: Vec<(usize, String)> = Vec::new();
    for y in 0..area.height {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for x in 0..area.width {
            let style = [0, 1, 2].map(|at| words(&buffers[at][(x, y)]));
            let at = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            match runs.last_mut() {
                Some((last, length)) if *last == at => *length += 1,
                _ => runs.push((at, 1)),
            }
        }
        let row: Vec<String> = runs.iter().map(|(at, length)| format!("{}{length}", letter(*at))).collect();
        let row = row.join(" ");
        match rows.last_mut() {
            Some((times, last)) if *last == row => *times += 1,
            _ => rows.push((1, row)),
        }
    }
    rows.iter().fold(String::new(), |mut out, (times, row)| {
        let times = if *times > 1 { format!("{times} x ") } else { String::new() };
        let _ = writeln!(out, "{times}{row}");
        out
    })
}

#[test]
fn the_views_in_three_themes_at_four_sizes() {
    for view in View::ALL {
        let mut styles = Vec::new();
        let mut maps = String::new();
        for size in SIZES {
            let buffers = THEMES.map(|theme| drawn(theme, view, size));
            let texts: Vec<String> = buffers.iter().map(|buf| buf.content.iter().map(Cell::symbol).collect()).collect();
            assert!(texts.iter().all(|text| *text == texts[0]), "{view:?}: a theme changes no sign");
            let _ = writeln!(maps, "{}x{}\n{}", size.0, size.1, map(&mut styles, &buffers));
        }
        let legend = styles.iter().enumerate().fold(String::new(), |mut out, (at, [night, day, mono])| {
            let _ = writeln!(out, "{:2} {night:22} {day:22} {mono}", letter(at));
            out
        });
        insta::assert_snapshot!(
            format!("styles_{}", view.title().to_lowercase()),
            format!("{}\n{legend}\n{maps}", THEMES.join(" "))
        );
    }
}

#[test]
fn every_theme_tells_what_is_marked_from_what_is_not() {
    // In the list of themes one row is marked: whatever the theme, its cells differ from those of the row below.
    const LIST: u16 = 54;
    for theme in THEMES {
        let theme = Theme::new(ThemeFile::load(theme, Path::new("")).unwrap(), ColorDepth::True);
        let mut app = App::new(theme, &Symbols::UNICODE, None);
        app.choose_theme(vec!["night".into(), "day".into(), "mono".into()]);
        app.ui.overlay = Overlay::Themes(0);
        let area = Rect::new(0, 0, 80, 24);
        let mut buf = Buffer::empty(area);
        draw(&mut app, area, &mut buf);
        let row = |name: &str| {
            let line = |y: u16| (LIST..80).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>();
            (0..24).find(|y| line(*y).contains(name)).map(|y| words(&buf[(LIST + 6, y)])).unwrap()
        };
        assert_ne!(row(" night "), row(" mono "));
    }
}
