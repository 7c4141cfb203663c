//! The bytes of TensorBoard's event files: `Event` messages (protocol buffers, tensorflow/core/util/event.proto) in `TFRecord` frames.
//!
//! A frame is the length (8 bytes, little endian), the masked CRC-32C of those 8 bytes, the message, and the masked CRC-32C of it.

use super::crc32c::masked;

/// What the first event of every file says.
const VERSION: &str = "brain.Event:2";

/// The event that a file begins with.
pub fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Message::of(wall_time, 0);
    event.bytes(3, VERSION.as_bytes());
    frame(&event.0)
}

/// The event that tells readers to forget what they have read of `step` and later ones (`SessionLog` with status `START`).
pub fn session_start(wall_time: f64, step: u64) -> Vec<u8> {
    let mut log = Message::default();
    log.varint(1, 1);
    let mut event = Message::of(wall_time, step);
    event.bytes(7, &log.0);
    frame(&event.0)
}

/// The event with scalars of a step. They are held as float32, as the format has them.
pub fn scalars(wall_time: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Message::default();
    for (tag, value) in values {
        let mut entry = Message::default();
        entry.bytes(1, tag.as_bytes());
        entry.float(2, *value as f32);
        summary.bytes(1, &entry.0);
    }
    let mut event = Message::of(wall_time, step);
    event.bytes(5, &summary.0);
    frame(&event.0)
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), message, &masked(message).to_le_bytes()].concat()
}

/// A protocol buffer being written. Numbers are those of the fields.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// An event's beginning: its time in Unix seconds, its step.
    fn of(wall_time: f64, step: u64) -> Self {
        let mut event = Self::default();
        event.0.push(1 << 3 | 1);
        event.0.extend(wall_time.to_le_bytes());
        event.varint(2, step);
        event
    }

    fn varint(&mut self, field: u8, value: u64) {
        self.0.push(field << 3);
        self.number(value);
    }

    fn float(&mut self, field: u8, value: f32) {
        self.0.push(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u8, bytes: &[u8]) {
        self.0.push(field << 3 | 2);
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_has_the_bytes_that_the_formats_describe() {
        let bytes = scalars(1.5, 300, &[("kl".into(), 0.5)]);
        let message = [
            &[0x09][..],
            &1.5_f64.to_le_bytes(), // wall_time
            &[0x10, 0xAC, 0x02],    // step, in seven bits a byte
            &[0x2A, 11],            // summary
            &[0x0A, 9],             // its only value
            &[0x0A, 2],
            b"kl",
            &[0x15],
            &0.5_f32.to_le_bytes(),
        ]
        .concat();
        assert_eq!(bytes[..8], (message.len() as u64).to_le_bytes());
        assert_eq!(bytes[8..12], masked(&bytes[..8]).to_le_bytes());
        assert_eq!(bytes[12..bytes.len() - 4], message);
        assert_eq!(bytes[bytes.len() - 4..], masked(&message).to_le_bytes());
    }
}
