//! What a cockpit may ask of a trainer. Every command is acknowledged by an event: a state, a checkpoint, an evaluation, a change, an
//! answer, or a refusal with its reason.

use serde::{Deserialize, Serialize};

/// A request to the trainer; obeyed at the next point where that is safe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Pause at the end of the step. Acknowledged by `pausing`, then `paused`.
    Pause,
    /// Go on. Acknowledged by `running`.
    Resume,
    /// Train one step, or finish the one under way, and pause. Acknowledged by `pausing`, then `paused`.
    StepOnce,
    /// Write a checkpoint at the end of the step. Acknowledged by `checkpoint`.
    Checkpoint {
        /// What is said of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Evaluate on the held-out questions at the end of the step. Acknowledged by `eval`.
    Evaluate,
    /// Train on with another value of a setting, from the next step. Acknowledged by `changed` or `refused`.
    Set {
        /// The key, as `group.name`.
        key: String,
        /// The value.
        value: serde_json::Value,
    },
    /// Go back to a checkpoint, and train on from there. Acknowledged by `run` with `resumed_from`, or `refused`.
    RollBack {
        /// The checkpoint's step.
        checkpoint: u64,
    },
    /// Let the base model and the policy answer a question. Acknowledged by `answer` or `refused`.
    Ask {
        /// The database's name.
        database: String,
        /// The question.
        question: String,
    },
    /// End the run. Acknowledged by `stopping`, then `end`.
    Stop {
        /// Finish the step and write a checkpoint first; otherwise drop the step at once.
        checkpoint: bool,
    },
    /// Something that only a newer viewer knows. Acknowledged by `refused`.
    #[serde(other)]
    Unknown,
}

impl Command {
    /// The command in words, for refusals.
    pub fn words(&self) -> String {
        match self {
            Self::Pause => "to pause".into(),
            Self::Resume => "to go on".into(),
            Self::StepOnce => "to train one step".into(),
            Self::Checkpoint { .. } => "to write a checkpoint".into(),
            Self::Evaluate => "to evaluate".into(),
            Self::Set { key, value } => format!("to set {key} to {value}"),
            Self::RollBack { checkpoint } => format!("to go back to the checkpoint of step {checkpoint}"),
            Self::Ask { database, .. } => format!("to answer a question on {database}"),
            Self::Stop { .. } => "to stop".into(),
            Self::Unknown => "something that this version does not know".into(),
        }
    }
}

/// The way from a cockpit to a trainer.
///
/// Sending neither waits nor fails for the caller: what became of a command is told by events alone.
pub trait CommandSink: Send + Sync {
    /// Hands over a command.
    fn send(&self, command: Command);

    /// Asks to be the one whose commands count. Where nobody else can steer there is nothing to take.
    fn take_control(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_older_and_newer_viewers_are_understood_or_told_apart() {
        let of = |text| serde_json::from_str::<Command>(text).unwrap();
        assert_eq!(of(r#"{"type":"checkpoint"}"#), Command::Checkpoint { note: None });
        assert_eq!(serde_json::to_string(&Command::Checkpoint { note: None }).unwrap(), r#"{"type":"checkpoint"}"#);
        assert_eq!(of(r#"{"type":"fly","to":["the moon"]}"#), Command::Unknown);
        let set = Command::Set { key: "grpo.beta".into(), value: 0.1.into() };
        assert_eq!(of(&serde_json::to_string(&set).unwrap()), set);
        assert_eq!(set.words(), "to set grpo.beta to 0.1");
    }
}
