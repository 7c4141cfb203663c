//! What can be typed next: the actions that a key means here and now, by groups.

use super::{App, Effect};
use crate::{
    cockpit::{
        action::{ACTIONS, Action, ActionInfo, Group, Scope},
        ui::Overlay,
    },
    run::event::LogLevel,
};

/// An action that a key means now.
#[derive(Debug)]
pub struct Hint {
    /// The key.
    pub key: String,
    /// The action.
    pub info: &'static ActionInfo,
    /// Why it does nothing now, if so.
    pub reason: Option<String>,
}

impl App {
    /// The actions that a key means now: the view's own first, each group in the order of the registry. Keys that mean something
    /// else here, and actions without a key, are left out.
    pub fn hints(&self) -> Vec<(Group, Vec<Hint>)> {
        let scopes = self.scopes_below();
        let mut groups: Vec<(Group, Vec<Hint>)> = Vec::new();
        let is_own = |action| matches!(action, Action::Hints | Action::Back);
        for info in ACTIONS.iter().filter(|info| scopes.contains(&info.scope) && !is_own(info.action)) {
            let Some(key) = self.keymap.reaching(info, &scopes) else { continue };
            let hint = Hint { key: key.label(), info, reason: self.unavailable(info.action) };
            match groups.iter_mut().find(|(group, _)| *group == info.group()) {
                Some((_, hints)) => hints.push(hint),
                None => groups.push((info.group(), vec![hint])),
            }
        }
        groups.sort_by_key(|(group, _)| *group);
        groups
    }

    /// Does what a key means while the hints are open: one that does nothing now says why, and the hints' own shows more of them.
    pub(super) fn in_hints(&mut self, page: usize, scope: Scope, action: Action) -> Option<Effect> {
        self.close();
        match (action, self.unavailable(action)) {
            // Drawing goes back to the first page after the last.
            (Action::Hints, _) => self.ui.overlay = Overlay::Hints(page.saturating_add(1)),
            (Action::Back, _) => {}
            (_, Some(reason)) => self.toast(LogLevel::Warn, format!("not now: {reason}")),
            (_, None) => return self.perform(scope, action),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crossterm::event::KeyCode;

    use super::*;
    use crate::{
        cockpit::{
            Symbols,
            action::Keymap,
            theme::{ColorDepth, Theme, ThemeFile},
            views::{
                View,
                testing::{Driver, SIZES, run},
            },
        },
        run::command::Command,
    };

    fn driver() -> Driver {
        Driver::new(&run(Vec::new()), &Symbols::UNICODE, ColorDepth::True)
    }

    /// What is open, page after page.
    fn pages(driver: &mut Driver, (width, height): (u16, u16)) -> String {
        let mut all = String::new();
        for _ in 0..9 {
            all += &driver.screen(width, height);
            driver.keys(";");
            driver.screen(width, height);
            if driver.app.ui.overlay == Overlay::Hints(0) {
                break;
            }
        }
        all
    }

    #[test]
    fn the_next_keys_at_four_sizes() {
        for (width, height) in SIZES {
            let screen = driver().keys("1;").screen(width, height);
            insta::assert_snapshot!(format!("hints_{width}x{height}"), screen);
        }
    }

    #[test]
    fn every_action_of_every_view_is_on_a_page_at_every_size() {
        for view in View::ALL {
            for size in SIZES {
                let mut driver = driver();
                driver.app.show(view);
                driver.keys(";");
                let all = pages(&mut driver, size);
                for (_, hints) in driver.app.hints() {
                    for Hint { key, info, .. } in hints {
                        let start: String = info.label.chars().take(5).collect();
                        let there = all.lines().any(|line| line.contains(&key) && line.contains(&start));
                        assert!(there, "{key} {} of {view:?} at {size:?}: {all}", info.label);
                    }
                }
            }
        }
    }

    #[test]
    fn the_next_key_does_what_it_says_and_esc_closes() {
        let mut driver = driver();
        assert_eq!(driver.keys(";c").app.ui.overlay, Overlay::None);
        assert_eq!(driver.sent(), [Command::Checkpoint { note: None }]);
        assert_eq!(driver.keys(";8").app.ui.view, View::Logs);
        driver.keys(";").press(KeyCode::Esc);
        assert_eq!((driver.app.ui.overlay, driver.app.ui.view), (Overlay::None, View::Logs));
        assert_eq!(driver.keys(";?").app.ui.overlay, Overlay::Help);
        driver.keys(";").press(KeyCode::F(7));
        assert_eq!(driver.app.ui.overlay, Overlay::Hints(0), "a key without a meaning changes nothing");
    }

    #[test]
    fn what_does_nothing_now_says_why_and_is_not_done() {
        let mut driver = driver();
        driver.app.run.trainer_gone();
        let screen = driver.keys(";").screen(120, 36);
        assert!(screen.contains("(checkpoint)") && screen.contains("not now, no trainer is at work"), "{screen}");
        driver.keys("c");
        assert!(driver.sent().is_empty());
        assert_eq!(driver.app.ui.toast.as_ref().unwrap().text, "not now: no trainer is at work on this run");
    }

    #[test]
    fn keys_are_those_of_the_map_and_of_the_innermost_scope() {
        let mut driver = driver();
        let changes = [("hints", "f1"), ("checkpoint", "K")].map(|(id, key)| (id.to_owned(), vec![key.to_owned()]));
        driver.app.keymap = Keymap::with(&BTreeMap::from(changes)).unwrap();
        let screen = driver.press(KeyCode::F(1)).screen(80, 24);
        assert!(screen.contains("f1 more (1 of") && screen.contains("esc closes"), "{screen}");
        let keys = |app: &App, action| {
            let of = |(_, hints): (_, Vec<Hint>)| hints.into_iter().find(|hint| hint.info.action == action);
            app.hints().into_iter().find_map(of).map(|hint| hint.key)
        };
        assert_eq!(keys(&driver.app, Action::Checkpoint).as_deref(), Some("K"));
        let theme = Theme::new(ThemeFile::load("night", std::path::Path::new("")).unwrap(), ColorDepth::True);
        let replay = App::new(theme, &Symbols::UNICODE, None).replaying(1.0);
        assert_eq!(keys(&replay, Action::PlayPause).as_deref(), Some("space"));
        assert_eq!(keys(&replay, Action::PauseResume), None, "in a replay its key means another thing");
    }
}
