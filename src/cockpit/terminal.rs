//! The terminal: taken over, drawn on in whole frames, and given back on every way out.

use std::{
    io::{self, BufWriter, Stdout, Write},
    panic::PanicHookInfo,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
};

use crossterm::{
    cursor,
    event::{DisableMouseCapture, EnableMouseCapture},
    execute, queue,
    style::{Print, ResetColor},
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend, layout::Rect};

use super::{app::App, draw::draw};

/// Whether the terminal is taken over. One process has one terminal, and the panic hook must know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Has the terminal remember the window's title (XTWINOPS), and take it back.
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The terminal while it is taken over. Dropping it gives the terminal back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    panics: Arc<Panics>,
}

impl Screen {
    /// Takes the terminal over: raw mode, alternate screen, a panic hook that gives it back.
    pub fn take() -> io::Result<Self> {
        let panics = Panics::install();
        let entered = enter()
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout()))));
        match entered {
            Ok(terminal) => Ok(Self { terminal, panics }),
            Err(error) => {
                leave();
                panics.uninstall();
                Err(error)
            }
        }
    }

    /// Draws a frame. Terminals that know synchronized output show it in one go.
    pub fn draw(&mut self, app: &mut App) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| draw(app, frame.area(), frame.buffer_mut()))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Sends what is no part of the picture.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        io::Write::flush(out)
    }

    /// Takes the mouse, or gives it back.
    pub fn mouse(&mut self, taken: bool) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        if taken { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) }
    }

    /// Its size.
    pub fn area(&self) -> io::Result<Rect> {
        let size = self.terminal.size()?;
        Ok(Rect::new(0, 0, size.width, size.height))
    }

    /// Makes the next frame draw every cell.
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal back, stops the process until the shell wakes it, and takes the terminal over again.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave();
        // The shell's own tool, since raising a signal from here would need unsafe code.
        let stopped = std::process::Command::new("kill").args(["-TSTP", &std::process::id().to_string()]).status();
        enter()?;
        self.clear()?;
        stopped.map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
        self.panics.uninstall();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, Print(PUSH_TITLE))
}

/// Gives the terminal back, once. Errors are passed over: there is nobody left to tell, and the rest still helps.
fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            DisableMouseCapture,
            ResetColor,
            Print(POP_TITLE),
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Panics of other threads, kept from scribbling over the screen and told once it is given back.
struct Panics {
    drawing: ThreadId,
    held: Mutex<Vec<String>>,
    before: Hook,
}

impl Panics {
    fn install() -> Arc<Self> {
        let panics = Arc::new(Self {
            drawing: thread::current().id(),
            held: Mutex::new(Vec::new()),
            before: std::panic::take_hook(),
        });
        let hook = Arc::clone(&panics);
        std::panic::set_hook(Box::new(move |info| hook.on_panic(info)));
        panics
    }

    fn on_panic(&self, info: &PanicHookInfo<'_>) {
        if thread::current().id() != self.drawing && TAKEN.load(Ordering::SeqCst) {
            let name = thread::current().name().unwrap_or("unnamed").to_owned();
            self.held.lock().unwrap_or_else(PoisonError::into_inner).push(format!("thread `{name}`: {info}"));
            return;
        }
        leave();
        (self.before)(info);
    }

    fn uninstall(self: &Arc<Self>) {
        if thread::panicking() {
            // The hook cannot be changed while it is at work; it no longer does anything but call the one before.
            return;
        }
        let this = Arc::clone(self);
        std::panic::set_hook(Box::new(move |info| (this.before)(info)));
        for message in self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = writeln!(io::stderr(), "{}", crate::harmless::text(&message));
        }
    }
}
