//! The link to a fleet's bus, as far as a controller knows of it: whether there is one, and whether it answers. Nothing here
//! waits for it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How it is with the bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Link {
    /// This controller is in no fleet.
    #[default]
    Unused,
    /// The bus answers.
    Connected {
        /// Since when.
        since: Timestamp,
    },
    /// The bus does not answer. What is planned here goes on.
    Lost {
        /// Since when.
        since: Timestamp,
        /// What is known of the cause.
        why: String,
    },
}
