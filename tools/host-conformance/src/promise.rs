//! What a host promises, and the scenes by which that is seen.

mod bodies;
mod causes;
mod egress;
mod never_half;
mod never_twice;
mod pin;
mod reuse;
mod secrets;
mod size;
mod time;

use crate::scene::Scene;

/// One of the nine promises of a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Promise {
    /// A connection is used only where the leaf is pinned and its key was proven.
    Pin,
    /// Nothing is reused across pins, and no connection on which something came unasked.
    Reuse,
    /// Only https, only the one authority, no redirect, no proxy.
    Egress,
    /// The token appears nowhere but in the request.
    Secrets,
    /// One deadline for the whole call.
    Time,
    /// A mebibyte of body at most, and bounded headers.
    Size,
    /// A POST arrives once at most.
    NeverTwice,
    /// A body that ends early is no answer.
    NeverHalf,
    /// Who reads the error knows what happened.
    Causes,
}

impl Promise {
    /// All, in their order.
    pub const ALL: [Self; 9] = [
        Self::Pin,
        Self::Reuse,
        Self::Egress,
        Self::Secrets,
        Self::Time,
        Self::Size,
        Self::NeverTwice,
        Self::NeverHalf,
        Self::Causes,
    ];

    /// What it says, in a line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pin => "1  Pin: the leaf and its key, before a byte is sent",
            Self::Reuse => "2  Nothing reused across pins, nothing unasked taken",
            Self::Egress => "3  One authority: no redirect, no proxy",
            Self::Secrets => "4  The token is told to nobody",
            Self::Time => "5  One deadline for the whole call",
            Self::Size => "6  A mebibyte at most",
            Self::NeverTwice => "7  A POST is never sent twice",
            Self::NeverHalf => "8  Half an answer is none",
            Self::Causes => "9  The error says what happened",
        }
    }

    /// What is played for it.
    pub fn scenes(self) -> Vec<Scene> {
        match self {
            Self::Pin => pin::scenes(),
            Self::Reuse => reuse::scenes(),
            Self::Egress => egress::scenes(),
            Self::Secrets => secrets::scenes(),
            Self::Time => time::scenes(),
            Self::Size => size::scenes(),
            Self::NeverTwice => never_twice::scenes(),
            Self::NeverHalf => never_half::scenes(),
            Self::Causes => causes::scenes(),
        }
    }
}
