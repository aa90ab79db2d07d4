//! How the agent deviates from sending an answer as it is: in opening a connection, and in delivering the answer.
//!
//! The names are those of the recorded cases. Not in them are `impostor:VERSION`, `require-client-cert:VERSION`,
//! `request-client-cert:no-tickets`, `key-exchange:NAME`, `handshake-hang`, `speaks-first`, `close-after-handshake`,
//! `drip:MS`, `close-before-request` and `reset-before-request`.

use std::str::FromStr;
use std::time::Duration;

/// How a connection is opened: what is presented and negotiated, or what happens in place of that.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub enum Opening {
    /// TLS 1.2 and 1.3 with the default certificate.
    #[default]
    Normal,
    /// `wrong-cert`: TLS with a certificate that is not the pinned one.
    WrongCertificate,
    /// `cert:KIND`: TLS with the certificate and key in `KIND.pem`.
    Certificate(String),
    /// `tls1.2`, `tls1.3`: that version and no other.
    Only(TlsVersion),
    /// `tls1.0`, `tls1.1`: chooses a version that nobody should accept.
    Legacy(LegacyVersion),
    /// `alpn-h2`: negotiates no application protocol but `h2`. A client that offers none is served.
    AlpnH2,
    /// `request-client-cert`: asks for a client certificate, and accepts a client without one.
    RequestClientCertificate,
    /// `request-client-cert:no-tickets`: the same, and says nothing of its own after the handshake.
    RequestClientCertificateWithoutTickets,
    /// `require-client-cert`: refuses a client without a certificate.
    RequireClientCertificate,
    /// `require-client-cert:tls1.2`, `require-client-cert:tls1.3`: the same, in that version.
    RequireClientCertificateIn(TlsVersion),
    /// `key-exchange:NAME`: offers a key exchange that nobody here has, by its name in rustls.
    KeyExchange(ForeignKeyExchange),
    /// `speaks-first`: sends an answer right after the handshake, and then the answers to the requests.
    SpeaksFirst,
    /// `close-after-handshake`: ends the connection right after the handshake.
    CloseAfterHandshake,
    /// `plain-http`: HTTP without TLS.
    Plain,
    /// `garbage`: sends bytes that are not TLS, and closes.
    Garbage,
    /// `refused`: nobody listens. Only as the opening of a script's first answer, for the main listener.
    Refused,
    /// `close-at-accept`: closes without reading or sending a byte.
    CloseAtAccept,
    /// `impostor:tls1.2`, `impostor:tls1.3`: presents the pinned certificate, but signs with another key.
    Impostor(TlsVersion),
    /// `handshake-hang`: reads, and never sends a byte.
    HandshakeHang,
}

impl Opening {
    /// Whether no request can follow, so that the connection itself uses up the answer.
    pub(crate) fn is_dead_end(&self) -> bool {
        matches!(self, Self::Legacy(_) | Self::Garbage | Self::CloseAtAccept | Self::HandshakeHang)
    }
}

/// A version that rustls speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// A key exchange that the TLS library does not have with this provider.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ForeignKeyExchange {
    /// `secp521r1`, also known as P-521.
    Secp521r1,
    /// `X25519MLKEM768`.
    X25519MlKem768,
}

/// A version that is no longer safe.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LegacyVersion {
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
}

/// How much of the answer is sent, how fast, and what happens to the connection after it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Delivery {
    /// `normal`: all of it. The connection is kept, unless the answer or its framing closes it.
    #[default]
    Whole,
    /// `dribble`: all of it, one byte in a TLS record.
    Dribble,
    /// `drip:MS`: all of it, one byte each `MS` milliseconds.
    Drip(Duration),
    /// `no-close-notify`: all of it, then closes the TCP connection without closing TLS.
    NoCloseNotify,
    /// `close-before-response`: reads the request and closes.
    CloseBeforeResponse,
    /// `close-mid-headers`: half of the head, then closes.
    CloseMidHeaders,
    /// `truncate-body`: the head and half of the body, then closes.
    TruncateBody,
    /// `close-before-request`: all of it, then closes the connection without having announced that.
    CloseBeforeRequest,
    /// `reset-before-request`: all of it, then resets the TCP connection.
    ResetBeforeRequest,
    /// `reset`: reads the request and resets the TCP connection.
    Reset,
    /// `reset-mid-body`: the head and half of the body, then resets the TCP connection.
    ResetMidBody,
    /// `hang`: reads the request and never answers.
    Hang,
    /// `hang-mid-headers`: half of the head, then nothing more.
    HangMidHeaders,
    /// `hang-mid-body`: the head and half of the body, then nothing more.
    HangMidBody,
    /// `hang-after-body`: all of it, and keeps the connection open even where its end marks the end of the body.
    HangAfterBody,
}

/// A behaviour by its name: a special opening or a special delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Behaviour {
    /// How the connection is opened.
    Opening(Opening),
    /// How the answer is delivered.
    Delivery(Delivery),
}

/// A name that no behaviour has.
#[derive(Debug, thiserror::Error)]
#[error("expected the name of a behaviour, found {0:?}")]
pub struct UnknownBehaviour(String);

impl FromStr for Behaviour {
    type Err = UnknownBehaviour;

    fn from_str(name: &str) -> Result<Self, UnknownBehaviour> {
        opening(name)
            .map(Self::Opening)
            .or_else(|| delivery(name).map(Self::Delivery))
            .ok_or_else(|| UnknownBehaviour(name.to_owned()))
    }
}

fn opening(name: &str) -> Option<Opening> {
    if let Some(kind) = name.strip_prefix("cert:") {
        return Some(Opening::Certificate(kind.to_owned()));
    }
    Some(match name {
        "wrong-cert" => Opening::WrongCertificate,
        "tls1.0" => Opening::Legacy(LegacyVersion::Tls10),
        "tls1.1" => Opening::Legacy(LegacyVersion::Tls11),
        "tls1.2" => Opening::Only(TlsVersion::Tls12),
        "tls1.3" => Opening::Only(TlsVersion::Tls13),
        "alpn-h2" => Opening::AlpnH2,
        "request-client-cert" => Opening::RequestClientCertificate,
        "request-client-cert:no-tickets" => Opening::RequestClientCertificateWithoutTickets,
        "require-client-cert" => Opening::RequireClientCertificate,
        "require-client-cert:tls1.2" => Opening::RequireClientCertificateIn(TlsVersion::Tls12),
        "require-client-cert:tls1.3" => Opening::RequireClientCertificateIn(TlsVersion::Tls13),
        "key-exchange:secp521r1" => Opening::KeyExchange(ForeignKeyExchange::Secp521r1),
        "key-exchange:X25519MLKEM768" => Opening::KeyExchange(ForeignKeyExchange::X25519MlKem768),
        "speaks-first" => Opening::SpeaksFirst,
        "close-after-handshake" => Opening::CloseAfterHandshake,
        "plain-http" => Opening::Plain,
        "garbage" => Opening::Garbage,
        "refused" => Opening::Refused,
        "close-at-accept" => Opening::CloseAtAccept,
        "impostor:tls1.2" => Opening::Impostor(TlsVersion::Tls12),
        "impostor:tls1.3" => Opening::Impostor(TlsVersion::Tls13),
        "handshake-hang" => Opening::HandshakeHang,
        _ => return None,
    })
}

fn delivery(name: &str) -> Option<Delivery> {
    if let Some(interval_ms) = name.strip_prefix("drip:") {
        let interval = Duration::from_millis(interval_ms.parse().ok()?);
        return Some(Delivery::Drip(interval));
    }
    Some(match name {
        "normal" => Delivery::Whole,
        "dribble" => Delivery::Dribble,
        "no-close-notify" => Delivery::NoCloseNotify,
        "close-before-response" => Delivery::CloseBeforeResponse,
        "close-mid-headers" => Delivery::CloseMidHeaders,
        "truncate-body" => Delivery::TruncateBody,
        "close-before-request" => Delivery::CloseBeforeRequest,
        "reset-before-request" => Delivery::ResetBeforeRequest,
        "reset" => Delivery::Reset,
        "reset-mid-body" => Delivery::ResetMidBody,
        "hang" => Delivery::Hang,
        "hang-mid-headers" => Delivery::HangMidHeaders,
        "hang-mid-body" => Delivery::HangMidBody,
        "hang-after-body" => Delivery::HangAfterBody,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Behaviour, Delivery, Opening};

    #[test]
    fn names_with_a_parameter_are_read() {
        let kind = Opening::Certificate("rsa2048".to_owned());
        let drip = Delivery::Drip(Duration::from_millis(20));
        assert_eq!("cert:rsa2048".parse::<Behaviour>().unwrap(), Behaviour::Opening(kind));
        assert_eq!("drip:20".parse::<Behaviour>().unwrap(), Behaviour::Delivery(drip));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        for name in ["", "Normal", "drip:", "drip:fast", "tls1.4", "impostor"] {
            let error = name.parse::<Behaviour>().unwrap_err();
            assert_eq!(error.to_string(), format!("expected the name of a behaviour, found {name:?}"));
        }
    }
}
