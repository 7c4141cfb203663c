//! The view, driven by keys.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    cockpit::{
        App, Symbols, draw,
        fixture::RunBuilder,
        theme::{ColorDepth, Theme, ThemeFile},
        views::View,
    },
    run::event::{Event, GradientFlow, StepDone},
    run::metrics::Metrics,
};

/// A run that told its gradients twice, of thirty layers.
fn run() -> RunBuilder {
    let mut run = RunBuilder::with_steps(41);
    let mut metrics = Metrics::default();
    for (name, mib) in [("weights", 87.0), ("adapters", 18.0), ("optimizer", 36.0), ("activations_and_rest", 400.0)] {
        metrics.set(&format!("memory/{name}"), mib * 1_048_576.0);
    }
    run.add(Event::Step(StepDone { step: 42, metrics }));
    for step in [21, 42] {
        let modules: Vec<String> = ["q_proj", "k_proj", "v_proj", "o_proj"].map(str::to_owned).to_vec();
        let norms = |scale: f64| (0..240).map(|at| scale * 1.02_f64.powi(at) * (step as f64)).collect::<Vec<_>>();
        run.add(Event::Gradients(GradientFlow::new(step, modules, &norms(1e-4), &norms(0.1))));
    }
    run
}

struct Driver(App);

impl Driver {
    fn new(run: &RunBuilder, symbols: &'static Symbols, depth: ColorDepth) -> Self {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), depth);
        let mut app = App::new(theme, symbols, None);
        for record in run.records() {
            app.record(&record);
        }
        app.ui.toast = None;
        app.show(View::Model);
        Self(app)
    }

    fn key(&mut self, code: KeyCode) -> &mut Self {
        self.0.key(&KeyEvent::new(code, KeyModifiers::NONE));
        self
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&mut self.0, frame.area(), frame.buffer_mut())).unwrap();
        terminal.backend().to_string().replace('"', "")
    }
}

#[test]
fn the_view_at_four_sizes() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&run(), &Symbols::UNICODE, ColorDepth::True);
        insta::assert_snapshot!(format!("model_{width}x{height}"), driver.screen(width, height));
    }
}

#[test]
fn the_map_needs_neither_colour_nor_unicode() {
    let mut driver = Driver::new(&run(), &Symbols::ASCII, ColorDepth::None);
    let screen = driver.screen(80, 24);
    assert!(screen.is_ascii(), "{screen}");
    insta::assert_snapshot!("model_ascii", screen);
}

#[test]
fn the_cursor_tells_figures_and_earlier_steps_can_be_seen() {
    let mut driver = Driver::new(&run(), &Symbols::UNICODE, ColorDepth::True);
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Down).key(KeyCode::Right);
    let screen = driver.screen(120, 36);
    // The sixth projection: norms 10 and 11 of the made-up ones.
    assert!(screen.contains("layer 1 k_proj: gradient norm") && screen.contains("step 42"), "{screen}");
    let expected =
        format!("gradient A {:.4} B {:.4}", 1e-4 * 1.02_f64.powi(10) * 42.0, 1e-4 * 1.02_f64.powi(11) * 42.0);
    assert!(screen.contains(&expected), "{expected}\n{screen}");
    driver.key(KeyCode::Char('b'));
    assert!(driver.screen(120, 36).contains("step 21"));
    driver.key(KeyCode::Char('b')).key(KeyCode::Char('f')).key(KeyCode::Char('v'));
    let screen = driver.screen(120, 36);
    assert!(screen.contains("gradient by weight by layer · step 42"), "{screen}");
    driver.key(KeyCode::Char('G'));
    assert!(driver.screen(80, 24).contains("layer 29"));
}

#[test]
fn a_gpu_has_a_line_of_its_own_and_others_a_part_of_its_memory() {
    let mut run = run();
    let without = Driver::new(&run, &Symbols::UNICODE, ColorDepth::True).screen(120, 36);
    assert!(!without.contains("others") && !without.contains("GPU"), "{without}");
    let mut metrics = Metrics::default();
    let gib = f64::from(1 << 30);
    for (name, value) in [
        ("memory_bytes", 9.0 * gib),
        ("memory/gpu_others", 2.0 * gib),
        ("memory/gpu_total", 24.0 * gib),
        ("gpu/utilization", 0.87),
        ("gpu/temperature", 61.0),
    ] {
        metrics.set(name, value);
    }
    run.add(Event::Step(StepDone { step: 43, metrics }));
    let screen = Driver::new(&run, &Symbols::UNICODE, ColorDepth::True).screen(120, 36);
    assert!(screen.contains("9.00 GiB of 24.00 GiB · 87% · 61 C") && screen.contains("others"), "{screen}");
    assert!(!screen.contains(" W"), "the driver tells no power: {screen}");
}

#[test]
fn without_gradients_it_says_which_setting_gives_them() {
    let mut driver = Driver::new(&RunBuilder::with_steps(2), &Symbols::UNICODE, ColorDepth::True);
    assert!(driver.screen(120, 36).contains("run.gradient_flow_every"));
    for (width, height) in [(1, 1), (12, 4), (40, 6), (78, 8)] {
        driver.screen(width, height);
        driver.key(KeyCode::Tab);
    }
}
