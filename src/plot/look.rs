//! Colours of exported curves: a theme's, or those for print on white.

use plotters::style::RGBColor;

use crate::cockpit::theme::{ChartColor, Theme, rgb_of};

/// The colours of a page of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The page.
    pub paper: RGBColor,
    /// Titles and figures.
    pub ink: RGBColor,
    /// The footer.
    pub muted: RGBColor,
    /// Grid lines.
    pub lines: RGBColor,
    /// Axes.
    pub axes: RGBColor,
    /// Marks of alarms.
    pub alarm: RGBColor,
    /// Marks of changes made by hand.
    pub change: RGBColor,
    curves: [RGBColor; 9],
}

const CURVES: [ChartColor; 9] = [
    ChartColor::Reward,
    ChartColor::Accuracy,
    ChartColor::HeldOut,
    ChartColor::Kl,
    ChartColor::Loss,
    ChartColor::GradNorm,
    ChartColor::Speed,
    ChartColor::Memory,
    ChartColor::Entropy,
];

impl Look {
    /// Dark lines on white, that a paper's printer and a copier keep.
    pub const PRINT: Self = Self {
        paper: RGBColor(255, 255, 255),
        ink: RGBColor(36, 41, 47),
        muted: RGBColor(96, 104, 117),
        lines: RGBColor(226, 230, 236),
        axes: RGBColor(150, 158, 170),
        alarm: RGBColor(179, 32, 58),
        change: RGBColor(11, 90, 140),
        curves: [
            RGBColor(26, 112, 48),
            RGBColor(11, 106, 148),
            RGBColor(181, 82, 10),
            RGBColor(111, 63, 174),
            RGBColor(179, 32, 58),
            RGBColor(138, 90, 0),
            RGBColor(10, 116, 128),
            RGBColor(82, 92, 107),
            RGBColor(12, 122, 102),
        ],
    };

    /// The colours of a theme; what is the terminal's own in it is taken from print.
    pub fn of(theme: &Theme) -> Self {
        let paint = |color: Option<ratatui::style::Color>, print: RGBColor| {
            color.and_then(rgb_of).map_or(print, |(r, g, b)| RGBColor(r, g, b))
        };
        let screen = theme.screen();
        // A page is light or dark as a whole: without a ground of its own, the theme's inks might not be seen.
        if screen.bg.and_then(rgb_of).is_none() {
            return Self::PRINT;
        }
        Self {
            paper: paint(screen.bg, Self::PRINT.paper),
            ink: paint(screen.fg, Self::PRINT.ink),
            muted: paint(theme.muted().fg, Self::PRINT.muted),
            lines: paint(theme.border(false).fg, Self::PRINT.lines),
            axes: paint(theme.muted().fg, Self::PRINT.axes),
            alarm: paint(theme.bad().fg, Self::PRINT.alarm),
            change: paint(theme.accent().fg, Self::PRINT.change),
            curves: std::array::from_fn(|at| paint(theme.chart(CURVES[at]).fg, Self::PRINT.curves[at])),
        }
    }

    /// The colour of a curve.
    pub fn curve(&self, which: ChartColor) -> RGBColor {
        CURVES.iter().position(|color| *color == which).map_or(self.ink, |at| self.curves[at])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cockpit::theme::{ColorDepth, ThemeFile};

    fn look(name: &str) -> Look {
        Look::of(&Theme::new(ThemeFile::load(name, Path::new("")).unwrap(), ColorDepth::True))
    }

    #[test]
    fn a_theme_colours_the_page_and_a_terminals_own_becomes_print() {
        assert_eq!(look("night").paper, RGBColor(0x10, 0x14, 0x1c));
        assert_eq!(look("night").curve(ChartColor::Loss), RGBColor(0xf7, 0x76, 0x8e));
        assert_eq!(look("terminal"), Look::PRINT);
        assert_eq!(look("mono"), Look::PRINT);
    }
}
