//! What a request may do: the rights of the connection that it came by, held against what its route asks for.

use crate::api::peer::Peer;

/// What a route asks for, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// Nothing: liveness, readiness, metrics.
    Open,
    /// To see: disks, runs, events, the configuration without secrets.
    Read,
    /// To act: run, stop, pause, start a backup, assign and eject disks, ask for a wipe.
    Operate,
    /// To decide that a disk is wiped.
    Decide,
}

/// What a connection may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) peer: Peer,
    most: Access,
}

/// Which of the two sockets a connection came by. Who may connect to each is the file's mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// `agentapi.sock`: reads and operates. These users may decide, besides root and the controller's own.
    Main {
        /// Their user ids.
        approvers: Vec<u32>,
    },
    /// `agentapi-ro.sock`: reads.
    ReadOnly,
}

impl Rights {
    /// The rights of whoever came by this socket. `own` is the user that the controller runs as.
    pub(crate) fn of(door: &Door, peer: Peer, own: u32) -> Self {
        let most = match door {
            Door::ReadOnly => Access::Read,
            Door::Main { approvers } if peer.uid == 0 || peer.uid == own || approvers.contains(&peer.uid) => {
                Access::Decide
            }
            Door::Main { .. } => Access::Operate,
        };
        Self { peer, most }
    }

    /// The rights of whoever connects to loopback.
    pub(crate) fn of_anybody() -> Self {
        Self { peer: Peer::UNKNOWN, most: Access::Open }
    }

    /// Whether they suffice for a route.
    pub(crate) fn allow(&self, needed: Access) -> bool {
        self.most >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Door, Peer, Rights};

    #[test]
    fn the_read_only_socket_reads_and_only_approvers_decide() {
        let main = Door::Main { approvers: vec![1000] };
        for (door, uid, most) in [
            (&Door::ReadOnly, 0, Access::Read),
            (&Door::ReadOnly, 1000, Access::Read),
            (&main, 0, Access::Decide),
            (&main, 7, Access::Decide),
            (&main, 1000, Access::Decide),
            (&main, 1001, Access::Operate),
        ] {
            let rights = Rights::of(door, Peer { uid, pid: None }, 7);
            for needed in [Access::Open, Access::Read, Access::Operate, Access::Decide] {
                assert_eq!(rights.allow(needed), needed <= most, "{door:?} {uid} {needed:?}");
            }
        }
    }
}
