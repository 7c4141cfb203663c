//! Which keys mean which actions: the registry's, changed by `ui.keys`.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::{ACTIONS, Action, ActionInfo, Chord, Scope};

/// The keys of every action, in the order of [`ACTIONS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: Vec<Vec<Chord>>,
}

/// Why `ui.keys` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such action.
    #[error("ui.keys.{id}: there is no such action{}; `sqlr1-tui keys` lists them", hint(.near.as_deref()))]
    Action {
        /// The name given.
        id: String,
        /// The action whose name is nearest.
        near: Option<String>,
    },
    /// There is no such key.
    #[error(
        "ui.keys.{id}: `{key}` is no key; a character, or one of space, enter, esc, tab, shift-tab, backspace, delete, home, end, \
         pgup, pgdn, up, down, left, right, f1 to f12 are, with `ctrl-` before it where wanted"
    )]
    Key {
        /// The action.
        id: String,
        /// The key as written.
        key: String,
    },
    /// Two actions that can be meant at the same time have it.
    #[error("ui.keys: `{key}` would mean both `{one}` and `{other}`; give one of them another key")]
    Clash {
        /// The key.
        key: String,
        /// An action.
        one: String,
        /// Another one.
        other: String,
    },
    /// No key would be left for what everybody must be able to do.
    #[error("ui.keys.{id}: this action needs a key")]
    Needed {
        /// The action.
        id: String,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" (`{near}`?)"))
}

/// Actions without which a person would be caught in the cockpit.
const NEEDED: [&str; 5] = ["quit", "help", "back", "stay", "entry-leave"];

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: ACTIONS.iter().map(|info| info.keys.to_vec()).collect() }
    }
}

impl Keymap {
    /// The registry's keys with some actions given others; an empty list takes an action its keys.
    ///
    /// # Errors
    /// When an action or a key does not exist, when two actions clash, or when nobody could leave any more.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        for (id, keys) in changes {
            let at = ACTIONS
                .iter()
                .position(|info| info.id == id)
                .ok_or_else(|| KeymapError::Action { id: id.clone(), near: nearest(id).map(str::to_owned) })?;
            let chord =
                |key: &String| Chord::parse(key).ok_or_else(|| KeymapError::Key { id: id.clone(), key: key.clone() });
            map.keys[at] = keys.iter().map(chord).collect::<Result<_, _>>()?;
            if map.keys[at].is_empty() && NEEDED.contains(&id.as_str()) {
                return Err(KeymapError::Needed { id: id.clone() });
            }
        }
        map.clash().map_or(Ok(map), Err)
    }

    /// The action that a key means in a scope.
    pub fn action(&self, event: &KeyEvent, scope: Scope) -> Option<Action> {
        self.entries()
            .find(|(info, keys)| info.scope == scope && keys.iter().any(|chord| chord.is(event)))
            .map(|(info, _)| info.action)
    }

    /// An action's keys as written, with a blank between them.
    pub fn labels(&self, info: &ActionInfo) -> String {
        let labels: Vec<String> = self.of(info).iter().map(Chord::label).collect();
        labels.join(" ")
    }

    /// The key to show for an action; empty where it has none.
    pub fn label(&self, info: &ActionInfo) -> String {
        self.of(info).first().map_or_else(String::new, Chord::label)
    }

    /// The first key of an action that means it in the first of these scopes that know the key; `None` where none does.
    pub fn reaching(&self, info: &ActionInfo, scopes: &[Scope]) -> Option<Chord> {
        let meant = |chord: &Chord| {
            let by_scope = |scope: &Scope| {
                let mut own = self.entries().filter(|(other, _)| other.scope == *scope);
                own.find(|(_, keys)| keys.contains(chord)).map(|(other, _)| other.id)
            };
            scopes.iter().find_map(by_scope) == Some(info.id)
        };
        self.of(info).iter().find(|chord| meant(chord)).copied()
    }

    fn of(&self, info: &ActionInfo) -> &[Chord] {
        self.entries().find(|(other, _)| other.id == info.id).map_or(&[], |(_, keys)| keys)
    }

    fn entries(&self) -> impl Iterator<Item = (&'static ActionInfo, &[Chord])> {
        ACTIONS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// Two actions that one key would mean at the same time. The keys of a replay come before what they mean everywhere.
    fn clash(&self) -> Option<KeymapError> {
        let together = |a: Scope, b: Scope| {
            let over = |view: Scope, other: Scope| {
                matches!(view, Scope::View(_)) && matches!(other, Scope::Main | Scope::Replay)
            };
            a == b || over(a, b) || over(b, a)
        };
        let entries: Vec<_> = self.entries().collect();
        entries.iter().enumerate().find_map(|(at, (one, keys))| {
            entries[at + 1..].iter().filter(|(other, _)| together(one.scope, other.scope)).find_map(
                |(other, others)| {
                    let key = keys.iter().find(|key| others.contains(key))?;
                    Some(KeymapError::Clash { key: key.label(), one: one.id.into(), other: other.id.into() })
                },
            )
        })
    }
}

/// The action whose name shares the most with what was written.
fn nearest(id: &str) -> Option<&'static str> {
    let names = ACTIONS.iter().map(|info| info.id);
    names
        .map(|name| (strsim::jaro_winkler(name, id), name))
        .filter(|(share, _)| *share > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn map(changes: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let owned = changes.iter().map(|(id, keys)| ((*id).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()));
        Keymap::with(&owned.collect())
    }

    fn press(map: &Keymap, code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        map.action(&KeyEvent::new(code, modifiers), Scope::Main)
    }

    #[test]
    fn the_registry_itself_has_no_clash() {
        assert_eq!(map(&[]), Ok(Keymap::default()));
    }

    #[test]
    fn an_action_takes_other_keys_and_gives_up_its_own() {
        let map = map(&[("checkpoint", &["K", "f5", "ctrl-k"]), ("evaluate", &[])]).unwrap();
        assert_eq!(press(&map, KeyCode::Char('K'), KeyModifiers::SHIFT), Some(Action::Checkpoint));
        assert_eq!(press(&map, KeyCode::F(5), KeyModifiers::NONE), Some(Action::Checkpoint));
        assert_eq!(press(&map, KeyCode::Char('k'), KeyModifiers::CONTROL), Some(Action::Checkpoint));
        assert_eq!(press(&map, KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(press(&map, KeyCode::Char('e'), KeyModifiers::NONE), None);
    }

    #[test]
    fn what_cannot_be_is_told_with_the_remedy() {
        let says = |changes: &[(&str, &[&str])], words: &str| {
            let error = map(changes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        says(&[("chekpoint", &["K"])], "ui.keys.chekpoint: there is no such action (`checkpoint`?)");
        says(&[("checkpoint", &["ctrl-"])], "ui.keys.checkpoint: `ctrl-` is no key");
        says(&[("checkpoint", &["e"])], "`e` would mean both `checkpoint` and `evaluate`");
        says(&[("quit", &[])], "ui.keys.quit: this action needs a key");
    }

    #[test]
    fn every_key_of_the_registry_is_written_as_it_is_read() {
        for chord in ACTIONS.iter().flat_map(|info| info.keys) {
            assert_eq!(Chord::parse(&chord.label()), Some(*chord), "{}", chord.label());
        }
    }
}
