//! From readings to alarms: it takes several to raise one, and several to end it, so that what wavers is told once.

use super::{Finding, Verdict};

/// Healthy steps in a row after which an alarm is over.
const RECOVERY: u32 = 5;

/// The course of one ailment.
#[derive(Debug)]
pub struct Course {
    /// Sick steps in a row that raise an alarm.
    patience: u32,
    sick: u32,
    healthy: u32,
    since: u64,
    raised: Option<Finding>,
}

/// An alarm is raised, grew worse, or is over.
#[derive(Debug)]
pub struct Turn {
    pub active: bool,
    pub since: u64,
    pub finding: Finding,
}

impl Course {
    pub fn new(patience: u32) -> Self {
        Self { patience: patience.max(1), sick: 0, healthy: 0, since: 0, raised: None }
    }

    /// What a step's verdict changes. With `at_once` a healthy one ends an alarm by itself.
    pub fn follow(&mut self, step: u64, verdict: Verdict, at_once: bool) -> Option<Turn> {
        match verdict {
            Verdict::Sick(finding) => self.worse(step, finding),
            Verdict::Unsettled => {
                (self.healthy, self.sick) = (0, 0);
                None
            }
            Verdict::Healthy => self.better(at_once),
        }
    }

    /// The alarm that is raised, as when it was.
    pub fn raised(&self) -> Option<Turn> {
        self.raised.clone().map(|finding| Turn { active: true, since: self.since, finding })
    }

    fn worse(&mut self, step: u64, finding: Finding) -> Option<Turn> {
        self.healthy = 0;
        if self.raised.is_none() && self.sick == 0 {
            self.since = step;
        }
        self.sick = self.sick.saturating_add(1);
        let news = match &self.raised {
            Some(raised) => finding.severity > raised.severity,
            None => self.sick >= self.patience,
        };
        if !news {
            return None;
        }
        self.raised = Some(finding.clone());
        Some(Turn { active: true, since: self.since, finding })
    }

    fn better(&mut self, at_once: bool) -> Option<Turn> {
        self.sick = 0;
        self.healthy = self.healthy.saturating_add(1);
        if !at_once && self.healthy < RECOVERY {
            return None;
        }
        self.raised.take().map(|finding| Turn { active: false, since: self.since, finding })
    }
}
