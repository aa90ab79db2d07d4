//! An answer as the bytes that are sent, with the positions at which a delivery may stop.

use http::StatusCode;
use memchr::memmem;

use crate::script::{Answer, Framing};

/// Bytes of raw ones in which the end of a head is looked for.
const HEAD_LIMIT: usize = 1 << 20;

/// The bytes of an answer.
pub(crate) struct Wire {
    pub(crate) bytes: Vec<u8>,
    /// Length of the head, its empty line included.
    pub(crate) head: usize,
    /// Length of the head and half of the body.
    pub(crate) half: usize,
    /// Whether the connection ends after it.
    pub(crate) closes: bool,
}

impl Wire {
    /// The answer as it is sent: status line, headers as given, framing header, empty line, body.
    pub(crate) fn encode(answer: &Answer) -> Self {
        let closes = matches!(answer.framing, Framing::Close | Framing::Raw) || says_close(answer);
        if answer.framing == Framing::Raw {
            return Self::raw(answer.body.clone());
        }
        let mut bytes = head(answer);
        let head = bytes.len();
        let (first, second) = answer.body.split_at(answer.body.len() / 2);
        let chunked = answer.framing == Framing::Chunked;
        push(&mut bytes, first, chunked);
        let half = bytes.len();
        push(&mut bytes, second, chunked);
        if chunked {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        Self { bytes, head, half, closes }
    }

    fn raw(bytes: Vec<u8>) -> Self {
        // No further: a flood would keep every other agent of this process waiting.
        let empty_line = memmem::find(&bytes[..bytes.len().min(HEAD_LIMIT)], b"\r\n\r\n");
        let head = empty_line.map_or(bytes.len(), |at| at + 4);
        let half = head + (bytes.len() - head) / 2;
        Self { bytes, head, half, closes: true }
    }
}

fn says_close(answer: &Answer) -> bool {
    let connection = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    connection.flat_map(|(_, value)| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
}

fn head(answer: &Answer) -> Vec<u8> {
    let known = StatusCode::from_u16(answer.status).ok();
    let reason = known.and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or(""));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.framing {
        Framing::ContentLength => {
            head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
        }
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close | Framing::Raw => {}
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn push(bytes: &mut Vec<u8>, body: &[u8], chunked: bool) {
    if !chunked {
        bytes.extend_from_slice(body);
    } else if !body.is_empty() {
        // An empty chunk would end the body (RFC 9112, section 7.1).
        bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::Wire;
    use crate::script::{Answer, Framing};

    #[test]
    fn each_framing_has_its_bytes() {
        for (framing, bytes, half, closes) in [
            (Framing::ContentLength, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello", "he", false),
            (
                Framing::Chunked,
                "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                "2\r\nhe\r\n",
                false,
            ),
            (Framing::Close, "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello", "he", true),
            (Framing::Raw, "hello", "", true),
        ] {
            let answer = Answer::new(200, "hello").header("A", "b").framing(framing);
            let wire = Wire::encode(&answer);
            assert_eq!(String::from_utf8_lossy(&wire.bytes), bytes);
            assert_eq!(&wire.bytes[wire.head..wire.half], half.as_bytes());
            assert_eq!(wire.closes, closes, "{framing:?}");
        }
    }

    #[test]
    fn a_connection_header_that_says_close_ends_the_connection() {
        for (value, closes) in [("close", true), ("keep-alive, Close", true), ("closed", false)] {
            let answer = Answer::new(200, "").header("connection", value);
            assert_eq!(Wire::encode(&answer).closes, closes, "{value}");
        }
    }

    #[test]
    fn an_empty_chunked_body_is_the_last_chunk_alone() {
        let wire = Wire::encode(&Answer::new(200, "").framing(Framing::Chunked));
        assert_eq!(&wire.bytes[wire.head..], b"0\r\n\r\n");
    }

    #[test]
    fn a_status_without_a_name_has_an_empty_reason() {
        let wire = Wire::encode(&Answer::new(799, ""));
        assert!(wire.bytes.starts_with(b"HTTP/1.1 799 \r\n"));
    }

    #[test]
    fn raw_bytes_have_their_own_head() {
        let wire = Wire::encode(&Answer::raw("HTTP/1.1 200 OK\r\n\r\nbody"));
        assert_eq!((wire.head, wire.half), (19, 21));
    }
}
