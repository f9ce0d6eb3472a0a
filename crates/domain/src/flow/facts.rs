//! What a step is judged by: looked up by the application in one consistent read. Whatever may
//! change at any moment carries the version it was read at (0: there was no row).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Subject, state::Proof};
use crate::{
    authenticator::{
        DeviceType, Versioned,
        attempts::{AccountLock, DeviceFailures, GUARD, Lockout, UserFailures},
        sending::{AddressHistory, DailyHistory, Floors, Senders},
    },
    ids::{DeviceId, MessageId, UserId},
    otp::CodeHash,
    secret::Secret,
    time::{Remembered, Timestamp},
};

#[derive(Debug)]
pub struct Facts<'a> {
    pub now: Timestamp,
    /// The user whom the flow, or the input, is about, or who has the name that was typed; none when
    /// there is no such user (any more).
    pub subject: Option<SubjectFacts>,
    /// Whether the application lets that user in (`accessControl`).
    pub is_permitted: bool,
    /// For `user.lookup`, and where a typed name is all that is known: [`super::stand_in::subject`],
    /// with its counters.
    pub stand_in: Option<SubjectFacts>,
    /// Read only when a notification policy has a quota for the environment.
    pub environment_sends: Versioned<DailyHistory>,
    /// Likewise, of the messages that typed names asked for.
    pub strangers_sends: Versioned<DailyHistory>,
    /// `mfaSettings.lockout`
    pub lockout: Option<Lockout>,
    pub floors: Floors,
    pub senders: Senders,
    pub new_code: &'a dyn NewCode,
}

/// A freshly drawn code, in case the step sends one.
pub trait NewCode: fmt::Debug + Sync {
    /// The message that would carry it.
    fn message(&self) -> MessageId;
    /// The keyed hash of the code of this length.
    fn hash(&self, length: u8) -> CodeHash;
}

#[derive(Debug, Clone)]
pub struct SubjectFacts {
    pub user: UserFacts,
    /// In the user's order.
    pub devices: Vec<DeviceFacts>,
}

impl SubjectFacts {
    /// Whether one of the counters is ahead of the clock.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        let user = &self.user;
        user.failures.state.is_ahead(now)
            || user.sends.state.is_ahead(now)
            || self.devices.iter().any(|device| {
                device.failures.state.is_ahead(now) || device.sends.state.is_ahead(now)
            })
    }

    /// Whose counters belong to these facts.
    pub fn counters(&self) -> Vec<Subject> {
        let of_device = |device: &DeviceFacts| {
            [
                Subject::DeviceFailures(device.counted_as),
                Subject::AddressSends(device.address_key.clone()),
            ]
        };
        let of_user = [
            Subject::UserFailures(self.user.counted_as),
            Subject::UserSends(self.user.counted_as),
        ];
        of_user
            .into_iter()
            .chain(self.devices.iter().flat_map(of_device))
            .collect()
    }
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct UserFacts {
    pub id: UserId,
    /// Whom its counters are kept for: itself, but of a stand-in an id of the name alone.
    pub counted_as: UserId,
    pub username: String,
    /// `name.given`, `name.family`
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub enabled: bool,
    /// `lifecycle.status` is `ACCOUNT_OK`.
    pub verified: bool,
    pub lock: Option<AccountLock>,
    pub mfa_enabled: bool,
    pub bypass_mfa_until: Option<Timestamp>,
    /// Whether any role is assigned to the user.
    pub holds_a_role: bool,
    /// The user as the platform shows it: looked at only where a condition of a policy asks.
    pub attributes: Value,
    pub failures: Versioned<UserFailures>,
    pub sends: Versioned<DailyHistory>,
}

impl UserFacts {
    /// Enabled, verified, below the guard, and not under this lock.
    pub(crate) fn is_usable(&self, lock: Option<AccountLock>, now: Timestamp) -> bool {
        let is_locked = lock.is_some_and(|lock| lock.until.is_none_or(|until| until > now));
        let is_guarded = self.failures.state.consecutive >= GUARD;
        self.enabled && self.verified && !is_guarded && !is_locked
    }
}

#[derive(Debug, Clone)]
pub struct DeviceFacts {
    pub id: DeviceId,
    /// As of the user.
    pub counted_as: DeviceId,
    pub kind: DeviceType,
    /// Not `ACTIVATION_REQUIRED`.
    pub is_active: bool,
    pub is_blocked: bool,
    /// `lock.expiresAt` of the device.
    pub locked_until: Option<Timestamp>,
    pub nickname: Option<String>,
    /// A phone number in E.164 form, or an e-mail address; empty for devices that have neither.
    pub address: Secret<String>,
    /// A keyed hash of the address: what its history is found by.
    pub address_key: String,
    pub failures: Versioned<DeviceFailures>,
    /// What was sent to the address.
    pub sends: Versioned<AddressHistory>,
}

/// What the session's user has proved in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    pub user: UserId,
    /// The last of each method.
    pub proofs: Vec<Proof>,
}

impl Remembered for SessionFacts {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.proofs.iter().any(|proof| proof.at.is_yet_to_come(now))
    }
    fn believed_at(mut self, now: Timestamp) -> Self {
        for proof in &mut self.proofs {
            proof.at = proof.at.believed_at(now);
        }
        self
    }
}

impl SessionFacts {
    pub(crate) fn last_proof(&self) -> Option<Timestamp> {
        Proof::last(&self.proofs, |_| true)
    }
}
