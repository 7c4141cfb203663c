//! The window's title, and the theme, whose file may change while it is on show.

use std::{io, path::Path, time::SystemTime};

use super::Cockpit;
use crate::{
    cockpit::{messages, pace::Change, theme::ThemeFile},
    run::event::LogLevel,
};

impl Cockpit {
    pub(super) fn name_window(&mut self) -> io::Result<()> {
        let title = self.app.title();
        if self.options.title && title != self.title {
            self.screen.send(&messages::title(&title))?;
            self.title = title;
        }
        Ok(())
    }

    pub(super) fn take_theme(&mut self, name: &str) {
        match self.options.theme_of(name) {
            Ok(theme) => self.app.theme = theme,
            Err(error) => self.app.toast(LogLevel::Error, error.to_string()),
        }
        self.watch_theme();
    }

    /// Remembers the file of the theme on show: who writes a theme wants to see it at once.
    pub(super) fn watch_theme(&mut self) {
        let path = ThemeFile::path(self.app.theme.name(), &self.options.themes);
        self.theme_file = path.map(|path| (changed(&path), path)).map(|(time, path)| (path, time));
    }

    pub(super) fn reload_theme(&mut self) {
        let Some((path, time)) = &mut self.theme_file else { return };
        let now = changed(path);
        if now != *time {
            *time = now;
            let name = self.app.theme.name().to_owned();
            self.take_theme(&name);
            self.pace.note(Change::Awaited);
        }
    }
}

/// When a file was changed last.
fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
