//! Which of a run's records hold in the end.

use super::event::{Event, Record};

/// The records without those of steps that a resumed trainer computed anew, and without evaluations that were repeated.
pub fn standing(records: &[Record]) -> Vec<&Record> {
    let mut standing: Vec<&Record> = Vec::with_capacity(records.len());
    for record in records {
        if let Event::Run(run) = &record.event
            && let Some(from) = run.resumed_from
        {
            standing
                .retain(|old| matches!(old.event, Event::Run(_)) || old.event.step().is_none_or(|step| step <= from));
        }
        if let Event::Eval(eval) = &record.event {
            standing.retain(|old| !matches!(&old.event, Event::Eval(old) if old.step == eval.step));
        }
        standing.push(record);
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{event::StepDone, metrics::Metrics};

    fn step(seq: u64, step: u64) -> Record {
        Record { seq, time: 0.0, event: Event::Step(StepDone { step, metrics: Metrics::default() }) }
    }

    fn resumed(seq: u64, from: u64) -> Record {
        let text = format!(
            r#"{{"type":"run","schema_version":1,"program_version":"","name":"","run_dir":"","settings":{{}},"seed":1,"device":"",
            "model":{{"name":"","path":"","architecture":"","parameters":0,"trainable_parameters":0,"weight_bytes":0,"formats":""}},
            "data":{{"root":"","train":0,"dev":0}},"max_steps":1,"memory_source":"process","resumed_from":{from}}}"#
        );
        Record { seq, time: 0.0, event: serde_json::from_str(&text).unwrap() }
    }

    #[test]
    fn of_evaluations_of_a_step_the_newest_stands() {
        let mut run = crate::run::fixture::RunBuilder::new();
        run.eval(0, 3).eval(20, 5).eval(20, 5).resume(0).eval(0, 4);
        let records = run.records();
        let found: Vec<_> = standing(&records)
            .into_iter()
            .filter_map(|record| match &record.event {
                Event::Eval(eval) => Some((eval.step, eval.correct)),
                _ => None,
            })
            .collect();
        assert_eq!(found, [(0, 4)]);
        assert_eq!(standing(&records[..4]).len(), 3, "begun, evaluated at 0, evaluated at 20");
    }

    #[test]
    fn steps_computed_anew_stand_once() {
        let records = [step(1, 1), step(2, 2), step(3, 3), resumed(4, 2), step(5, 3), resumed(6, 1), step(7, 2)];
        let seqs: Vec<u64> = standing(&records).iter().map(|record| record.seq).collect();
        assert_eq!(seqs, [1, 4, 6, 7]);
    }
}
