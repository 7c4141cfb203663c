//! The loop: keys, records and signals in, frames out. Draws only when something changed, and sleeps otherwise.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crossterm::event::{Event as Input, EventStream};
use futures::StreamExt;
use ratatui::buffer::Buffer;
use tokio::{
    task::{JoinError, JoinHandle, JoinSet},
    time::sleep_until,
};

use super::{
    app::{App, Effect, Leave, Message},
    draw::draw,
    feed::{Delivery, Feed, History},
    messages::{self, LONGEST_COPY},
    options::CockpitOptions,
    outcome::{CockpitError, Left, Outcome, Signal, Signals},
    surroundings::Surroundings,
    terminal::Screen,
    theme::ThemeFile,
    work::{Finish, Work},
};
use crate::{
    plot::{Look, PlotError, export_curves, export_svg, screen, screen_svg, write_picture},
    run::{
        command::CommandSink,
        event::{LogLevel, RunStarted},
    },
};

/// Shows a run until a person leaves or a signal comes.
///
/// Without `commands` it only looks on, as for a stored run. Must run on a tokio runtime with time and I/O enabled; the
/// thread that polls it does the drawing.
///
/// # Errors
/// When there is no terminal, or when it fails.
pub async fn run(
    feed: Feed,
    commands: Option<Arc<dyn CommandSink>>,
    options: CockpitOptions,
) -> Result<Outcome, CockpitError> {
    let app = App::new(options.theme.clone(), options.symbols, commands);
    show(feed, app, options).await
}

/// Plays a stored run as it happened, so many seconds of it a second, until a person leaves or a signal comes.
///
/// # Errors
/// As [`run`].
pub async fn replay(feed: Feed, speed: f64, options: CockpitOptions) -> Result<Outcome, CockpitError> {
    let app = App::new(options.theme.clone(), options.symbols, None).replaying(speed);
    show(feed, app, options).await
}

async fn show(feed: Feed, mut app: App, options: CockpitOptions) -> Result<Outcome, CockpitError> {
    if !io::stdout().is_terminal() {
        return Err(CockpitError::NoTerminal);
    }
    let mut signals = Signals::listen()?;
    let options = options.on(Surroundings::ask());
    app.theme = options.theme.clone();
    app.ui.sparing = options.sparing == Some(true);
    app.place = options.place.clone();
    app.keymap = options.keymap.clone();
    app.arrange(&options.charts);
    let mut screen = Screen::take()?;
    if options.mouse {
        screen.mouse(true)?;
    }
    let mouse = options.mouse;
    let history = feed.history();
    let mut cockpit = Cockpit {
        app,
        screen,
        history,
        options,
        dirty: true,
        next_frame: Instant::now() + FIRST,
        export: None,
        work: JoinSet::new(),
        begun: false,
        mouse,
        title: String::new(),
        theme_file: None,
    };
    cockpit.watch_theme();
    if let Some(past) = cockpit.options.ghost.clone() {
        cockpit.perform(Effect::Work(past.work()))?;
    }
    let feed = if cockpit.app.tape().is_some() { feed.whole() } else { feed };
    let left = cockpit.turn(feed, &mut signals).await?;
    let run = &cockpit.app.run;
    let command = run.info().map_or("train", RunStarted::command);
    let checkpoint = run.checkpoints().last().map(|saved| saved.path.clone());
    Ok(Outcome { left, ended: run.ended().cloned(), is_lost: run.is_lost(), step: run.step(), command, checkpoint })
}

/// How long the first frame waits for the past to be read, so that no empty screen flashes up.
const FIRST: Duration = Duration::from_millis(120);
/// Time between frames on a line that is spared.
const SPARING: Duration = Duration::from_millis(500);
/// Time between two looks at the theme's file.
const THEME_WATCH: Duration = Duration::from_secs(1);

type Export = JoinHandle<Result<PathBuf, String>>;

struct Cockpit {
    app: App,
    screen: Screen,
    history: Arc<dyn History>,
    options: CockpitOptions,
    dirty: bool,
    next_frame: Instant,
    export: Option<Export>,
    work: JoinSet<Finish>,
    /// Whether the first records are here.
    begun: bool,
    /// Whether the mouse is taken.
    mouse: bool,
    /// The window's title as last sent.
    title: String,
    /// The file of the theme on show with the time of its last change, where it has one.
    theme_file: Option<(PathBuf, Option<SystemTime>)>,
}

impl Cockpit {
    async fn turn(&mut self, mut feed: Feed, signals: &mut Signals) -> Result<Left, CockpitError> {
        let mut input = EventStream::new();
        loop {
            self.draw_if_due()?;
            let tick = self.app.wait().map(|wait| Instant::now() + wait);
            let notice_ends = self.app.ui.toast.as_ref().map(|toast| toast.until);
            let effect = tokio::select! {
                biased;
                signal = signals.next() => return Ok(Left::Signal(signal)),
                event = input.next() => match event {
                    Some(event) => self.input(&event?),
                    // The terminal hung up; SIGHUP may or may not come.
                    None => return Ok(Left::Signal(Signal::Hangup)),
                },
                done = finished(&mut self.export) => {
                    self.exported(done);
                    None
                }
                Some(done) = self.work.join_next() => {
                    self.worked(done);
                    None
                }
                () = wait_until(self.dirty.then_some(self.next_frame)) => None,
                () = wait_until(notice_ends) => {
                    self.app.ui.toast = None;
                    self.dirty = true;
                    None
                }
                () = wait_until(tick) => {
                    self.app.tick(Instant::now());
                    self.dirty = true;
                    None
                }
                () = wait_until(self.theme_file.as_ref().map(|_| Instant::now() + THEME_WATCH)) => {
                    self.reload_theme();
                    None
                }
                delivery = feed.next(self.app.last_seq()) => self.deliver(delivery),
            };
            self.tell()?;
            if let Some(effect) = effect
                && let Some(leave) = self.perform(effect)?
            {
                return Ok(Left::Key(leave));
            }
        }
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        if self.dirty && Instant::now() >= self.next_frame {
            self.screen.draw(&mut self.app)?;
            self.dirty = false;
            let least = if self.app.ui.sparing { SPARING } else { self.options.frame };
            self.next_frame = Instant::now() + least.max(self.options.frame);
            self.name_window()?;
            self.start_due();
        }
        Ok(())
    }

    fn input(&mut self, event: &Input) -> Option<Effect> {
        match event {
            Input::Key(key) => {
                self.dirty = true;
                self.app.key(key)
            }
            Input::Mouse(mouse) => {
                self.dirty = true;
                self.app.mouse(*mouse)
            }
            Input::Resize(..) => {
                self.dirty = true;
                None
            }
            _ => None,
        }
    }

    fn deliver(&mut self, delivery: Delivery) -> Option<Effect> {
        self.dirty = true;
        match delivery {
            Delivery::Records(records) => {
                let effect = records.iter().fold(None, |effect, record| self.app.record(record).or(effect));
                if !self.begun {
                    // What is past is nothing to give notice of.
                    if self.app.tape().is_none() {
                        self.app.ui.toast = None;
                    }
                    self.app.begin();
                    self.begun = true;
                    self.next_frame = Instant::now();
                }
                effect
            }
            Delivery::Portion(records) => {
                // What is past is nothing to act upon.
                for record in &records {
                    let _ = self.app.record(record);
                }
                // Unless it takes long, the first frame shows all of it.
                None
            }
            Delivery::LeftOut(groups) => {
                self.app.run.leave_out(groups);
                None
            }
            Delivery::Failed(error) => {
                self.app.run.say(None, LogLevel::Error, error.to_string());
                None
            }
            Delivery::Presence(presence) => {
                self.app.see(&presence);
                None
            }
            Delivery::NoTrainer => {
                // A replay shows what was, not what is.
                if self.app.tape().is_none() {
                    self.app.run.no_trainer();
                }
                None
            }
            Delivery::Closed => self.app.trainer_gone(),
        }
    }

    fn perform(&mut self, effect: Effect) -> io::Result<Option<Leave>> {
        self.dirty = true;
        match effect {
            Effect::Leave(leave) => return Ok(Some(leave)),
            Effect::Export => self.start_export(),
            Effect::Work(work) => self.start(work),
            Effect::Screenshot => return self.take_screenshot().map(|()| None),
            Effect::Redraw => self.screen.clear()?,
            Effect::Suspend => self.screen.suspend()?,
            Effect::Themes => self.app.choose_theme(ThemeFile::names(&self.options.themes)),
            Effect::Theme(name) => self.take_theme(&name),
            Effect::Mouse => {
                self.mouse = !self.mouse;
                self.screen.mouse(self.mouse)?;
                let words =
                    if self.mouse { "the mouse is taken; shift selects text" } else { "the mouse is the terminal's" };
                self.app.toast(LogLevel::Info, words.into());
            }
        }
        Ok(None)
    }

    /// Sends what the app has for the terminal beside the picture.
    fn tell(&mut self) -> io::Result<()> {
        for message in self.app.take_messages() {
            let tmux = self.options.tmux;
            match message {
                Message::Copy(text) if text.len() > LONGEST_COPY => {
                    let words = format!("{} bytes are too much for a terminal's clipboard", text.len());
                    self.app.toast(LogLevel::Warn, words);
                }
                Message::Copy(text) => self.screen.send(&messages::copy(&text, tmux))?,
                // What happened before the person came is nothing to call them for.
                Message::Notice(_) if !self.begun => {}
                Message::Notice(text) => self.screen.send(&self.options.calling.notice(&text, tmux))?,
            }
        }
        Ok(())
    }

    fn name_window(&mut self) -> io::Result<()> {
        let title = self.app.title();
        if self.options.title && title != self.title {
            self.screen.send(&messages::title(&title))?;
            self.title = title;
        }
        Ok(())
    }

    fn take_theme(&mut self, name: &str) {
        match self.options.theme_of(name) {
            Ok(theme) => self.app.theme = theme,
            Err(error) => self.app.toast(LogLevel::Error, error.to_string()),
        }
        self.watch_theme();
    }

    /// Remembers the file of the theme on show: who writes a theme wants to see it at once.
    fn watch_theme(&mut self) {
        let path = ThemeFile::path(self.app.theme.name(), &self.options.themes);
        self.theme_file = path.map(|path| (changed(&path), path)).map(|(time, path)| (path, time));
    }

    fn reload_theme(&mut self) {
        let Some((path, time)) = &mut self.theme_file else { return };
        let now = changed(path);
        if now != *time {
            *time = now;
            let name = self.app.theme.name().to_owned();
            self.take_theme(&name);
            self.dirty = true;
        }
    }

    fn start(&mut self, work: Work) {
        let history = Arc::clone(&self.history);
        self.work.spawn_blocking(move || work.run(&history));
    }

    /// Starts what keys or drawing found to be needed.
    fn start_due(&mut self) {
        self.app.take_due().into_iter().for_each(|work| self.start(work));
    }

    /// Reading the store and painting take a while: both happen on another thread.
    fn start_export(&mut self) {
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
            let records = history.past(0).map_err(|error| error.to_string())?.0;
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
    fn take_screenshot(&mut self) -> io::Result<()> {
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

    fn worked(&mut self, done: Result<Finish, JoinError>) {
        self.dirty = true;
        match done {
            Ok(finish) => finish(&mut self.app),
            Err(error) => self.app.toast(LogLevel::Error, format!("that failed: {error}")),
        }
    }

    fn exported(&mut self, done: Result<PathBuf, String>) {
        self.dirty = true;
        let (level, text) = match done {
            Ok(path) => (LogLevel::Info, format!("curves are in {}", path.display())),
            Err(error) => (LogLevel::Error, format!("the curves were not written: {error}")),
        };
        self.app.run.say(None, level, text.clone());
        self.app.toast(level, text);
    }
}

/// When a file was changed last.
fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// Waits for the export, or for ever if there is none.
async fn finished(export: &mut Option<Export>) -> Result<PathBuf, String> {
    let Some(handle) = export else { return std::future::pending().await };
    let done = handle.await.unwrap_or_else(|error| Err(error.to_string()));
    *export = None;
    done
}

async fn wait_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
