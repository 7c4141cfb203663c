//! A run's training curves: a grid of panels with axes, in a theme's colours or on white for a paper.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{Look, PlotError, font, marks, panel, picture::Picture};
use crate::{
    cockpit::{figures, state::RunView, theme::ChartColor},
    harmless::Cleaner,
    run::{
        event::{MemorySource, Method, Record, RunStarted},
        metrics,
    },
};

/// Smallest side in pixels.
pub const MIN: u32 = 320;
/// Largest side in pixels.
pub const MAX: u32 = 8192;
/// The size of exported pictures.
pub const DEFAULT_SIZE: (u32, u32) = (1600, 1640);

/// Drawn so many times as large and then made smaller, since plotters draws hard edges.
pub(super) const SCALE: u32 = 2;

pub(super) type Area<B> = DrawingArea<B, plotters::coord::Shift>;

/// Draws the curves of a run as a PNG picture of so many pixels.
///
/// # Errors
/// [`PlotError::Empty`] if no step and no evaluation is among the records; [`PlotError::Size`] for impossible sizes.
pub fn render(records: &[Record], (width, height): (u32, u32), look: &Look) -> Result<Vec<u8>, PlotError> {
    let view = view(records, (width, height))?;
    let mut picture = Picture::new(width * SCALE, height * SCALE, (look.paper.0, look.paper.1, look.paper.2));
    {
        let size = (picture.width, picture.height);
        let root = BitMapBackend::with_buffer(&mut picture.bytes, size).into_drawing_area();
        page(&root, &view, look)?;
        root.present().map_err(draw_error)?;
    }
    picture.halved().png()
}

/// The same as an SVG picture, whose text is set in whatever font its viewer has.
///
/// # Errors
/// As [`render`].
pub fn render_svg(records: &[Record], size: (u32, u32), look: &Look) -> Result<String, PlotError> {
    let view = view(records, size)?;
    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        root.fill(&look.paper).map_err(draw_error)?;
        page(&root, &view, look)?;
        root.present().map_err(draw_error)?;
    }
    Ok(picture)
}

/// What there is to draw, once everything is ready for it.
fn view(records: &[Record], (width, height): (u32, u32)) -> Result<RunView, PlotError> {
    if !(MIN..=MAX).contains(&width) || !(MIN..=MAX).contains(&height) {
        return Err(PlotError::Size { width, height });
    }
    let view = RunView::replay(records);
    if view.step() == 0 && view.evals().is_empty() {
        return Err(PlotError::Empty);
    }
    font::register()?;
    Ok(view)
}

pub(super) fn draw_error(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

fn page<B: DrawingBackend>(root: &Area<B>, view: &RunView, look: &Look) -> Result<(), PlotError> {
    let (width, height) = root.dim_in_pixel();
    // Text grows with the page, within what stays readable.
    let unit = (f64::from(width.min(height)) / 1600.0).clamp(0.4, 4.0);
    let margin = (24.0 * unit) as u32;
    let head = (76.0 * unit) as u32;
    let foot = (106.0 * unit) as u32;
    let (top, rest) = root.split_vertically(head);
    let (middle, bottom) = rest.split_vertically(height - head - foot);
    write(&top, &title(view), (margin as i32, (40.0 * unit) as i32), 34.0 * unit, look.ink)?;
    let columns = if width * 10 < height * 7 { 1 } else { 2 };
    let panels = panels(view);
    let rows = panels.len().div_ceil(columns);
    for (area, spec) in middle.margin(0, 0, margin, margin).split_evenly((rows, columns)).iter().zip(&panels) {
        panel::draw(area, view, spec, look, unit)?;
    }
    for (line, text) in footer(view).iter().enumerate() {
        let y = (14.0 * unit + line as f64 * 24.0 * unit) as i32;
        write(&bottom, text, (margin as i32, y), 19.0 * unit, look.muted)?;
    }
    marks::legend(&bottom, view, look, unit, (margin as i32, (86.0 * unit) as i32))?;
    Ok(())
}

pub(super) fn write<B: DrawingBackend>(
    area: &Area<B>,
    text: &str,
    at: (i32, i32),
    size: f64,
    color: RGBColor,
) -> Result<(), PlotError> {
    let style = (font::FAMILY, size).into_font().color(&color).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(&Cleaner { ascii: false }.line(text), &style, at).map_err(draw_error)
}

fn title(view: &RunView) -> String {
    let name = view.info().map_or("run", |info| info.name.as_str());
    let max = view.max_steps().map_or_else(String::new, |max| format!(" of {max}"));
    format!("{name}: {} steps{max}", view.step())
}

/// Where the curves come from, in three lines.
fn footer(view: &RunView) -> Vec<String> {
    let Some(RunStarted { model, data, seed, device, program_version, settings, .. }) = view.info() else {
        return Vec::new();
    };
    vec![
        format!(
            "model {} ({}; {} parameters, {} trained) · seed {seed}",
            model.name,
            model.formats,
            figures::count(model.parameters),
            figures::count(model.trainable_parameters)
        ),
        format!(
            "data {} ({} train, {} held-out) · {device} · sqlr1-tui {program_version}",
            data.root, data.train, data.dev
        ),
        chosen(settings),
    ]
}

/// The settings that a reader of curves asks for first.
fn chosen(settings: &serde_json::Value) -> String {
    let keys = [
        ("learning rate", "/optim/learning_rate"),
        ("beta", "/grpo/beta"),
        ("loss", "/grpo/loss_type"),
        ("K", "/rollout/num_generations"),
        ("temperature", "/rollout/temperature"),
        ("LoRA r", "/lora/r"),
    ];
    let written = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = keys.iter().filter_map(|(name, at)| Some(format!("{name} {}", written(settings.pointer(at)?))));
    known.collect::<Vec<_>>().join(" · ")
}

/// The panels in reading order. Panels without a value are left out, save for the first two.
fn panels(view: &RunView) -> Vec<panel::Panel> {
    use figures::Unit::{Bytes, Percent, Plain};
    use panel::{Extra, Panel};
    let memory = match view.info().map(|info| info.memory_source) {
        Some(MemorySource::Gpu) => "GPU memory",
        _ => "process memory",
    };
    let plain = |title, metric, color| Panel { title, metric, unit: Plain, color, extra: Extra::None };
    let mut panels = vec![
        Panel {
            extra: Extra::Spread,
            ..plain("reward (mean, band: ± one standard deviation)", metrics::REWARD, ChartColor::Reward)
        },
        Panel {
            unit: Percent,
            extra: Extra::HeldOut,
            ..plain("execution accuracy", metrics::EXECUTION_ACCURACY, ChartColor::Accuracy)
        },
        plain("KL to the reference (nats a token)", metrics::KL, ChartColor::Kl),
        plain("loss", metrics::LOSS, ChartColor::Loss),
        plain("gradient norm (before clipping)", metrics::GRAD_NORM, ChartColor::GradNorm),
        plain("entropy (nats a token)", metrics::ENTROPY, ChartColor::Entropy),
        plain("tokens a second (rollout)", metrics::TOKENS_PER_SECOND, ChartColor::Speed),
        Panel { unit: Bytes, ..plain(memory, metrics::MEMORY_BYTES, ChartColor::Memory) },
    ];
    if view.info().is_some_and(|info| info.method == Method::Sft) {
        panels[0] = plain("learning rate", metrics::LEARNING_RATE, ChartColor::Entropy);
    }
    panels.retain(|panel| !matches!(panel.extra, panel::Extra::None) || view.series(panel.metric).is_some());
    panels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cockpit::fixture::RunBuilder,
        plot::picture::decode,
        run::event::{Alarm, ChangedBy, Event, SettingChanged, Severity, StepDone},
    };

    /// Colours in a rectangle other than white.
    fn inked(picture: &Picture, x: u32, y: u32, width: u32, height: u32) -> usize {
        let pixel = |x: u32, y: u32| &picture.bytes[((y * picture.width + x) * 3) as usize..][..3];
        (y..y + height)
            .flat_map(|y| (x..x + width).map(move |x| (x, y)))
            .filter(|(x, y)| pixel(*x, *y) != [255; 3])
            .count()
    }

    #[test]
    fn every_panel_and_the_words_around_them_have_ink() {
        let bytes = render(&RunBuilder::with_steps(60).records(), (800, 900), &Look::PRINT).unwrap();
        assert_eq!(
            bytes,
            render(&RunBuilder::with_steps(60).records(), (800, 900), &Look::PRINT).unwrap(),
            "drawn twice, equal bytes"
        );
        let picture = decode(&bytes);
        assert_eq!((picture.width, picture.height), (800, 900));
        assert!(inked(&picture, 0, 0, 800, 36) > 200, "title");
        assert!(inked(&picture, 0, 862, 800, 38) > 200, "footer");
        for row in 0..4 {
            for column in 0..2 {
                assert!(inked(&picture, column * 400 + 60, 60 + row * 200, 300, 160) > 500, "panel {row} {column}");
            }
        }
    }

    #[test]
    fn the_svg_has_the_same_words_and_nothing_that_runs() {
        let mut run = RunBuilder::new();
        let mut started = crate::cockpit::fixture::started(None);
        started.name = "</text><script>alert(1)</script>\u{1b}]0;x\u{7}".into();
        run.add(Event::Run(Box::new(started)));
        for step in 1..=30 {
            run.step(step);
        }
        run.eval(20, 9);
        let svg = render_svg(&run.records(), (800, 900), &Look::PRINT).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("loss") && svg.contains("held-out (Wilson 95 %)") && svg.contains("seed 42"));
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{}", &svg[..800]);
        assert_eq!(svg, render_svg(&run.records(), (800, 900), &Look::PRINT).unwrap());
    }

    #[test]
    fn what_happened_is_marked_in_every_panel_and_named_below() {
        let mut run = RunBuilder::with_steps(60);
        let without = render_svg(&run.records(), DEFAULT_SIZE, &Look::PRINT).unwrap();
        assert!(without.contains("evaluation") && without.contains("checkpoint"));
        assert!(!without.contains("! alarm") && !without.contains("± change by hand"));
        let alarm = Alarm {
            detector: "kl".into(),
            active: true,
            severity: Severity::Warning,
            since: 28,
            step: 30,
            confidence: 0.9,
            what: "KL is 3".into(),
            cost: None,
            remedies: Vec::new(),
            done: None,
        };
        run.add(Event::Alarm(Box::new(alarm)));
        run.add(Event::Changed(SettingChanged {
            key: "grpo.beta".into(),
            old: 0.04.into(),
            new: 0.1.into(),
            by: ChangedBy::Person,
            takes_effect: 34,
        }));
        let svg = render_svg(&run.records(), DEFAULT_SIZE, &Look::PRINT).unwrap();
        assert!(svg.contains("! alarm") && svg.contains("± change by hand"), "the legend names them");
        let lines = |svg: &str, sign: &str| svg.lines().filter(|line| line.trim() == sign).count();
        let panels = panels(&RunView::replay(&run.records())).len();
        assert_eq!((lines(&svg, "!"), lines(&svg, "±")), (panels, panels));
    }

    #[test]
    fn a_run_without_steps_has_no_curves() {
        let error = render(&RunBuilder::new().records(), DEFAULT_SIZE, &Look::PRINT).unwrap_err();
        assert_eq!(error.to_string(), "there is nothing to draw yet: no step is done");
        assert!(matches!(render(&[], DEFAULT_SIZE, &Look::PRINT), Err(PlotError::Empty)));
    }

    #[test]
    fn odd_values_and_sizes_do_no_harm() {
        let mut run = RunBuilder::new();
        for (step, value) in [(1, f64::NAN), (2, 0.0), (3, f64::INFINITY), (4, 1e300), (5, -1e300)] {
            let mut metrics = metrics::Metrics::default();
            for info in metrics::CATALOG {
                metrics.set(info.name, value);
            }
            run.add(Event::Step(StepDone { step, metrics }));
        }
        for size in [(MIN, MIN), (400, 2000), (2000, 400)] {
            assert_eq!(decode(&render(&run.records(), size, &Look::PRINT).unwrap()).width, size.0);
        }
        let error = render(&run.records(), (10, 100_000), &Look::PRINT).unwrap_err().to_string();
        assert!(error.contains("10×100000") && error.contains("320×320 to 8192×8192"), "{error}");
    }
}
