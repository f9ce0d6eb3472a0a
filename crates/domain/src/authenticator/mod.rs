//! What a user has to prove themselves with: the types of devices, how a code gets to one, and how
//! often it may. Nothing here knows of a sign-on.

pub mod attempts;
pub mod mask;
pub mod sending;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::Channel;

/// A row of the counters: its version, and what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versioned<T> {
    pub version: i64,
    pub state: T,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum DeviceType {
    Sms,
    Email,
}

impl DeviceType {
    pub const ALL: [Self; 2] = [Self::Sms, Self::Email];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
        }
    }

    /// How a code reaches a device of this type.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Sms => Channel::Sms,
            Self::Email => Channel::Email,
        }
    }
}
