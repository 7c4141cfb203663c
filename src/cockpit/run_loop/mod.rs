//! The loop: keys, records and signals in, frames out. Draws only when something changed (`pace`), and sleeps otherwise.

mod appearance;
mod deliveries;
mod pictures;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crossterm::event::{Event as Input, EventStream};
use futures::StreamExt;
use tokio::{
    task::{JoinError, JoinSet},
    time::sleep_until,
};

use self::pictures::{Export, finished};
use super::{
    app::{App, Effect, Leave, Message},
    feed::Feed,
    history::History,
    messages::{self, LONGEST_COPY},
    options::CockpitOptions,
    outcome::{CockpitError, Left, Outcome, Signal, Signals},
    pace::{Change, FIRST, Pace},
    surroundings::Surroundings,
    terminal::Screen,
    theme::ThemeFile,
    work::{Finish, Work},
};
use crate::run::{
    command::CommandSink,
    event::{LogLevel, RunStarted},
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
    let mut feed = if app.tape().is_some() { feed.whole() } else { feed };
    // The store is read while the terminal is asked.
    feed.begin();
    let opening = Instant::now() + FIRST;
    let options = options.on(Surroundings::ask());
    app.theme = options.theme.clone();
    app.ui.sparing = options.sparing == Some(true);
    app.place = options.place.clone();
    app.keymap = options.keymap.clone();
    app.arrange(&options.charts);
    app.ui.charts.log_x = options.log_x;
    let mut screen = Screen::take()?;
    if options.mouse {
        screen.mouse(true)?;
    }
    let (mouse, frame) = (options.mouse, options.frame);
    let history = feed.history();
    let mut cockpit = Cockpit {
        app,
        screen,
        history,
        options,
        pace: Pace::new(frame, opening),
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
    let left = cockpit.turn(feed, &mut signals).await?;
    let run = &cockpit.app.run;
    let command = run.info().map_or("train", RunStarted::command);
    let checkpoint = run.checkpoints().last().map(|saved| saved.path.clone());
    Ok(Outcome { left, ended: run.ended().cloned(), is_lost: run.is_lost(), step: run.step(), command, checkpoint })
}

/// Time between two looks at how far work is that goes on beside.
const WORKING: Duration = Duration::from_millis(250);
/// Time between two looks at the theme's file.
const THEME_WATCH: Duration = Duration::from_secs(1);

struct Cockpit {
    app: App,
    screen: Screen,
    history: Arc<dyn History>,
    options: CockpitOptions,
    pace: Pace,
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
            let working = (!self.work.is_empty()).then(|| Instant::now() + WORKING);
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
                () = wait_until(self.pace.due()) => None,
                () = wait_until(notice_ends) => {
                    self.app.ui.toast = None;
                    self.pace.note(Change::Awaited);
                    None
                }
                () = wait_until(working) => {
                    self.pace.note(Change::News);
                    None
                }
                () = wait_until(tick) => {
                    self.app.tick(Instant::now());
                    self.pace.note(Change::Awaited);
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
        self.pace.sparing = self.app.ui.sparing;
        if self.pace.due().is_some_and(|due| Instant::now() >= due) {
            self.screen.draw(&mut self.app)?;
            self.pace.drawn(Instant::now());
            self.name_window()?;
            self.start_due();
        }
        Ok(())
    }

    fn input(&mut self, event: &Input) -> Option<Effect> {
        match event {
            Input::Key(key) => {
                self.pace.note(Change::Awaited);
                self.app.key(key)
            }
            Input::Mouse(mouse) => {
                self.pace.note(Change::Awaited);
                self.app.mouse(*mouse)
            }
            Input::Resize(..) => {
                self.pace.note(Change::Awaited);
                None
            }
            _ => None,
        }
    }

    fn perform(&mut self, effect: Effect) -> io::Result<Option<Leave>> {
        self.pace.note(Change::Awaited);
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

    fn start(&mut self, work: Work) {
        let history = Arc::clone(&self.history);
        self.work.spawn_blocking(move || work.run(&history));
    }

    /// Starts what keys or drawing found to be needed.
    fn start_due(&mut self) {
        self.app.take_due().into_iter().for_each(|work| self.start(work));
    }

    fn worked(&mut self, done: Result<Finish, JoinError>) {
        self.pace.note(Change::Awaited);
        match done {
            Ok(finish) => finish(&mut self.app),
            Err(error) => self.app.toast(LogLevel::Error, format!("that failed: {error}")),
        }
    }
}

async fn wait_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
