//! Conversations with scripted replies on the demonstration's data, and steps in which its model answers to feedback.

use std::ops::{ControlFlow, Range};

use super::*;
use crate::{
    data::Example,
    model::{ChatMessage, Sampling},
    rl::{
        questions::Prompt,
        seeds::{self, Stream},
        testing::demo_trainer,
        trainer::{StepOutput, Trainer},
        watch::Unwatched,
    },
    run::event::Candidate,
    settings::Constrain,
};

/// Answers with what it is given, turn by turn, and judges as the trainer does.
struct Script<'a> {
    trainer: &'a Trainer,
    example: Example,
    turns: Vec<Vec<&'a str>>,
    /// What was asked, by turn.
    asked: Vec<Vec<(usize, GenerateRequest)>>,
}

impl Script<'_> {
    fn completion(&self, text: &str) -> Completion {
        let mut tokens = self.trainer.model.tokenizer.encode(text).unwrap();
        tokens.push(self.trainer.model.tokenizer.eos_ids()[0]);
        Completion { logprobs: vec![-0.5; tokens.len()], tokens, finished: true, ..Completion::default() }
    }

    fn talk<'p>(&self, prompt: &'p Prompt, text: &str) -> Talk<'p, Scored> {
        let judged = self.trainer.scorer.score(&prompt.example, text);
        Talk::new(prompt, self.completion(text), text.to_owned(), judged)
    }
}

impl Examiner<Scored> for Script<'_> {
    fn answer(
        &mut self,
        turn: usize,
        asked: Vec<(usize, GenerateRequest)>,
    ) -> Result<Option<Vec<Completion>>, TrainError> {
        assert_eq!(turn, self.asked.len() + 1);
        let answers = self.turns[turn - 1].iter().map(|text| self.completion(text)).collect();
        self.asked.push(asked);
        Ok(Some(answers))
    }

    fn judge(&mut self, answers: &[Answer<'_>]) -> Vec<Scored> {
        answers.iter().map(|answer| self.trainer.scorer.score(&self.example, answer.text)).collect()
    }
}

/// A question whose gold result has rows.
fn prompt(trainer: &Trainer) -> Prompt {
    trainer.asker.prompt(&trainer.model, &trainer.dataset.train[0]).unwrap().unwrap()
}

const NO_TABLE: &str = "SELECT a FROM nowhere";
const NO_SYNTAX: &str = "SELECT FROM WHERE";

#[test]
fn what_failed_goes_back_until_it_is_right_or_the_turns_are_over() {
    let trainer = demo_trainer(|_| {});
    let prompt = prompt(&trainer);
    let gold = prompt.example.gold_sql.clone();
    let turns = vec![vec![gold.as_str(), NO_SYNTAX], vec![NO_TABLE]];
    let mut script = Script { trainer: &trainer, example: prompt.example.clone(), turns, asked: Vec::new() };
    // What runs is left alone, right or wrong.
    let mut talks = [NO_TABLE, "SELECT 1", &gold, NO_TABLE].map(|text| script.talk(&prompt, text));
    let corrector = Corrector { model: &trainer.model, turns: 2, answer: 24 };
    assert!(corrector.correct(&mut talks, &mut script).unwrap().is_continue());

    let places = |turn: usize| script.asked[turn].iter().map(|(talk, _)| *talk).collect::<Vec<_>>();
    assert_eq!((places(0), places(1), script.asked.len()), (vec![0, 3], vec![3], 2));
    let [first, wrong, right, last] = talks;
    assert!(wrong.earlier.is_empty() && right.earlier.is_empty() && right.judged.correct && !wrong.judged.correct);
    assert!(first.judged.correct && first.text == gold && first.earlier.len() == 1);
    let before = &first.earlier[0];
    assert_eq!((before.text.as_str(), before.judged.correct), (NO_TABLE, false));
    assert!(before.feedback.contains("no such table: nowhere"), "{}", before.feedback);
    let outcomes: Vec<&str> = last.earlier.iter().map(|e| e.judged.result.outcome.as_str()).collect();
    assert_eq!((outcomes, last.judged.result.outcome.as_str()), (vec!["unknown_name", "syntax_error"], "unknown_name"));

    // The sequence is the conversation as the chat template has it, and what the model wrote of it is known.
    let tokenizer = &trainer.model.tokenizer;
    let mut messages = prompt.messages.clone();
    for earlier in &last.earlier {
        messages.extend([ChatMessage::assistant(&earlier.text), ChatMessage::user(&earlier.feedback)]);
    }
    let expected = tokenizer.encode(&tokenizer.chat_prompt(&messages, true).unwrap()).unwrap();
    let (talk, request) = &script.asked[1][0];
    assert_eq!((*talk, &request.prompt), (3, &expected));
    let Completion { tokens, given, logprobs, .. } = &last.completion;
    let written: Vec<u32> = (0..tokens.len()).filter(|at| !is_in(given, *at)).map(|at| tokens[at]).collect();
    let replies = [NO_TABLE, NO_SYNTAX, NO_TABLE].map(|text| script.completion(text).tokens).concat();
    assert_eq!((written, given.len()), (replies.clone(), 2));
    assert_eq!((last.completion.written(), logprobs.len()), (replies.len(), replies.len()));
}

fn is_in(ranges: &[Range<usize>], at: usize) -> bool {
    ranges.iter().any(|range| range.contains(&at))
}

#[test]
fn an_empty_result_goes_back_though_it_might_be_right() {
    let trainer = demo_trainer(|_| {});
    let prompt = prompt(&trainer);
    let empty = format!("SELECT * FROM ({}) WHERE 1 = 0", prompt.example.gold_sql.trim_end_matches(';'));
    let turns = vec![vec![prompt.example.gold_sql.as_str()]];
    let mut script = Script { trainer: &trainer, example: prompt.example.clone(), turns, asked: Vec::new() };
    let mut talks = [script.talk(&prompt, &empty)];
    assert!(
        Corrector { model: &trainer.model, turns: 1, answer: 24 }
            .correct(&mut talks, &mut script)
            .unwrap()
            .is_continue()
    );
    assert!(talks[0].earlier[0].feedback.contains("no rows"), "{:?}", talks[0].earlier);
    assert!(talks[0].judged.correct);
}

#[test]
fn what_was_cut_off_or_does_not_fit_is_left() {
    let trainer = demo_trainer(|_| {});
    let prompt = prompt(&trainer);
    let mut script =
        Script { trainer: &trainer, example: prompt.example.clone(), turns: Vec::new(), asked: Vec::new() };
    let mut cut_off = script.talk(&prompt, NO_TABLE);
    cut_off.completion.finished = false;
    let mut talks = [cut_off];
    assert!(
        Corrector { model: &trainer.model, turns: 1, answer: 24 }
            .correct(&mut talks, &mut script)
            .unwrap()
            .is_continue()
    );
    assert!(talks[0].earlier.is_empty());
    let mut talks = [script.talk(&prompt, NO_TABLE)];
    let context = trainer.model.config.max_position_embeddings;
    assert!(
        Corrector { model: &trainer.model, turns: 1, answer: context }
            .correct(&mut talks, &mut script)
            .unwrap()
            .is_continue()
    );
    assert!(talks[0].earlier.is_empty() && script.asked.is_empty());
}

/// A step in which the model errs often, at small cost.
fn erring(change: impl FnOnce(&mut crate::settings::Settings)) -> Trainer {
    demo_trainer(|settings| {
        settings.rollout.correction_turns = 2;
        settings.rollout.max_completion_length = 96;
        settings.rollout.prompts_per_step = 4;
        settings.rollout.temperature = 1.5;
        settings.optim.learning_rate = 1e-3;
        change(settings);
    })
}

fn candidates(output: &StepOutput) -> Vec<&Candidate> {
    output.groups.iter().flat_map(|group| &group.candidates).collect()
}

#[test]
fn a_step_learns_from_its_last_replies_and_keeps_those_before() {
    let mut trainer = erring(|_| {});
    let output = trainer.step(&mut Unwatched).unwrap().unwrap();
    let all = candidates(&output);
    let corrected: Vec<&&Candidate> = all.iter().filter(|candidate| !candidate.turns.is_empty()).collect();
    assert!(corrected.len() >= 2 && corrected.len() < all.len(), "{} of {} erred", corrected.len(), all.len());
    for turn in corrected.iter().flat_map(|candidate| &candidate.turns) {
        assert!(turn.result.outcome != "rows" || turn.result.total_rows == 0);
        assert!(turn.feedback.starts_with("That ") && !turn.correct);
    }
    let turns = all.iter().map(|candidate| 1 + candidate.turns.len()).sum::<usize>() as f64;
    let metrics = &output.done.metrics;
    assert!((metrics.get("turns/mean").unwrap() - turns / all.len() as f64).abs() < 1e-12);
    assert!(metrics.get("turns/corrected").is_some() && metrics.get("turns/spoilt").is_some());
    // Log-probabilities of sampling and of the update belong to the same tokens.
    let gap = metrics.get("sampling/sampling_logp_difference/max").unwrap();
    assert!(gap < 1e-3, "{gap}");
    assert!(metrics.get("loss").unwrap().is_finite() && metrics.get("grad_norm").unwrap() > 0.0);
}

#[test]
fn any_answer_to_feedback_can_be_written_again_alone() {
    let mut trainer = erring(|_| {});
    trainer.step(&mut Unwatched).unwrap().unwrap();
    let before = trainer.policy.adapter.clone();
    let output = trainer.step(&mut Unwatched).unwrap().unwrap();
    let Trainer { model, settings, .. } = &trainer;
    let sampling: Sampling = trainer.engine().sampling();
    let write = |prompt: Vec<u32>, seed: u64| {
        let request = GenerateRequest { prompt, seeds: vec![seed], ..GenerateRequest::default() };
        let go_on = &mut |_, _| ControlFlow::Continue(());
        model.generate(Some(&before), &[request], &sampling, go_on).unwrap().unwrap().remove(0).remove(0)
    };
    let mut written = 0;
    for (at, group) in output.groups.iter().enumerate() {
        let example = trainer.dataset.train.iter().find(|e| e.id == group.question_id).unwrap();
        let prompt = trainer.asker.prompt(model, example).unwrap().unwrap();
        for (sample, candidate) in group.candidates.iter().enumerate().filter(|(_, c)| !c.turns.is_empty()) {
            let place = [2, at as u64, sample as u64];
            let completion = write(prompt.tokens.clone(), seeds::seed(settings.run.seed, Stream::Sample, place));
            let text = model.tokenizer.decode(&completion.tokens);
            let judged = trainer.scorer.score(example, &text);
            let mut talk = Talk::new(&prompt, completion, text, judged);
            for (turn, earlier) in (1..).zip(&candidate.turns) {
                assert_eq!(talk.text, earlier.text);
                let told = talk.told(model, earlier.feedback.clone(), sampling.max_new_tokens).unwrap().unwrap();
                let seed = seeds::seed(settings.run.seed, Stream::Correction, [place[0], place[1], place[2], turn]);
                let answer = write(talk.request(&told).prompt, seed);
                let text = model.tokenizer.decode(&answer.tokens);
                let judged = trainer.scorer.score(example, &text);
                talk.go_on(told, answer, text, judged);
            }
            assert_eq!((&talk.text, talk.completion.written()), (&candidate.text, candidate.tokens));
            written += 1;
        }
    }
    assert!(written > 0, "no query failed: the case shows nothing");
}

#[test]
fn what_is_generated_at_the_same_time_makes_no_difference() {
    let texts = |at_once: Option<usize>, dynamic: bool, constrain: Constrain| {
        let mut trainer = erring(|settings| {
            settings.memory.samples_in_flight = at_once;
            settings.grpo.dynamic_sampling = dynamic;
            settings.rollout.constrain = constrain;
        });
        let output = trainer.step(&mut Unwatched).unwrap().unwrap();
        let all = candidates(&output).into_iter();
        let all: Vec<_> =
            all.map(|c| (c.text.clone(), c.turns.iter().map(|t| t.text.clone()).collect::<Vec<_>>())).collect();
        (all, output.done.metrics.get("turns/mean").unwrap())
    };
    for (dynamic, constrain) in [(false, Constrain::Off), (true, Constrain::Syntax)] {
        let (whole, turns) = texts(None, dynamic, constrain);
        assert!(turns > 1.0, "no query failed: the case shows nothing");
        assert_eq!(texts(Some(1), dynamic, constrain), (whole, turns), "{constrain:?}");
    }
}

#[test]
fn held_out_questions_are_corrected_too() {
    let rewards = |turns: usize| {
        let mut trainer = erring(|settings| {
            settings.rollout.correction_turns = turns;
            settings.eval.questions = 24;
            settings.rollout.max_completion_length = 96;
        });
        trainer.evaluate(&mut Unwatched).unwrap().unwrap()
    };
    let (once, again) = (rewards(0), rewards(1));
    assert_eq!((once.n, again.n), (24, 24));
    assert!((once.reward - again.reward).abs() > 1e-9, "no reply was corrected: the case shows nothing");
}
