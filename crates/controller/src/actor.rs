//! Who asked for something.

use std::fmt;

/// Who asked. Made by whoever has seen it: the listener from the socket's peer credentials, the scheduler for itself, a
/// fleet's part from a signature that it has verified. Never read from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The schedule in the configuration.
    Schedule,
    /// The controller itself.
    Controller,
    /// What this guest was wished by its fleet.
    Fleet {
        /// Which wish, such as `the wish of ring 2`.
        what: String,
    },
    /// A process on this machine, by the credentials of its socket.
    Peer {
        /// Its user.
        uid: u32,
        /// Its process.
        pid: Option<i32>,
    },
    /// A person, by a signature that this guest has verified.
    Signer {
        /// The name that the guest's own file has for the key.
        name: String,
        /// What was signed, such as `order 3f2a`.
        what: String,
    },
}

impl Actor {
    /// Whether a person has asked, on this machine or by a signature.
    pub const fn is_person(&self) -> bool {
        matches!(self, Self::Peer { .. } | Self::Signer { .. })
    }
}

/// As it stands in events and in the audit.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule => f.write_str("its schedule"),
            Self::Controller => f.write_str("the controller"),
            Self::Fleet { what } => write!(f, "the fleet ({what})"),
            Self::Peer { uid, pid: Some(pid) } => write!(f, "user {uid} (process {pid})"),
            Self::Peer { uid, pid: None } => write!(f, "user {uid}"),
            Self::Signer { name, what } => write!(f, "{name} ({what})"),
        }
    }
}
