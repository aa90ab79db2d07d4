//! Many guests on one bus.
//!
//! A guest's controller tells the bus that it lives, what there is to know of it, and what happens; and looks there for what
//! it is wished to do. **The bus can be lost**: guests keep their own truth, and the bus carries copies, wishes and votes.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`bus`] | what a bus can do, and one in memory |
//! | [`nats`] | the bus on NATS JetStream: TLS with a pin, users, objects |
//! | [`heartbeat`], [`inventory`] | what a guest tells |
//! | [`signed`], [`order`], [`vote`] | what people sign for a guest, and how it is verified |
//! | [`want`] | what guests are wished |
//! | [`slots`] | how many back up at once |
//! | [`bundle`] | the bytes of an extension, with their signature |
//! | [`guest`] | what runs beside a guest's controller |
//! | [`rollout`], [`coordinator`] | how an extension goes through the rings; which of several coordinators plans that |
//! | [`overview`] | what is seen of all guests |

pub mod bundle;
pub mod bus;
pub mod coordinator;
pub mod guest;
pub mod heartbeat;
pub mod inventory;
pub mod name;
pub mod nats;
pub mod order;
pub mod overview;
pub mod rollout;
pub mod signed;
pub mod slots;
pub mod vote;
pub mod want;
