//! Pictures kept from frame to frame, for as long as nothing that they are made of changes.
//!
//! A picture goes over the whole run, and between two steps nothing of it changes, though frames are drawn for other reasons.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use super::{Chart, Look, Picture, Sources};

/// What a picture was made for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MadeFor {
    look: Look,
    /// Of the run's curves.
    revision: u64,
    limit: Option<f64>,
}

/// The newest picture of each chart.
#[derive(Debug, Default)]
pub struct Pictures(RefCell<HashMap<String, (MadeFor, Arc<Picture>)>>);

impl Pictures {
    /// A chart's picture, made anew only if it would be another one.
    pub fn of(&self, sources: Sources<'_>, chart: &Chart, look: &Look) -> Arc<Picture> {
        let made_for = MadeFor { look: *look, revision: sources.run.curves().revision(), limit: sources.limit };
        let mut kept = self.0.borrow_mut();
        if let Some((_, picture)) = kept.get(chart.name.as_ref()).filter(|(known, _)| *known == made_for) {
            return Arc::clone(picture);
        }
        let picture = Arc::new(Picture::of(sources, chart, look));
        kept.insert(chart.name.clone().into_owned(), (made_for, Arc::clone(&picture)));
        picture
    }

    /// Forgets all of them: another past run stands beside this one, or charts are others under the same names.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cockpit::{
            charts::{Place, charts},
            fixture::RunBuilder,
            state::{Axis, RunView},
        },
        curve::{Range, Spacing},
        run::event::Method,
    };

    fn look() -> Look {
        let smoothing = Place::default().smoothing;
        let window = Range { min: 1.0, max: 40.0 };
        Look {
            axis: Axis::Step,
            steps: (1, 40),
            spacing: Spacing::default(),
            window,
            smoothing,
            envelope: false,
            log: false,
            bands: true,
            columns: 60,
        }
    }

    fn sources(run: &RunView) -> Sources<'_> {
        Sources { run, ghost: None, limit: None }
    }

    #[test]
    fn a_picture_is_made_again_when_and_only_when_it_would_differ() {
        let mut builder = RunBuilder::with_steps(20);
        let (mut run, pictures) = (RunView::replay(&builder.records()), Pictures::default());
        let chart = &charts(Method::Grpo)[0];
        let first = pictures.of(sources(&run), chart, &look());
        assert!(Arc::ptr_eq(&first, &pictures.of(sources(&run), chart, &look())));
        let other = Look { smoothing: 0.0, ..look() };
        assert_ne!(first, pictures.of(sources(&run), chart, &other));
        let before = builder.records().len();
        builder.step(21);
        for record in &builder.records()[before..] {
            run.apply(record);
        }
        let later = pictures.of(sources(&run), chart, &look());
        assert_eq!(*later, Picture::of(sources(&run), chart, &look()));
        assert_ne!(first, later);
        assert_eq!(pictures.of(Sources { limit: Some(1.0), ..sources(&run) }, chart, &look()), later);
    }
}
