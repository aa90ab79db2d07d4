//! The controller of one guest: runs backups and extensions on schedules, day and night, keeps their history, and answers
//! people and programs over local sockets.
//!
//! What a module uses stands above it in this table. Only [`run::host`], which runs by the host library, uses what stands
//! below [`run`]:
//!
//! | module | holds |
//! | --- | --- |
//! | [`clock`] | the wall clock, the monotonic clock, and sleeping by them |
//! | [`schedule`] | when something is due |
//! | [`run`], [`event`], [`finding`] | one execution; one line of what happened; a condition that holds |
//! | [`sample`] | numbers over time, for plots |
//! | [`config`] | the file, checked whole, and what a reload may change |
//! | [`store`], [`retention`] | the history, in SQLite; how much of it is kept |
//! | [`plan`], [`action`], [`actor`] | what runs and when; what is asked, and by whom |
//! | [`gate`] | lets a run wait for somebody outside of this guest |
//! | [`owner`] | the one task that activates runs and gives out permits |
//! | [`counters`], [`calls`] | what is counted as it happens; whom the agent has shown to be |
//! | [`link`], [`standing`] | how it is with a fleet's bus, which somebody else talks to; what that means for backups |
//! | [`board`] | what a fleet's coordinator has seen of all guests |
//! | [`messages`] | what extensions have to say to the operator |
//! | [`watcher`], [`metrics`] | the task that knows which conditions hold; what Prometheus reads |
//! | [`sampler`] | the task that measures once a minute |
//! | [`notify`] | who is told of what holds, and how |
//! | [`traces`] | what a run does, as a trace, and who takes it |
//! | [`api`], [`console`] | the local sockets; pages for people |
//! | [`build`], [`controller`] | from a configuration to what runs; the order of start and end |

pub mod action;
pub mod actor;
pub mod api;
pub mod approval;
pub mod board;
pub mod build;
pub mod calls;
pub mod clock;
pub mod config;
pub mod console;
pub mod controller;
pub mod counters;
pub mod event;
pub mod finding;
pub mod gate;
pub mod link;
pub mod messages;
pub mod metrics;
pub mod notify;
pub mod owner;
pub mod plan;
mod reload;
pub mod retention;
pub mod run;
pub mod sample;
pub mod sampler;
pub mod schedule;
pub mod standing;
pub mod store;
pub mod traces;
pub mod watcher;
