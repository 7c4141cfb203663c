//! The messages between a trainer and its viewers.
//!
//! A frame is its length (u32, big-endian) and so many bytes of JSON. Either side begins with a `hello`, whose shape and whose
//! member `protocol` stay as they are in all versions; after that only equal versions understand each other.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_util::{
    bytes::Bytes,
    codec::{FramedRead, FramedWrite, LengthDelimitedCodec},
};

use crate::run::{command::Command, event::Record, presence::Presence};

/// Version of the messages. It grows when either side could misunderstand the other.
pub const PROTOCOL_VERSION: u32 = 1;
/// Most bytes of a viewer's message.
pub const MOST_FROM_VIEWER: usize = 16 << 10;
/// Most bytes of a trainer's message. A larger record is left out; viewers read it from the store.
pub const MOST_FROM_TRAINER: usize = 32 << 20;
/// Most characters of the words that a viewer gives of itself.
const MOST_NAME: usize = 48;

/// What each side says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the speaker.
    pub protocol: u32,
    /// Version of the speaker's program.
    pub program_version: String,
    /// Who speaks, for people: a viewer's terminal, a trainer's run folder.
    #[serde(default)]
    pub name: String,
}

impl Hello {
    /// This program's.
    pub fn new(name: impl Into<String>) -> Self {
        Self { protocol: PROTOCOL_VERSION, program_version: env!("CARGO_PKG_VERSION").to_owned(), name: name.into() }
    }

    /// The name without what a terminal could take for a command, and cut to a line.
    pub fn shown_name(&self) -> String {
        let name: String = self.name.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect();
        if name.trim().is_empty() { "a viewer".into() } else { name }
    }
}

/// What a viewer says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromViewer {
    /// The first message.
    Hello(Hello),
    /// For the trainer, if this viewer is in control.
    Command(Command),
    /// Wants to be in control.
    TakeControl,
}

/// What a trainer says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromTrainer {
    /// The first message.
    Hello(Hello),
    /// The viewer is not let in; the text is for people. Nothing follows.
    Refused(String),
    /// A record. What there was no room for is missing, and shows as a gap in the numbers.
    Record(Record),
    /// The newest stored record's number, where the record itself was left out and nothing came after it.
    Latest(u64),
    /// Who looks on, and who steers. Comes after the hello and whenever it changes.
    Presence(Presence),
}

/// A record as [`FromTrainer::Record`] without a copy of it.
#[derive(Serialize)]
struct RecordMessage<'a> {
    record: &'a Record,
}

/// A frame's bytes that are no message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoMessage(#[from] serde_json::Error);

/// A message as a frame's bytes.
///
/// # Errors
/// None of our messages, since none has keys that are not text.
pub fn encode<T: Serialize>(message: &T) -> Result<Bytes, NoMessage> {
    Ok(serde_json::to_vec(message)?.into())
}

/// A record as a frame's bytes.
///
/// # Errors
/// As [`encode`].
pub fn encode_record(record: &Record) -> Result<Bytes, NoMessage> {
    encode(&RecordMessage { record })
}

/// The message in a frame's bytes.
///
/// # Errors
/// The bytes are no message of this version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NoMessage> {
    Ok(serde_json::from_slice(bytes)?)
}

fn codec(most: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(most).new_codec()
}

/// Frames out of a stream of bytes, none larger than `most`.
pub fn frames_in<R: tokio::io::AsyncRead>(stream: R, most: usize) -> FramedRead<R, LengthDelimitedCodec> {
    FramedRead::new(stream, codec(most))
}

/// Frames into a stream of bytes, none larger than `most`.
pub fn frames_out<W: tokio::io::AsyncWrite>(stream: W, most: usize) -> FramedWrite<W, LengthDelimitedCodec> {
    FramedWrite::new(stream, codec(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::RunBuilder;
    use futures::StreamExt as _;
    use proptest::prelude::*;

    #[test]
    fn messages_come_back_as_they_were() {
        for message in [
            FromViewer::Hello(Hello::new("pts/3")),
            FromViewer::Command(Command::Stop { checkpoint: true }),
            FromViewer::TakeControl,
        ] {
            assert_eq!(decode::<FromViewer>(&encode(&message).unwrap()).unwrap(), message);
        }
        for record in RunBuilder::with_steps(21).records() {
            let bytes = encode_record(&record).unwrap();
            // As the store gives it back: the last bit of a number may be lost in JSON.
            let stored: Record = decode(&encode(&record).unwrap()).unwrap();
            assert_eq!(bytes, encode(&FromTrainer::Record(record)).unwrap(), "with and without a copy it is the same");
            assert_eq!(decode::<FromTrainer>(&bytes).unwrap(), FromTrainer::Record(stored));
        }
    }

    #[test]
    fn a_hello_of_another_version_is_still_read() {
        let hello = br#"{"hello":{"protocol":7,"program_version":"9.0","name":"x","more":[1]}}"#;
        let FromViewer::Hello(hello) = decode(hello).unwrap() else { panic!("no hello") };
        assert_eq!((hello.protocol, hello.program_version.as_str()), (7, "9.0"));
        let bare = decode::<FromTrainer>(br#"{"hello":{"protocol":2,"program_version":"0.2"}}"#).unwrap();
        assert!(matches!(bare, FromTrainer::Hello(Hello { protocol: 2, .. })));
    }

    #[test]
    fn names_are_one_harmless_line() {
        let hello = Hello::new(format!("a\u{1b}]0;x\u{7}\n{}", "b".repeat(200)));
        assert!(hello.shown_name().starts_with("a]0;xb") && hello.shown_name().chars().count() == MOST_NAME);
        assert_eq!(Hello::new(" \t").shown_name(), "a viewer");
    }

    /// All frames of some bytes, up to the first that is none.
    fn read_all(bytes: &[u8]) -> Vec<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut frames = frames_in(bytes, MOST_FROM_VIEWER);
        runtime.block_on(async {
            let mut sizes = Vec::new();
            while let Some(Ok(frame)) = frames.next().await {
                let _ = decode::<FromViewer>(&frame);
                let _ = decode::<FromTrainer>(&frame);
                sizes.push(frame.len());
            }
            sizes
        })
    }

    #[test]
    fn a_frame_that_claims_too_much_ends_the_reading() {
        let mut bytes = (MOST_FROM_VIEWER as u32 + 1).to_be_bytes().to_vec();
        bytes.extend(vec![b' '; MOST_FROM_VIEWER + 1]);
        assert!(read_all(&bytes).is_empty());
        assert_eq!(read_all(b"\0\0\0\x02{}\0\0"), [2], "a cut frame is no frame");
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(read_all(&bytes).iter().all(|size| *size <= MOST_FROM_VIEWER));
        }

        #[test]
        fn no_frame_does_harm(contents in prop::collection::vec("[\\[\\]{}:,\"a-z0-9.\\\\-]{0,60}|\\PC{0,40}", 0..5)) {
            let mut bytes = Vec::new();
            for content in &contents {
                bytes.extend((content.len() as u32).to_be_bytes());
                bytes.extend(content.as_bytes());
            }
            prop_assert_eq!(read_all(&bytes).len(), contents.len());
        }
    }
}
