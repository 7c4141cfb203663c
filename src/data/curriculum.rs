//! Which training questions come first, or more often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Cursor, Example, Order, hardness::ranks};
use crate::settings::{Curriculum, DataSettings};

/// How likely a question that was never or always solved is to stay in a pass.
const LEAST_CHANCE: f64 = 0.2;

/// How often a question was solved lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassRate {
    /// Replies that were judged, older ones counted less.
    pub tried: u32,
    /// Those of them that were right.
    pub solved: u32,
}

/// Pass rates by the examples' ids; questions that were not asked yet have none.
pub type PassRates = BTreeMap<usize, PassRate>;

impl PassRate {
    /// Counts replies. Those from before count half, and half again the next time: the model changes.
    pub fn count(&mut self, tried: usize, solved: usize) {
        let add = |old: u32, new: usize| (old / 2).saturating_add(u32::try_from(new).unwrap_or(u32::MAX));
        // Halves are rounded down for both, and so solved stays below tried.
        (self.tried, self.solved) = (add(self.tried, tried), add(self.solved, solved));
    }

    /// How likely a question is to stay in a pass: certain where half of the replies are right, and in proportion to the
    /// spread p (1 - p) of their rewards elsewhere, from which alone a group learns.
    pub fn chance(self) -> f64 {
        if self.tried == 0 {
            return 1.0;
        }
        let share = f64::from(self.solved) / f64::from(self.tried);
        LEAST_CHANCE + (1.0 - LEAST_CHANCE) * 4.0 * share * (1.0 - share)
    }
}

/// The training questions in the order that `data.shuffle` and `data.curriculum` ask for.
#[derive(Debug, Clone)]
pub struct Course {
    curriculum: Curriculum,
    shuffle: bool,
    seed: u64,
    ids: Vec<usize>,
    ranks: Vec<u8>,
}

impl Course {
    /// A course over these examples.
    pub fn new(settings: &DataSettings, seed: u64, examples: &[Example]) -> Self {
        let by_hardness = settings.curriculum == Curriculum::Hardness;
        Self {
            curriculum: settings.curriculum,
            shuffle: settings.shuffle,
            seed,
            ids: examples.iter().map(|example| example.id).collect(),
            ranks: if by_hardness { ranks(examples) } else { Vec::new() },
        }
    }

    /// The order from `cursor` on, given what is known of the questions now. It depends on nothing else.
    pub fn order(&self, cursor: Cursor, rates: &PassRates) -> Order {
        let order = Order::new(self.ids.len(), self.seed, self.shuffle, cursor);
        match self.curriculum {
            Curriculum::None => order,
            Curriculum::Hardness => order.by_rank(self.ranks.clone()),
            Curriculum::PassRate => {
                let chance = |id: &usize| rates.get(id).map_or(1.0, |rate| rate.chance());
                order.thinned(self.ids.iter().map(chance).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        let difficulty = |id: usize| ["challenging", "simple", "moderate"][id % 3].to_owned();
        (0..30).map(|id| Example { id, difficulty: Some(difficulty(id)), ..Example::default() }).collect()
    }

    fn course(curriculum: Curriculum) -> Course {
        Course::new(&DataSettings { curriculum, ..DataSettings::default() }, 7, &examples())
    }

    fn take(order: &mut Order, count: usize) -> Vec<usize> {
        (0..count).map(|_| order.next_index().unwrap()).collect()
    }

    #[test]
    fn by_hardness_each_pass_goes_from_easy_to_hard() {
        let mut order = course(Curriculum::Hardness).order(Cursor::default(), &PassRates::new());
        let (first, second) = (take(&mut order, 30), take(&mut order, 30));
        for pass in [&first, &second] {
            // Ids with remainder 1 are simple, 2 moderate, 0 challenging.
            let ranks: Vec<usize> = pass.iter().map(|id| (id + 2) % 3).collect();
            assert!(ranks.is_sorted(), "{ranks:?}");
        }
        assert_ne!(first, second, "within a level the order is shuffled");
        let plain = take(&mut course(Curriculum::None).order(Cursor::default(), &PassRates::new()), 30);
        assert!(!plain.iter().map(|id| (id + 2) % 3).is_sorted());
    }

    #[test]
    fn by_pass_rate_hopeless_and_mastered_questions_are_drawn_less() {
        let rate = |solved| PassRate { tried: 8, solved };
        let rates = PassRates::from([(0, rate(0)), (1, rate(8)), (2, rate(4)), (3, rate(1))]);
        let mut order = course(Curriculum::PassRate).order(Cursor::default(), &rates);
        let mut drawn = [0usize; 30];
        while order.cursor().epoch < 1000 {
            drawn[order.next_index().unwrap()] += 1;
        }
        for (id, expected) in [(0, 200.0), (1, 200.0), (2, 1000.0), (3, 550.0), (9, 1000.0)] {
            assert!((drawn[id] as f64 - expected).abs() < 60.0, "{id}: {drawn:?}");
        }
    }

    #[test]
    fn an_order_can_be_taken_up_anywhere_with_the_same_rates() {
        let rates: PassRates = (0..30).map(|id| (id, PassRate { tried: 4, solved: 0 })).collect();
        for curriculum in [Curriculum::Hardness, Curriculum::PassRate] {
            let course = course(curriculum);
            let mut through = course.order(Cursor::default(), &rates);
            for _ in 0..50 {
                let mut resumed = course.order(through.cursor(), &rates);
                assert_eq!(take(&mut resumed, 5), take(&mut through.clone(), 5));
                through.next_index();
            }
        }
    }

    #[test]
    fn rates_follow_the_model_and_survive_json() {
        let mut rate = PassRate::default();
        assert!((rate.chance() - 1.0).abs() < 1e-12);
        rate.count(8, 0);
        assert!((rate.chance() - LEAST_CHANCE).abs() < 1e-12);
        rate.count(8, 8);
        assert_eq!(rate, PassRate { tried: 12, solved: 8 });
        let rates = PassRates::from([(17, rate)]);
        let text = serde_json::to_string(&rates).unwrap();
        assert_eq!(serde_json::from_str::<PassRates>(&text).unwrap(), rates);
    }
}
