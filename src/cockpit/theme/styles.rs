//! A theme made ready for one terminal.

use ratatui::style::{Color, Modifier, Style};

use super::{ColorDepth, Ground, ThemeFile, color::Paint};

/// Which curve a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartColor {
    /// Mean reward.
    Reward,
    /// Execution accuracy of the training questions.
    Accuracy,
    /// Execution accuracy of the held-out questions.
    HeldOut,
    /// Divergence from the reference.
    Kl,
    /// Loss.
    Loss,
    /// Gradient norm.
    GradNorm,
    /// Tokens a second.
    Speed,
    /// Memory.
    Memory,
    /// Entropy.
    Entropy,
}

impl ChartColor {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Reward,
        Self::Loss,
        Self::Speed,
        Self::Kl,
        Self::HeldOut,
        Self::Accuracy,
        Self::GradNorm,
        Self::Entropy,
        Self::Memory,
    ];
}

/// Styles in the colours that the terminal shows. Where it shows none, bold, dim and reversed take their place.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    file: ThemeFile,
    depth: ColorDepth,
}

impl Theme {
    /// Makes a theme ready.
    pub fn new(file: ThemeFile, depth: ColorDepth) -> Self {
        Self { file, depth }
    }

    /// The theme's name.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The theme in all its colours, for pictures.
    #[must_use]
    pub fn in_full(&self) -> Self {
        Self { file: self.file.clone(), depth: ColorDepth::True }
    }

    /// For which ground it is made.
    pub fn kind(&self) -> Option<Ground> {
        self.file.kind
    }

    /// The theme of the other ground that goes with it.
    pub fn pair(&self) -> Option<&str> {
        self.file.pair.as_deref()
    }

    /// How many colours the terminal shows.
    pub fn depth(&self) -> ColorDepth {
        self.depth
    }

    fn color(&self, paint: Paint) -> Color {
        self.depth.nearest(paint.0)
    }

    fn fg(&self, paint: Paint) -> Style {
        Style::new().fg(self.color(paint))
    }

    fn plain(&self) -> bool {
        self.depth == ColorDepth::None
    }

    /// Everything, before anything is drawn.
    pub fn screen(&self) -> Style {
        let colors = &self.file.colors;
        Style::new().fg(self.color(colors.text)).bg(self.color(colors.background))
    }

    /// Inside of panes.
    pub fn panel(&self) -> Style {
        let colors = &self.file.colors;
        Style::new().fg(self.color(colors.text)).bg(self.color(colors.panel))
    }

    /// What matters.
    pub fn strong(&self) -> Style {
        self.fg(self.file.colors.text).add_modifier(Modifier::BOLD)
    }

    /// Plain text.
    pub fn text(&self) -> Style {
        self.fg(self.file.colors.text)
    }

    /// Labels and asides.
    pub fn muted(&self) -> Style {
        let style = self.fg(self.file.colors.muted);
        if self.plain() { style.add_modifier(Modifier::DIM) } else { style }
    }

    /// A pane's frame.
    pub fn border(&self, focused: bool) -> Style {
        match (focused, self.plain()) {
            (true, true) => Style::new().add_modifier(Modifier::BOLD),
            (true, false) => self.fg(self.file.colors.focus),
            (false, _) => self.fg(self.file.colors.border),
        }
    }

    /// A pane's title.
    pub fn title(&self, focused: bool) -> Style {
        let style = if focused { self.fg(self.file.colors.focus) } else { self.fg(self.file.colors.title) };
        style.add_modifier(Modifier::BOLD)
    }

    /// Keys and other things to act on.
    pub fn accent(&self) -> Style {
        self.fg(self.file.colors.accent).add_modifier(Modifier::BOLD)
    }

    /// The program's badge.
    pub fn badge(&self) -> Style {
        if self.plain() {
            return Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        }
        let colors = &self.file.colors;
        Style::new().fg(self.color(colors.on_accent)).bg(self.color(colors.accent)).add_modifier(Modifier::BOLD)
    }

    /// Laid over the selected row; colours of the text stay.
    pub fn selection(&self) -> Style {
        match self.color(self.file.colors.selection) {
            // One colour for the whole row: reversed, each of them would become a patch of its own.
            Color::Reset => Style::new().fg(Color::Reset).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            color => Style::new().bg(color).add_modifier(Modifier::BOLD),
        }
    }

    /// Something went well.
    pub fn good(&self) -> Style {
        self.fg(self.file.colors.good)
    }

    /// Something to know about.
    pub fn warn(&self) -> Style {
        self.loud(self.file.colors.warn)
    }

    /// Something failed.
    pub fn bad(&self) -> Style {
        self.loud(self.file.colors.bad)
    }

    fn loud(&self, paint: Paint) -> Style {
        if self.plain() { Style::new().add_modifier(Modifier::BOLD) } else { self.fg(paint) }
    }

    /// The done part of a gauge.
    pub fn gauge(&self) -> Style {
        self.fg(self.file.colors.gauge)
    }

    /// The rest of a gauge.
    pub fn gauge_rest(&self) -> Style {
        self.fg(self.file.colors.gauge_rest)
    }

    /// SQL keywords.
    pub fn keyword(&self) -> Style {
        self.loud(self.file.colors.keyword)
    }

    /// SQL strings.
    pub fn string(&self) -> Style {
        self.fg(self.file.colors.string)
    }

    /// SQL numbers.
    pub fn number(&self) -> Style {
        self.fg(self.file.colors.number)
    }

    /// Laid over the newest value of a curve.
    pub fn value(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A curve.
    pub fn chart(&self, which: ChartColor) -> Style {
        let charts = &self.file.charts;
        self.fg(match which {
            ChartColor::Reward => charts.reward,
            ChartColor::Accuracy => charts.accuracy,
            ChartColor::HeldOut => charts.held_out,
            ChartColor::Kl => charts.kl,
            ChartColor::Loss => charts.loss,
            ChartColor::GradNorm => charts.grad_norm,
            ChartColor::Speed => charts.speed,
            ChartColor::Memory => charts.memory,
            ChartColor::Entropy => charts.entropy,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn without_colours_meaning_is_left() {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::None);
        assert_eq!(theme.screen(), Style::new().fg(Color::Reset).bg(Color::Reset));
        assert!(theme.selection().add_modifier.contains(Modifier::REVERSED));
        assert!(theme.bad().add_modifier.contains(Modifier::BOLD));
        assert_ne!(theme.border(true), theme.border(false));
    }
}
