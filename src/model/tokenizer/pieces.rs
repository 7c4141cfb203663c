//! Token ids to text.

use std::collections::HashMap;

use super::vocabulary::TokenKind;

/// How a vocabulary spells bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// GPT-2's: a printable character for each byte.
    ByteLevel,
    /// `SentencePiece`'s: characters as they are, U+2581 for a space, and tokens for single bytes.
    SentencePiece {
        /// Whether a space was put before each text, which the text's beginning loses again.
        space_prefix: bool,
    },
}

/// `SentencePiece`'s space.
pub(super) const SPACE: char = '\u{2581}';

/// The bytes of every token, end to end.
#[derive(Debug)]
pub(super) struct Pieces {
    alphabet: Alphabet,
    bytes: Vec<u8>,
    /// Where each token's bytes end; they begin where the previous one's end. Special tokens have none.
    ends: Vec<usize>,
}

impl Pieces {
    pub(super) fn new(tokens: &[String], kinds: &[TokenKind], alphabet: Alphabet) -> Self {
        let characters = byte_alphabet();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(tokens.len()));
        for (token, kind) in tokens.iter().zip(kinds) {
            match (kind, alphabet) {
                (TokenKind::Normal, Alphabet::ByteLevel) => push_normal(token, &characters, &mut bytes),
                (TokenKind::Normal | TokenKind::UserDefined, Alphabet::SentencePiece { .. }) => {
                    bytes.extend_from_slice(token.replace(SPACE, " ").as_bytes());
                }
                (TokenKind::UserDefined, Alphabet::ByteLevel) => bytes.extend_from_slice(token.as_bytes()),
                (TokenKind::Byte(byte), _) => bytes.push(*byte),
                (TokenKind::Control | TokenKind::Other, _) => {}
            }
            ends.push(bytes.len());
        }
        Self { alphabet, bytes, ends }
    }

    pub(super) fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of `ids`. A character may be spread over several tokens, so that only the whole is turned into text.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let mut bytes: Vec<u8> = ids.iter().flat_map(|id| self.piece(*id as usize)).copied().collect();
        if self.alphabet == (Alphabet::SentencePiece { space_prefix: true }) && bytes.first() == Some(&b' ') {
            bytes.remove(0);
        }
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }

    pub(super) fn piece(&self, id: usize) -> &[u8] {
        let Some(end) = self.ends.get(id) else { return &[] };
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start..*end]
    }
}

fn push_normal(token: &str, alphabet: &HashMap<char, u8>, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    for character in token.chars() {
        let Some(byte) = alphabet.get(&character) else {
            // A token outside the alphabet stands for itself, as in Hugging Face's decoder.
            bytes.truncate(start);
            bytes.extend_from_slice(token.as_bytes());
            return;
        };
        bytes.push(*byte);
    }
}

/// GPT-2's alphabet: each byte is spelled as a printable character. Printable Latin-1 stands for itself, the other bytes
/// take the characters from U+0100 on, in order.
fn byte_alphabet() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let plain = (0..=u8::MAX).filter(|b| printable(*b)).map(|byte| (char::from(byte), byte));
    let moved = ('\u{100}'..).zip((0..=u8::MAX).filter(|b| !printable(*b)));
    plain.chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_spells_every_byte_once() {
        let alphabet = byte_alphabet();
        assert_eq!(alphabet.len(), 256);
        assert_eq!((alphabet[&'Ġ'], alphabet[&'Ċ'], alphabet[&'a'], alphabet[&'Ń']), (b' ', b'\n', b'a', 0xad));
    }

    #[test]
    fn characters_may_be_spread_over_tokens() {
        let tokens = ["<s>", "a", "Ã", "¼", "né w"].map(str::to_owned).to_vec();
        let mut kinds = vec![TokenKind::Normal; 5];
        kinds[0] = TokenKind::Control;
        kinds[4] = TokenKind::UserDefined;
        let pieces = Pieces::new(&tokens, &kinds, Alphabet::ByteLevel);
        assert_eq!(pieces.decode(&[0, 1, 2, 3, 4, 77]), "aüné w");
        assert_eq!(pieces.decode(&[2, 1]), "\u{fffd}a");
    }

    #[test]
    fn sentence_pieces_have_spaces_and_bytes() {
        let tokens = ["</s>", "\u{2581}a", "b", "<0xC3>", "<0xBC>", "\u{2581}\u{2581}"].map(str::to_owned);
        let normal = TokenKind::Normal;
        let kinds = [TokenKind::Control, normal, normal, TokenKind::Byte(0xc3), TokenKind::Byte(0xbc), normal];
        let pieces = |space_prefix| Pieces::new(&tokens, &kinds, Alphabet::SentencePiece { space_prefix });
        assert_eq!(pieces(true).decode(&[1, 2, 3, 4, 1, 0]), "abü a");
        assert_eq!(pieces(true).decode(&[5, 2]), " b");
        assert_eq!(pieces(false).decode(&[1, 2]), " ab");
    }
}
