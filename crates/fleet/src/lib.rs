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
//! | [`guest`] | what runs beside a guest's controller |
//! | [`overview`] | what is seen of all guests |

pub mod bus;
pub mod guest;
pub mod heartbeat;
pub mod inventory;
pub mod name;
pub mod nats;
pub mod order;
pub mod overview;
pub mod signed;
pub mod vote;
