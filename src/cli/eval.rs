//! `sqlr1-tui eval`: a model's answers to a file of questions, or two such files compared.

mod args;
mod output;

use std::time::Instant;

pub use args::EvalArgs;
use output::Output;

use super::{Failure, fetching, logging, say, say_json};
use crate::{
    assets,
    evaluate::{About, Answer, EvalError, Plan, Report, compare::compare, evaluate, markdown},
    rl::TrainError,
    sql::{Sandbox, WorkerProgram},
};

/// Evaluates or compares, and prints the result on stdout.
///
/// # Errors
/// See [`Failure`].
pub fn eval(args: &EvalArgs) -> Result<(), Failure> {
    if let [a, b] = &args.compare[..] {
        let found = compare(a, b)?;
        if args.json {
            say_json(&json(&found)?);
        } else {
            say(found.to_string().trim_end());
        }
        return Ok(());
    }
    logging::to_stderr();
    let mut plan = args.plan()?;
    let data = plan.settings.data.root.clone();
    plan.settings = assets::resolve(plan.settings).map_err(|e| Failure::Environment(e.to_string()))?;
    let about = About {
        model: plan.settings.model.path.clone().unwrap_or_default(),
        adapter: plan.settings.lora.init_adapter.as_ref().map(|dir| dir.display().to_string()),
        data: data.map(|root| root.display().to_string()).unwrap_or_default(),
        split: args.split.clone(),
        decode: args.describe_decoding(&plan.settings),
        seconds: 0.0,
    };
    let mut output = Output::open(args)?;
    if let Some(wanted) = &plan.settings.model.path {
        fetching::model(wanted).map_err(|e| Failure::Environment(e.to_string()))?;
    }
    let (answers, seconds) = answers(&plan, &mut output)?;
    let report = Report::new(About { seconds, ..about }, &answers);
    output.finish(&markdown(&report))?;
    if args.json {
        say_json(&json(&report)?);
    } else {
        say(report.to_string().trim_end());
    }
    Ok(())
}

fn answers(plan: &Plan, output: &mut Output) -> Result<(Vec<Answer>, f64), EvalError> {
    let workers = || Sandbox::in_workers(&plan.settings.sql, WorkerProgram::this()?);
    let sandbox = workers().map_err(TrainError::from)?;
    let (started, mut all) = (Instant::now(), Vec::new());
    let seconds = evaluate(plan, &sandbox, &mut |answers, total| {
        output.add(answers)?;
        all.extend_from_slice(answers);
        let right = all.iter().filter(|a: &&Answer| a.exec == 1).count();
        tracing::info!(
            "{} of {total} questions answered, {right} of them rightly, {:.0} s",
            all.len(),
            started.elapsed().as_secs_f64()
        );
        Ok(())
    })?;
    Ok((all, seconds))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|e| Failure::Run(format!("cannot write the result as JSON: {e}")))
}
