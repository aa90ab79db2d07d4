//! SHA-256, by `ring`, which has it in assembly. The start of a process hashes half a megabyte: where the processor has no
//! instruction for that, `ring` takes 33 others for a byte, and `sha2` 53.

use std::io::{self, Write};

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};

/// A SHA-256.
pub(crate) type Sha256Digest = [u8; SHA256_OUTPUT_LEN];

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256Digest {
    to_array(digest(&SHA256, bytes))
}

/// The SHA-256 of all that is written to it.
pub(crate) struct Sha256Writer(Context);

impl Sha256Writer {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn finish(self) -> Sha256Digest {
        to_array(self.0.finish())
    }
}

impl Write for Sha256Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn to_array(digest: ring::digest::Digest) -> Sha256Digest {
    let mut array = Sha256Digest::default();
    array.copy_from_slice(digest.as_ref());
    array
}

#[cfg(test)]
mod tests {
    use super::{Sha256Writer, Write, sha256};

    /// Source: FIPS 180-2, appendix B.1.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn at_once_and_in_pieces() {
        assert_eq!(hex::encode(sha256(b"abc")), OF_ABC);
        let mut pieces = Sha256Writer::new();
        pieces.write_all(b"a").unwrap();
        pieces.write_all(b"bc").unwrap();
        assert_eq!(hex::encode(pieces.finish()), OF_ABC);
    }
}
