//! What can be done to a flow. Inputs are verdicts: no password and no code comes this far.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, MessageId},
    time::Timestamp,
};

/// The actions of the flows API that this engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    SessionReset,
    UserLookup,
    UsernamePasswordCheck,
    DeviceSelect,
    OtpCheck,
}

/// What the name in a media type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedAction {
    Known(Action),
    /// Part of the published API, and offered in no status.
    NeverOffered,
    Unknown,
}

impl Action {
    pub const ALL: [Self; 5] = [
        Self::SessionReset,
        Self::UserLookup,
        Self::UsernamePasswordCheck,
        Self::DeviceSelect,
        Self::OtpCheck,
    ];

    /// The core of the media type, and the key in `_links`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionReset => "session.reset",
            Self::UserLookup => "user.lookup",
            Self::UsernamePasswordCheck => "usernamePassword.check",
            Self::DeviceSelect => "device.select",
            Self::OtpCheck => "otp.check",
        }
    }

    /// Reads a name, whatever its case.
    pub fn named(name: &str) -> NamedAction {
        if let Some(action) = Self::ALL
            .into_iter()
            .find(|action| action.name().eq_ignore_ascii_case(name))
        {
            return NamedAction::Known(action);
        }
        if NEVER_OFFERED
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))
        {
            return NamedAction::NeverOffered;
        }
        NamedAction::Unknown
    }
}

/// Names of the published API that no status offers.
pub const NEVER_OFFERED: [&str; 14] = [
    "password.forgot",
    "password.sendRecoveryCode",
    "password.recover",
    "password.reset",
    "user.register",
    "user.verify",
    "user.sendVerificationCode",
    "assertion.check",
    "cancel.push.authentication",
    "user.update",
    "user.confirm",
    "user.consent",
    "deviceAuthGrant.userCode.verify",
    "deviceAuthGrant.consent",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Input {
    SessionReset,
    /// The user of this name is in the facts, when there is one.
    UserLookedUp {
        username: String,
    },
    /// The user that the name (or, without one, the flow) means is in the facts, when there is one.
    PasswordChecked {
        username: Option<String>,
        verdict: PasswordVerdict,
    },
    DeviceSelected {
        device: DeviceId,
    },
    OtpChecked {
        verdict: Verdict,
    },
    /// The worker found out that a message cannot be delivered.
    DeliveryFailed {
        message: MessageId,
    },
}

impl Input {
    /// The action that this is an answer to; none when it does not come from a client.
    pub const fn action(&self) -> Option<Action> {
        match self {
            Self::SessionReset => Some(Action::SessionReset),
            Self::UserLookedUp { .. } => Some(Action::UserLookup),
            Self::PasswordChecked { .. } => Some(Action::UsernamePasswordCheck),
            Self::DeviceSelected { .. } => Some(Action::DeviceSelect),
            Self::OtpChecked { .. } => Some(Action::OtpCheck),
            Self::DeliveryFailed { .. } => None,
        }
    }
}

/// Whether the submitted code's hash is the outstanding one, whatever its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    Matched,
    Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PasswordVerdict {
    Matched,
    /// Right, but expired or to be changed first.
    ChangeRequired,
    /// Also for a name that nobody has.
    Wrong,
    /// Not compared: too many failures. Without a time, an administrator has to unlock it.
    LockedOut {
        until: Option<Timestamp>,
    },
    NoPassword,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_their_case() {
        for action in Action::ALL {
            assert_eq!(
                Action::named(&action.name().to_uppercase()),
                NamedAction::Known(action)
            );
        }
        assert_eq!(Action::named("Assertion.Check"), NamedAction::NeverOffered);
        // Pairing is not done in a flow.
        for other in ["otp.resend", "device.activate", "device.register"] {
            assert_eq!(Action::named(other), NamedAction::Unknown);
        }
    }
}
