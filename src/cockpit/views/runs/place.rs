//! What the view remembers: the runs, what is marked, what is compared. Folders are read by work on another thread.

use std::{path::PathBuf, sync::Arc};

use crate::{
    cockpit::{
        App,
        runs::{self, RunSummary},
        state::RunView,
        work::Work,
    },
    run::{event::LogLevel, folder::RUNS},
    settings::Settings,
};

/// What the runs are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Start,
    /// The best first.
    Best,
    /// The longest first.
    Steps,
    /// The largest first.
    Size,
    /// By name.
    Name,
}

impl Order {
    const ALL: [Self; 5] = [Self::Start, Self::Best, Self::Steps, Self::Size, Self::Name];

    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "newest first",
            Self::Best => "best first",
            Self::Steps => "longest first",
            Self::Size => "largest first",
            Self::Name => "by name",
        }
    }
}

/// Two runs.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Their names.
    pub names: [String; 2],
    /// What is known of them.
    pub views: [Arc<RunView>; 2],
    /// Settings that differ: key, then either's value.
    pub settings: Vec<(String, [String; 2])>,
}

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(super) cursor: usize,
    pub(super) scroll: usize,
    pub(super) order: Order,
    pub(super) compared: Option<Compared>,
    /// Why there is no list.
    pub(super) error: Option<String>,
    pub(super) reading: bool,
    runs: Option<Vec<RunSummary>>,
    marked: Vec<PathBuf>,
}

impl Place {
    /// The runs in their order; none before they are read.
    pub fn runs(&self) -> &[RunSummary] {
        self.runs.as_deref().unwrap_or_default()
    }

    /// Whether a run is marked.
    pub fn is_marked(&self, run: &RunSummary) -> bool {
        self.marked.contains(&run.path)
    }

    /// Goes to the next order; the cursor stays on its run.
    pub fn sort_next(&mut self) {
        let at = Order::ALL.iter().position(|order| *order == self.order).unwrap_or(0);
        self.order = Order::ALL[(at + 1) % Order::ALL.len()];
        self.sort();
    }

    fn sort(&mut self) {
        let under = self.runs().get(self.cursor).map(|run| run.path.clone());
        let order = self.order;
        if let Some(runs) = &mut self.runs {
            runs.sort_by(|a, b| match order {
                Order::Start => b.started.unwrap_or(0.0).total_cmp(&a.started.unwrap_or(0.0)),
                Order::Best => b.best_accuracy.unwrap_or(-1.0).total_cmp(&a.best_accuracy.unwrap_or(-1.0)),
                Order::Steps => b.step.cmp(&a.step),
                Order::Size => b.bytes.cmp(&a.bytes),
                Order::Name => a.name.cmp(&b.name),
            });
        }
        self.cursor = under.and_then(|path| self.runs().iter().position(|run| run.path == path)).unwrap_or(0);
    }

    /// Marks the run under the cursor, or takes its mark away.
    pub fn mark(&mut self) {
        let Some(path) = self.runs().get(self.cursor).map(|run| run.path.clone()) else { return };
        if let Some(at) = self.marked.iter().position(|marked| *marked == path) {
            self.marked.remove(at);
            return;
        }
        self.marked.push(path);
        if self.marked.len() > 2 {
            self.marked.remove(0);
        }
    }

    /// The marked runs, or the marked one and the one under the cursor.
    pub fn pair(&self) -> Option<[RunSummary; 2]> {
        let marked = self.marked.iter().filter_map(|path| self.runs().iter().find(|run| run.path == *path));
        let mut pair: Vec<&RunSummary> = marked.collect();
        if pair.len() == 1 {
            pair.extend(self.runs().get(self.cursor).filter(|run| run.path != pair[0].path));
        }
        match pair[..] {
            [a, b] => Some([a.clone(), b.clone()]),
            _ => None,
        }
    }
}

impl App {
    /// Has the runs read if they were not.
    pub(super) fn need_runs(&mut self) {
        let place = &self.ui.runs;
        if place.runs.is_none() && place.error.is_none() && !place.reading {
            self.read_runs();
        }
    }

    /// The folder in which the run on show lies.
    pub(super) fn runs_folder(&self) -> PathBuf {
        let parent = self.place.run.as_deref().and_then(std::path::Path::parent);
        parent.map_or_else(
            || PathBuf::from(RUNS),
            |parent| if parent.as_os_str().is_empty() { ".".into() } else { parent.to_owned() },
        )
    }

    /// Reads the folder of runs.
    pub(super) fn read_runs(&mut self) {
        let folder = self.runs_folder();
        self.ui.runs.reading = true;
        self.later(Work::new("list the runs", move |_| {
            let found = runs::list(&folder);
            move |app: &mut Self| {
                let place = &mut app.ui.runs;
                place.reading = false;
                match found {
                    Ok(runs) => {
                        (place.runs, place.error) = (Some(runs), None);
                        place.sort();
                    }
                    Err(error) => place.error = Some(error.to_string()),
                }
            }
        }));
    }

    /// Draws the run under the cursor under the charts, or takes it away if it is there.
    pub(super) fn underlay_run(&mut self) {
        let Some(run) = self.ui.runs.runs().get(self.ui.runs.cursor).cloned() else { return };
        if self.ghost().is_some_and(|ghost| ghost.name == run.name) {
            self.clear_ghost();
            return self.toast(LogLevel::Info, format!("{} is no longer drawn", run.name));
        }
        self.later(Work::new("read a run's curves", move |_| {
            let read = runs::view(&run.path);
            move |app: &mut Self| match read {
                Ok(view) => {
                    app.set_ghost(run.name.clone(), view.into_curves());
                    app.toast(LogLevel::Info, format!("{} is drawn faintly under the charts", run.name));
                }
                Err(error) => app.toast(LogLevel::Warn, format!("{}: {error}", run.name)),
            }
        }));
    }

    /// Reads two runs and shows how they differ.
    pub(super) fn compare_runs(&mut self, pair: [RunSummary; 2]) {
        self.later(Work::new("compare two runs", move |_| {
            let read = |run: &RunSummary| runs::view(&run.path).map(Arc::new).map_err(|e| format!("{}: {e}", run.name));
            let [a, b] = pair.each_ref().map(read);
            let settings = pair.each_ref().map(|run| Settings::from_file(&run.path.join("settings.yaml")));
            move |app: &mut Self| {
                let (a, b) = match (a, b) {
                    (Ok(a), Ok(b)) => (a, b),
                    (Err(error), _) | (_, Err(error)) => return app.toast(LogLevel::Warn, error),
                };
                let settings = match settings {
                    [Ok(a), Ok(b)] => a.changes(&b),
                    [Err(error), _] | [_, Err(error)] => {
                        app.toast(LogLevel::Warn, error.to_string());
                        Vec::new()
                    }
                };
                app.ui.runs.scroll = 0;
                app.ui.runs.compared = Some(Compared { names: pair.map(|run| run.name), views: [a, b], settings });
            }
        }));
    }
}
