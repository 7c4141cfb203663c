//! For each detector a healthy run that raises nothing, and a sick one that raises its alarm at a known step.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    run::{
        event::{EvalDone, GroupScored, StepDone},
        fixture,
        metrics::{self, Metrics},
        store::RunStore,
    },
    settings::Policy,
};

/// What a made-up step shows.
#[derive(Clone)]
struct Shown {
    metrics: Vec<(&'static str, f64)>,
    groups: Vec<GroupScored>,
    eval: Option<(f64, f64)>,
}

/// Two different questions, a completion of each right and others wrong but running.
fn healthy(step: u64) -> Shown {
    let wobble = (step as f64 * 1.3).sin();
    let group = |n: usize| {
        let mut group = fixture::group(step, n);
        group.question = format!("question {n} of step {step}");
        for (at, candidate) in group.candidates.iter_mut().enumerate() {
            candidate.sql = format!("SELECT {at} + {n} + {step}");
            candidate.result.outcome = "rows".into();
            candidate.result.total_rows = 1;
            (candidate.correct, candidate.reward) = (at == 0, if at == 0 { 1.0 } else { 0.1 });
        }
        group
    };
    let metrics = vec![
        (metrics::REWARD, 0.3 + 0.02 * wobble),
        (metrics::DEAD_GROUPS, 0.3 + 0.1 * wobble),
        (metrics::KL, 0.1 + 0.05 * wobble),
        (metrics::ENTROPY, 0.6 + 0.05 * wobble),
        (metrics::MEAN_LENGTH, 40.0 + 3.0 * wobble),
        (metrics::CLIPPED_RATIO, 0.02),
        (metrics::UNIQUE_SQL, 0.6),
        ("clip_ratio/region_mean", 0.02),
        (metrics::GRAD_NORM, 0.5 + 0.2 * wobble),
        (metrics::LOSS, 0.01 * wobble),
        (metrics::SKIPPED_UPDATES, 0.0),
        (metrics::MEMORY_BYTES, 1e9),
        (metrics::STEP_TIME, 20.0),
        (metrics::SCORING_TIME, 2.0),
    ];
    let eval = step.is_multiple_of(10).then_some((0.3 + step as f64 / 500.0, 20.0));
    Shown { metrics, groups: vec![group(0), group(1)], eval }
}

impl Shown {
    fn with(mut self, name: &'static str, value: f64) -> Self {
        self.metrics.retain(|(known, _)| *known != name);
        self.metrics.push((name, value));
        self
    }

    fn each(mut self, change: impl Fn(&mut crate::run::event::Candidate)) -> Self {
        self.groups.iter_mut().flat_map(|group| &mut group.candidates).for_each(change);
        self
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    (settings.eval.every, settings.rollout.num_generations) = (10, 4);
    settings
}

/// The patient with so many settings and not so much memory.
fn patient(settings: &Settings) -> Patient<'_> {
    Patient { settings, memory: Some(4_000_000_000) }
}

/// A step's events, as a trainer reports them.
fn events(step: u64, Shown { metrics, groups, eval }: Shown) -> Vec<Event> {
    let metrics = Metrics(metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let eval = eval.map(|(accuracy, time)| {
        Event::Eval(EvalDone {
            step,
            n: 100,
            correct: 0,
            execution_accuracy: accuracy,
            wilson: [accuracy - 0.1, accuracy + 0.1],
            reward: 0.0,
            time,
            best: false,
        })
    });
    let groups = groups.into_iter().map(|group| Event::Group(Box::new(group)));
    groups.chain([Event::Step(StepDone { step, metrics })]).chain(eval).collect()
}

/// Alarms of some steps.
fn watch(
    doctor: &mut Doctor,
    settings: &Settings,
    steps: std::ops::RangeInclusive<u64>,
    shown: impl Fn(u64) -> Shown,
) -> Vec<Alarm> {
    steps.flat_map(|step| events(step, shown(step))).flat_map(|event| doctor.see(&event, &patient(settings))).collect()
}

/// Alarms of `steps` steps.
fn examine(settings: &Settings, steps: u64, shown: impl Fn(u64) -> Shown) -> Vec<Alarm> {
    watch(&mut Doctor::default(), settings, 1..=steps, shown)
}

/// Becomes what is wrong from step 31 on.
fn falls_ill(detector: Detector, step: u64) -> Shown {
    let fine = healthy(step);
    if step <= 30 {
        return fine;
    }
    let later = (step - 30) as f64;
    match detector {
        Detector::ZeroRewards => fine.each(|candidate| candidate.reward = 0.0),
        Detector::DeadGroups => fine.with(metrics::DEAD_GROUPS, 1.0),
        Detector::Kl => fine.with(metrics::KL, 3.0),
        Detector::Entropy => fine.with(metrics::ENTROPY, (0.6 - 0.04 * later).max(0.001)),
        Detector::Length => fine.with(metrics::MEAN_LENGTH, 40.0 + 8.0 * later),
        Detector::Diversity => fine.with(metrics::UNIQUE_SQL, 0.25),
        Detector::InvalidSql => fine.each(|candidate| candidate.result.outcome = "syntax_error".into()),
        Detector::Clipping => fine.with("clip_ratio/region_mean", 0.6),
        Detector::Gradient => fine.with(metrics::GRAD_NORM, if step == 31 { 40.0 } else { 0.5 }),
        Detector::Skipped => fine.with(metrics::GRAD_NORM, if step == 31 { f64::NAN } else { 0.5 }),
        Detector::Memory => fine.with(metrics::MEMORY_BYTES, 3.99e9),
        Detector::Overfit => {
            let mut ill = fine.with(metrics::REWARD, 0.3 + 0.01 * later);
            ill.eval = ill.eval.map(|(_, time)| (0.36, time));
            ill
        }
        Detector::Hacking => fine.each(|candidate| (candidate.correct, candidate.result.total_rows) = (true, 0)),
        Detector::Slow => fine.with(metrics::SCORING_TIME, 19.0),
    }
}

#[test]
fn a_healthy_run_raises_nothing() {
    assert_eq!(examine(&settings(), 200, healthy), []);
}

#[test]
fn every_ailment_is_found_when_it_is_one_and_by_its_own_detector() {
    use Detector as D;
    let expected = [
        (D::ZeroRewards, 42),
        (D::DeadGroups, 40),
        (D::Kl, 35),
        (D::Entropy, 38),
        (D::Length, 42),
        (D::Diversity, 40),
        (D::InvalidSql, 37),
        (D::Clipping, 37),
        (D::Gradient, 31),
        (D::Skipped, 31),
        (D::Memory, 42),
        (D::Overfit, 61),
        (D::Hacking, 33),
        (D::Slow, 38),
    ];
    let mut found = Vec::new();
    for (detector, _) in expected {
        let alarms = examine(&settings(), 80, |step| falls_ill(detector, step));
        let alarm = alarms.iter().find(|alarm| alarm.detector == detector.name());
        let alarm = alarm.unwrap_or_else(|| panic!("{} is not found", detector.name()));
        assert!(alarm.active && alarm.since > 30 && alarm.since <= alarm.step, "{alarm:?}");
        assert!((0.0..=1.0).contains(&alarm.confidence) && !alarm.what.is_empty(), "{alarm:?}");
        assert!(!alarm.remedies.is_empty(), "{alarm:?}");
        let settings = settings();
        for set in alarm.remedies.iter().filter_map(|remedy| remedy.set.as_ref()) {
            assert_ne!(settings.with_live(&set.key, &set.value).unwrap(), settings, "{set:?}");
        }
        let others = alarms.iter().filter(|other| other.detector != detector.name());
        assert_eq!(
            others.map(|other| &other.detector).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{}",
            detector.name()
        );
        found.push((detector, alarm.step));
    }
    assert_eq!(found, expected);
}

#[test]
fn one_query_for_many_questions_is_taken_for_hacking() {
    let constant = |step: u64| healthy(step).each(|candidate| candidate.sql = "select  COUNT(*) FROM t;".into());
    let alarms = examine(&settings(), 10, constant);
    assert!(alarms[0].detector == "hacking" && alarms[0].what.contains("answers 3 or more"), "{alarms:?}");
}

#[test]
fn what_wavers_is_told_once_and_what_is_over_is_told() {
    // Around the threshold, never four fifths below it.
    let wavering =
        |step: u64| healthy(step).with(metrics::DEAD_GROUPS, if step.is_multiple_of(2) { 0.99 } else { 0.7 });
    let alarms = examine(&settings(), 300, wavering);
    assert_eq!(alarms.iter().filter(|alarm| alarm.detector == "dead_groups").count(), 1, "{alarms:?}");
    let passing = |step: u64| if (31..=60).contains(&step) { falls_ill(Detector::Kl, step) } else { healthy(step) };
    let alarms = examine(&settings(), 100, passing);
    let told: Vec<_> = alarms.iter().map(|alarm| (alarm.active, alarm.since)).collect();
    assert_eq!(told, [(true, 33), (false, 33)]);
}

#[test]
fn a_detector_that_is_off_says_nothing_and_ends_its_alarm() {
    let mut off = settings();
    off.doctor.kl = None;
    assert_eq!(examine(&off, 80, |step| falls_ill(Detector::Kl, step)), []);
    let (mut doctor, on) = (Doctor::default(), settings());
    let step = |step| Event::Step(StepDone { step, metrics: Metrics([("kl".to_owned(), 9.0)].into()) });
    let raised: Vec<_> = (1..=8).flat_map(|n| doctor.see(&step(n), &Patient { settings: &on, memory: None })).collect();
    assert_eq!(raised.len(), 1);
    let over = doctor.see(&step(9), &Patient { settings: &off, memory: None });
    assert!(over.len() == 1 && !over[0].active, "{over:?}");
}

#[test]
fn remedies_follow_the_settings() {
    let alarms = examine(&settings(), 80, |step| falls_ill(Detector::Kl, step));
    let set = alarms[0].remedies[0].set.as_ref().unwrap();
    assert_eq!((set.key.as_str(), &set.value), ("grpo.beta", &json!(0.08)));
    let alarms = examine(&settings(), 80, |step| falls_ill(Detector::ZeroRewards, step));
    let set = alarms[0].remedies[0].set.as_ref().unwrap();
    assert_eq!((set.key.as_str(), &set.value), ("reward.partial", &json!(0.6)), "twice what the preset gives");
    let mut careful = settings();
    careful.doctor.policies.insert(Detector::Kl, Policy::Pause);
    careful.grpo.advantage_clip = Some(2.0);
    let alarms = examine(&careful, 80, |step| falls_ill(Detector::Kl, step));
    let keys: Vec<_> = alarms[0].remedies.iter().filter_map(|remedy| Some(remedy.set.as_ref()?.key.as_str())).collect();
    assert_eq!(keys, ["grpo.beta", "optim.learning_rate"], "what is so already is no remedy");
}

#[test]
fn a_run_that_is_taken_up_is_judged_as_if_it_had_never_stopped() {
    let settings = settings();
    for detector in Detector::ALL {
        let shown = |step| falls_ill(detector, step);
        let dir = tempfile::tempdir().unwrap();
        let mut store = RunStore::open(&dir.path().join("run.db")).unwrap();
        let mut keep = |event| store.append(0.0, event).unwrap();
        keep(Event::Run(Box::new(fixture::started(None))));
        // Steps 36 to 50 were healthy, but went with the process; the samples of an evaluation are nobody's training.
        for event in (1..=35)
            .flat_map(|step| events(step, shown(step)))
            .chain((36..=50).flat_map(|step| events(step, healthy(step))))
        {
            keep(event);
        }
        keep(Event::Run(Box::new(fixture::started(Some(35)))));
        for group in falls_ill(Detector::InvalidSql, 35)
            .each(|candidate| candidate.result.outcome = "syntax_error".into())
            .groups
        {
            keep(Event::Group(Box::new(group)));
        }
        let mut taken_up = Doctor::taking_up(&store, &patient(&settings)).unwrap();
        let mut never_stopped = Doctor::default();
        watch(&mut never_stopped, &settings, 1..=35, shown);
        assert_eq!(taken_up.standing(35), never_stopped.standing(35), "{detector:?}");
        let told = |doctor: &mut Doctor| watch(doctor, &settings, 36..=60, shown);
        let (found, wanted) = (told(&mut taken_up), told(&mut never_stopped));
        assert_eq!(found, wanted, "{detector:?}");
        let since: Vec<u64> = taken_up.standing(60).iter().chain(&wanted).map(|alarm| alarm.since).collect();
        assert!(since.iter().all(|since| *since > 30), "{detector:?}: {since:?}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_measured_panics(
        values in prop::collection::vec(prop::collection::vec(prop_oneof![
            Just(None), Just(Some(f64::NAN)), Just(Some(f64::INFINITY)), Just(Some(f64::NEG_INFINITY)), Just(Some(0.0)),
            any::<f64>().prop_map(Some), (0.0..1.0).prop_map(Some),
        ], 16), 1..40),
        window in 3_usize..20,
    ) {
        let mut settings = settings();
        settings.doctor.window = window;
        let alarms = examine(&settings, values.len() as u64, |step| {
            let drawn = &values[step as usize - 1];
            let mut shown = healthy(step);
            shown.metrics = shown.metrics.iter().zip(drawn).filter_map(|((name, _), value)| Some((*name, (*value)?))).collect();
            shown.eval = drawn[14].zip(drawn[15]);
            if drawn[0].is_none() {
                shown.groups.clear();
            }
            shown.each(|candidate| candidate.reward = drawn[1].unwrap_or(f64::NAN))
        });
        for alarm in alarms {
            prop_assert!((0.0..=1.0).contains(&alarm.confidence), "{:?}", alarm);
            prop_assert!(alarm.cost.is_none_or(|cost| (0.0..=1.0).contains(&cost.share)), "{:?}", alarm);
        }
    }
}
