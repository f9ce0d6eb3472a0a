//! Whether a user can sign on: locks of the account, and what is known of its credentials.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{LifecycleStatus, User};
use crate::{
    id::Id,
    password::{PastPassword, StoredPassword},
    resources::device::Device,
    time::{Remembered, Timestamp},
};

/// Facts of a user that no answer shows.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    pub password: Option<StoredPassword>,
    /// The newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past_passwords: Vec<PastPassword>,
    #[serde(default)]
    pub locks: Locks,
    pub mfa_bypass_until: Option<Timestamp>,
    /// The ACTIVE devices, the default one first. `None`: the order was dropped, and the user
    /// chooses each time.
    pub device_order: Option<Vec<Id<Device>>>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            password: None,
            past_passwords: Vec::new(),
            locks: Locks::default(),
            mfa_bypass_until: None,
            device_order: Some(Vec::new()),
        }
    }
}

/// What keeps the account locked. Each reason comes and goes by itself.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Locks {
    pub administrator: Option<Lock>,
    /// Too many wrong passwords.
    pub password: Option<Lock>,
    /// Too many wrong second factors.
    pub mfa: Option<Lock>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub at: Timestamp,
    /// `None`: until somebody unlocks.
    pub until: Option<Timestamp>,
}

impl Lock {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.believed_at(now).until.is_none_or(|until| until > now)
    }
}

impl Remembered for Lock {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.at.is_yet_to_come(now)
    }
    fn believed_at(self, now: Timestamp) -> Self {
        Self {
            at: self.at.believed_at(now),
            until: self.until.map(|end| end.ending_as_of(self.at, now)),
        }
    }
}

impl Remembered for Locks {
    fn is_ahead(&self, now: Timestamp) -> bool {
        [self.administrator, self.password, self.mfa]
            .into_iter()
            .flatten()
            .any(|lock| lock.is_ahead(now))
    }
    fn believed_at(self, now: Timestamp) -> Self {
        // When an administrator ends a lock has nothing to do with when it began.
        let administrator = self.administrator.map(|lock| Lock {
            at: lock.at.believed_at(now),
            ..lock
        });
        Self {
            administrator,
            password: self.password.map(|lock| lock.believed_at(now)),
            mfa: self.mfa.map(|lock| lock.believed_at(now)),
        }
    }
}

impl Locks {
    pub fn hold(&self, now: Timestamp) -> bool {
        self.holding(now).next().is_some()
    }

    fn holding(&self, now: Timestamp) -> impl Iterator<Item = Lock> {
        let Self {
            administrator,
            password,
            mfa,
        } = self.believed_at(now);
        [administrator, password, mfa]
            .into_iter()
            .flatten()
            .filter(move |lock| lock.holds(now))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum AccountStatus {
    Ok,
    Locked,
}

/// The account, as answers show it.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Account {
    pub can_authenticate: bool,
    pub status: AccountStatus,
    pub locked_at: Option<Timestamp>,
    pub unlock_at: Option<Timestamp>,
    pub seconds_until_unlock: Option<i64>,
}

impl Remembered for User {
    fn is_ahead(&self, now: Timestamp) -> bool {
        let password = self.credentials.password.as_ref();
        self.credentials.locks.is_ahead(now)
            || password.is_some_and(|password| password.changed_at.is_yet_to_come(now))
            || self
                .last_sign_on
                .as_ref()
                .is_some_and(|it| it.at.is_yet_to_come(now))
    }
    fn believed_at(mut self, now: Timestamp) -> Self {
        self.credentials.locks = self.credentials.locks.believed_at(now);
        if let Some(password) = &mut self.credentials.password {
            password.changed_at = password.changed_at.believed_at(now);
        }
        if let Some(last) = &mut self.last_sign_on {
            last.at = last.at.believed_at(now);
        }
        self
    }
}

impl User {
    pub fn account(&self, now: Timestamp) -> Account {
        let locks = &self.credentials.locks;
        let locked = locks.hold(now);
        // The last lock to end decides; one without an end never does.
        let unlock_at = locks
            .holding(now)
            .map(|lock| lock.until)
            .collect::<Option<Vec<_>>>();
        let unlock_at = unlock_at.and_then(|ends| ends.into_iter().max());
        let explicit = Locks {
            password: None,
            ..*locks
        };
        Account {
            can_authenticate: self.enabled && !locked,
            status: if locked {
                AccountStatus::Locked
            } else {
                AccountStatus::Ok
            },
            locked_at: explicit.holding(now).map(|lock| lock.at).min(),
            unlock_at,
            seconds_until_unlock: unlock_at.map(|end| end.since(now).as_seconds_ceil()),
        }
    }

    /// Enabled, not locked, and past the verification that a new account may need.
    pub fn may_sign_on(&self, now: Timestamp) -> bool {
        self.account(now).can_authenticate && self.lifecycle.status == LifecycleStatus::AccountOk
    }
}
