//! How probable each token of a reply was, in two characters a token.
//!
//! A trace is a string of pairs of base64's digits (`A`–`Z`, `a`–`z`, `0`–`9`, `+`, `/`, for 0 to 63). The first of a pair says how many
//! bytes of the reply's text the token has, 63 that the next pair goes on with the same token. The second is a level `l`: the token's
//! log-probability is `-(l / 12)²`, finest near 0 where most tokens are, and -27.6 at the lowest.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MOST: usize = 63;
const FINENESS: f32 = 12.0;

/// The trace of tokens, each given by its bytes in the text and its log-probability.
pub fn encode(tokens: impl IntoIterator<Item = (usize, f32)>) -> String {
    let mut trace = String::new();
    let mut pair = |bytes: usize, level: usize| {
        trace.push(char::from(DIGITS[bytes]));
        trace.push(char::from(DIGITS[level]));
    };
    for (mut bytes, logprob) in tokens {
        let level = level(logprob);
        while bytes >= MOST {
            pair(MOST, level);
            bytes -= MOST;
        }
        pair(bytes, level);
    }
    trace
}

/// NaN is the least probable.
fn level(logprob: f32) -> usize {
    let level = ((-logprob).max(0.0).sqrt() * FINENESS).round();
    if level < MOST as f32 && !logprob.is_nan() { level as usize } else { MOST }
}

/// The tokens of a trace: bytes of the text, and log-probability. It ends where a trace is none.
pub fn decode(trace: &str) -> Vec<(usize, f32)> {
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte);
    let mut tokens = Vec::new();
    let mut open = 0;
    for pair in trace.as_bytes().chunks_exact(2) {
        let (Some(bytes), Some(level)) = (digit(pair[0]), digit(pair[1])) else { break };
        open += bytes;
        if bytes < MOST {
            tokens.push((open, -(level as f32 / FINENESS).powi(2)));
            open = 0;
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_trace_is_what_the_documentation_says() {
        assert_eq!(encode([(3, 0.0), (0, -1.0), (63, f32::NEG_INFINITY), (130, -0.25)]), "DAAM//A//G/GEG");
        assert_eq!(decode("DAAM?!DA"), [(3, 0.0), (0, -1.0)]);
    }

    proptest! {
        #[test]
        fn tokens_come_back(tokens in prop::collection::vec((0usize..300, -27.0f32..0.0), 0..50)) {
            let trace = encode(tokens.iter().copied());
            let back = decode(&trace);
            prop_assert_eq!(back.len(), tokens.len());
            for ((bytes, logprob), (same, near)) in tokens.iter().zip(back) {
                prop_assert_eq!(*bytes, same);
                prop_assert!((logprob - near).abs() <= 0.01 + 0.09 * logprob.abs().sqrt());
            }
        }

        #[test]
        fn any_text_is_read(text in ".{0,40}") {
            let _ = decode(&text);
        }
    }
}
