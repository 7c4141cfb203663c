//! The palette: every action that means something now, found by a few letters.

use super::{App, Effect};
use crate::cockpit::{
    action::{ACTIONS, Action, ActionInfo, Scope},
    entry::Line,
    ui::Overlay,
    views::View,
};

impl App {
    pub(super) fn open_palette(&mut self) {
        self.ui.line = Line::default();
        self.ui.overlay = Overlay::Palette(0);
    }

    /// The actions that fit what is typed, the best first, each with the reason why it does nothing now if there is one.
    pub fn palette(&self) -> Vec<(&'static ActionInfo, Option<String>)> {
        let scopes = self.scopes_below();
        let typed = self.ui.line.text().trim().to_lowercase();
        let mut found: Vec<_> = ACTIONS
            .iter()
            .filter(|info| scopes.contains(&info.scope) && info.action != Action::Palette)
            .filter_map(|info| score(info, &typed).map(|score| (score, info)))
            .collect();
        found.sort_by_key(|(score, _)| *score);
        found.into_iter().map(|(_, info)| (info, self.unavailable(info.action))).collect()
    }

    pub(super) fn in_palette(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Palette(marked) = self.ui.overlay else { return None };
        let found = self.palette();
        let last = found.len().saturating_sub(1);
        match action {
            Action::Down => self.ui.overlay = Overlay::Palette(if marked >= last { 0 } else { marked + 1 }),
            Action::Up => self.ui.overlay = Overlay::Palette(if marked == 0 { last } else { marked.min(last) - 1 }),
            Action::Enter => {
                self.close();
                let (info, _) = found.get(marked.min(last))?;
                return self.perform(info.scope, info.action);
            }
            _ => self.close(),
        }
        None
    }

    /// Why an action does nothing now, if so.
    pub fn unavailable(&self, action: Action) -> Option<String> {
        let asks = crate::cockpit::action::needs_trainer(action);
        match action {
            _ if asks && self.tape().is_some() => Some(super::NO_TRAINER.into()),
            _ if asks && !self.has_trainer() => Some("no trainer is at work on this run".into()),
            Action::TakeControl if self.is_in_control() => Some("you are in control".into()),
            Action::TakeControl => None,
            _ if asks && !self.is_in_control() => Some(self.how_to_steer()),
            Action::PreviousGroup | Action::NextGroup if self.run.samples().len() < 2 => {
                Some("there is no other question yet".into())
            }
            Action::NextMarker | Action::PreviousMarker if self.run.markers().is_empty() => {
                Some("nothing is marked on the charts yet".into())
            }
            Action::PanBack | Action::PanOn | Action::WholeRun if !self.ui.charts.is_zoomed() => {
                Some("the whole run is on show".into())
            }
            Action::Copy if self.ui.view != View::Controls && self.run.samples().is_empty() => {
                Some("there is no query to copy yet".into())
            }
            _ => None,
        }
    }

    pub(super) fn scopes_below(&self) -> Vec<Scope> {
        let view = Scope::View(self.ui.view);
        if self.tape().is_some() { vec![view, Scope::Replay, Scope::Main] } else { vec![view, Scope::Main] }
    }
}

/// How well an action fits what is typed, smaller is better; `None` if not at all. All letters must come in their order; a
/// name that begins with them is best, then a word of it, then letters beside each other.
fn score(info: &ActionInfo, typed: &str) -> Option<usize> {
    let names = [info.label.to_lowercase(), info.id.replace('-', " ")];
    let by_name = names.iter().filter_map(|name| fit(name, typed)).min();
    by_name.or_else(|| info.help.to_lowercase().contains(typed).then_some(1000))
}

fn fit(name: &str, typed: &str) -> Option<usize> {
    if name.starts_with(typed) {
        return Some(0);
    }
    if name.split(' ').any(|word| word.starts_with(typed)) {
        return Some(10);
    }
    if let Some(at) = name.find(typed) {
        return Some(20 + at);
    }
    let mut rest = name.chars().enumerate();
    let mut spread = 0;
    for c in typed.chars().filter(|c| *c != ' ') {
        spread = rest.find(|(_, other)| *other == c)?.0;
    }
    Some(100 + spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_their_order_find_a_name_the_start_of_it_first() {
        assert_eq!(fit("checkpoint", "che"), Some(0));
        assert_eq!(fit("take control", "con"), Some(10));
        assert_eq!(fit("checkpoint", "point"), Some(25));
        assert!(fit("checkpoint", "cpt").is_some_and(|score| score > 100));
        assert_eq!(fit("checkpoint", "tpc"), None);
        assert_eq!(fit("anything", ""), Some(0));
    }
}
