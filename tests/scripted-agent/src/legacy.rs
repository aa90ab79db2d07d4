//! A peer that speaks only TLS 1.0 or 1.1, as far as a client reads before it refuses.

use std::io::Result;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::behaviour::LegacyVersion;

/// Reads the `ClientHello`, and answers with a `ServerHello` of the old version. The client has to refuse it.
pub(crate) async fn choose_old_version(tcp: &mut TcpStream, version: LegacyVersion) -> Result<()> {
    let mut record_header = [0; 5];
    tcp.read_exact(&mut record_header).await?;
    let length = u16::from_be_bytes([record_header[3], record_header[4]]);
    let mut client_hello = vec![0; usize::from(length)];
    tcp.read_exact(&mut client_hello).await?;
    tcp.write_all(&server_hello(version)).await
}

/// RFC 4346, section 7.4.1.3, in a record of its own (section 6.2.1).
fn server_hello(version: LegacyVersion) -> Vec<u8> {
    let version = match version {
        LegacyVersion::Tls10 => [3, 1],
        LegacyVersion::Tls11 => [3, 2],
    };
    let hello = [&version[..], &RANDOM, &NO_SESSION, &RSA_WITH_AES_128_CBC_SHA, &NO_COMPRESSION].concat();
    let handshake = [&[SERVER_HELLO, 0][..], &length(&hello), &hello].concat();
    [&[HANDSHAKE][..], &version, &length(&handshake), &handshake].concat()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
/// Any value will do: no key is ever derived from it.
const RANDOM: [u8; 32] = [0x5a; 32];
const NO_SESSION: [u8; 1] = [0];
const RSA_WITH_AES_128_CBC_SHA: [u8; 2] = [0, 0x2f];
const NO_COMPRESSION: [u8; 1] = [0];

#[cfg(test)]
mod tests {
    use super::server_hello;
    use crate::behaviour::LegacyVersion;

    #[test]
    fn the_version_is_in_the_record_and_in_the_message() {
        for (version, minor) in [(LegacyVersion::Tls10, 1), (LegacyVersion::Tls11, 2)] {
            let record = server_hello(version);
            assert_eq!(record[..11], [22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor]);
            assert_eq!(record[record.len() - 4..], [0, 0, 0x2f, 0]);
        }
    }
}
