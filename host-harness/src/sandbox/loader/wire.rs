//! What the child answers: a tag, and then the code with its SHA-256, or the text of a refusal.
//!
//! The component goes the other way as it is, to the end of the pipe.

use std::io::{self, Read, Write};

use crate::sandbox::code::Code;
use crate::sha256::sha256;

/// The variable that holds the parent's process id.
pub(super) const PARENT: &str = "AGENTAPI_LOADER_PARENT";
/// The longest refusal, in bytes. It quotes names out of the component.
const MAX_REFUSAL_BYTES: usize = 4096;
const CODE: [u8; 8] = *b"agtcode1";
const REFUSED: [u8; 8] = *b"agtrefu1";

/// An answer of the child.
pub(super) enum Answer {
    Code(Code),
    /// The code is larger than allowed, and was not read. Holds its size in bytes.
    CodeTooLarge(u64),
    /// The component is refused, with the compiler's reason.
    Refused(String),
}

pub(super) fn write_code(out: &mut impl Write, code: &Code) -> io::Result<()> {
    out.write_all(&CODE)?;
    out.write_all(&code.sha256)?;
    out.write_all(&(code.bytes.len() as u64).to_le_bytes())?;
    out.write_all(&code.bytes)?;
    out.flush()
}

pub(super) fn write_refusal(out: &mut impl Write, why: &str) -> io::Result<()> {
    let end = why.floor_char_boundary(MAX_REFUSAL_BYTES);
    out.write_all(&REFUSED)?;
    out.write_all(why.get(..end).unwrap_or_default().as_bytes())?;
    out.flush()
}

/// Reads an answer to its end.
pub(super) fn read_answer(from: &mut impl Read, max_code_bytes: u64) -> io::Result<Answer> {
    let mut tag = [0; 8];
    from.read_exact(&mut tag)?;
    match tag {
        CODE => read_code(from, max_code_bytes),
        REFUSED => {
            let mut text = Vec::new();
            from.take(MAX_REFUSAL_BYTES as u64).read_to_end(&mut text)?;
            Ok(Answer::Refused(String::from_utf8_lossy(&text).into_owned()))
        }
        _ => Err(io::Error::other("it is no program that compiles components")),
    }
}

fn read_code(from: &mut impl Read, max_code_bytes: u64) -> io::Result<Answer> {
    let (mut expected, mut size) = ([0; 32], [0; 8]);
    from.read_exact(&mut expected)?;
    from.read_exact(&mut size)?;
    let size = u64::from_le_bytes(size);
    if size > max_code_bytes {
        return Ok(Answer::CodeTooLarge(size));
    }
    let mut bytes = Vec::new();
    from.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if sha256(&bytes) != expected {
        return Err(io::Error::other("the code has another SHA-256 than it was compiled with"));
    }
    Ok(Answer::Code(Code { bytes, sha256: expected }))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Code, read_answer, sha256, write_code, write_refusal};

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_code(&mut out, &Code { bytes: bytes.to_vec(), sha256: sha256(bytes) }).unwrap();
        out
    }

    #[test]
    fn code_arrives_whole_or_not_at_all() {
        let sent = written(b"some code");
        assert!(matches!(read_answer(&mut &sent[..], 9).unwrap(), Answer::Code(code) if code.bytes == b"some code"));
        assert!(matches!(read_answer(&mut &sent[..], 8).unwrap(), Answer::CodeTooLarge(9)));
        for end in 0..sent.len() {
            assert!(read_answer(&mut &sent[..end], 9).is_err(), "{end}");
        }
        for at in 0..sent.len() {
            let mut damaged = sent.clone();
            damaged[at] ^= 1;
            assert!(!matches!(read_answer(&mut &damaged[..], 9), Ok(Answer::Code(_))), "{at}");
        }
    }

    #[test]
    fn a_refusal_is_cut_between_characters() {
        let mut out = Vec::new();
        write_refusal(&mut out, &"é".repeat(5000)).unwrap();
        assert!(matches!(read_answer(&mut &out[..], 0).unwrap(), Answer::Refused(why) if why == "é".repeat(2048)));
        assert!(read_answer(&mut &b"hello, world"[..], 0).is_err());
    }
}
