//! Pictures of the curves and of the screen, made on another thread.

use std::{io, path::PathBuf, sync::Arc};

use ratatui::buffer::Buffer;
use tokio::task::JoinHandle;

use super::Cockpit;
use crate::{
    cockpit::{App, draw::draw, pace::Change, work::Finish},
    plot::{Look, PlotError, export_curves, export_svg, screen, screen_svg, write_picture},
    run::event::LogLevel,
};

/// Curves that are being written.
pub(super) type Export = JoinHandle<Result<PathBuf, String>>;

impl Cockpit {
    /// Reading the store and painting take a while: both happen on another thread.
    pub(super) fn start_export(&mut self) {
        if self.export.is_some() {
            self.app.toast(LogLevel::Warn, "the curves are being written already".into());
            return;
        }
        if self.app.run.info().is_none() {
            self.app.toast(LogLevel::Warn, PlotError::Empty.to_string());
            return;
        }
        // Not where the run's events say that it lies: it may have been moved, and a path from a file is not to be trusted.
        let Some(exports) = &self.options.exports else {
            let words = "nothing is written into a run of another user; `sqlr1-tui export` writes elsewhere (--out)";
            self.app.toast(LogLevel::Warn, words.into());
            return;
        };
        let stem = exports.join(format!("curves-step-{}", self.app.run.step()));
        let theme = self.app.theme.in_full();
        let history = Arc::clone(&self.history);
        self.export = Some(tokio::task::spawn_blocking(move || {
            let records = history.without_groups().map_err(|error| error.to_string())?;
            // One for the paper, one that looks like the screen, both with and without pixels.
            let print = stem.with_extension("png");
            let themed = |extension: &str| {
                let name = stem.file_name().unwrap_or_default().to_string_lossy();
                stem.with_file_name(format!("{name}-{}.{extension}", theme.name()))
            };
            let words = |error: PlotError| error.to_string();
            export_curves(&records, &print, &Look::PRINT).map_err(words)?;
            export_svg(&records, &stem.with_extension("svg"), &Look::PRINT).map_err(words)?;
            export_curves(&records, &themed("png"), &Look::of(&theme)).map_err(words)?;
            Ok(print)
        }));
    }

    /// Draws the screen as it is into pictures and text, painted on another thread.
    pub(super) fn take_screenshot(&mut self) -> io::Result<()> {
        let Some(exports) = &self.options.exports else {
            self.app.toast(LogLevel::Warn, "nothing is written into a run of another user".into());
            return Ok(());
        };
        let stem = exports.join(format!("screen-step-{}", self.app.run.step()));
        let area = self.screen.area()?;
        let mut drawn = Buffer::empty(area);
        self.app.ui.toast = None;
        draw(&mut self.app, area, &mut drawn);
        self.work.spawn_blocking(move || {
            let written = screen::render(&drawn).and_then(|png| {
                write_picture(&png, &stem.with_extension("png"))?;
                write_picture(screen_svg::render(&drawn).as_bytes(), &stem.with_extension("svg"))?;
                write_picture(screen::text(&drawn).as_bytes(), &stem.with_extension("txt"))
            });
            Box::new(move |app: &mut App| match written {
                Ok(()) => app.toast(LogLevel::Info, format!("the screen is in {}.png, .svg and .txt", stem.display())),
                Err(error) => app.toast(LogLevel::Error, format!("the screen was not written: {error}")),
            }) as Finish
        });
        Ok(())
    }

    pub(super) fn exported(&mut self, done: Result<PathBuf, String>) {
        self.pace.note(Change::Awaited);
        let (level, text) = match done {
            Ok(path) => (LogLevel::Info, format!("curves are in {}", path.display())),
            Err(error) => (LogLevel::Error, format!("the curves were not written: {error}")),
        };
        self.app.run.say(None, level, text.clone());
        self.app.toast(level, text);
    }
}

/// Waits for the export, or for ever if there is none.
pub(super) async fn finished(export: &mut Option<Export>) -> Result<PathBuf, String> {
    let Some(handle) = export else { return std::future::pending().await };
    let done = handle.await.unwrap_or_else(|error| Err(error.to_string()));
    *export = None;
    done
}
