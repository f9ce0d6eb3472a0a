//! Changes of a user that have an operation of their own. Each returns the changed user.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Lock, Population, SignOn, User, VerifyStatus};
use crate::{
    id::{Id, Ref},
    resource::Stored,
    resources::device::Device,
    time::Timestamp,
};

/// PUT `/enabled`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct EnabledDraft {
    pub enabled: bool,
}

/// PUT `/population`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct MoveDraft {
    pub id: Id<Population>,
}

/// PUT `/mfaEnabled`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MfaEnabledDraft {
    pub mfa_enabled: bool,
}

/// PUT `/bypassMFA`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct BypassMfaDraft {
    #[serde(rename = "bypassMFAEnabledUntil")]
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"))]
    pub until: Timestamp,
}

/// PUT `/verifyStatus`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyStatusDraft {
    pub verify_status: VerifyStatus,
}

/// `account.lock+json`; the body may be empty.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LockDraft {
    pub unlock_at: Option<Timestamp>,
}

impl User {
    #[must_use]
    pub fn enable(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }

    #[must_use]
    pub fn move_to(self, population: Id<Population>) -> Self {
        Self {
            population: Ref { id: population },
            ..self
        }
    }

    /// Turning MFA off keeps the devices.
    #[must_use]
    pub fn enable_mfa(self, mfa_enabled: bool) -> Self {
        Self {
            mfa_enabled,
            ..self
        }
    }

    #[must_use]
    pub fn set_verify_status(self, verify_status: VerifyStatus) -> Self {
        Self {
            verify_status,
            ..self
        }
    }

    /// A time in the past ends the bypass.
    #[must_use]
    pub fn bypass_mfa(mut self, until: Timestamp, now: Timestamp) -> Self {
        self.credentials.mfa_bypass_until = (until > now).then_some(until);
        self
    }

    /// Locks by an administrator's wish. An end in the past locks nothing.
    #[must_use]
    pub fn lock_account(mut self, unlock_at: Option<Timestamp>, now: Timestamp) -> Self {
        let lock = Lock {
            at: now,
            until: unlock_at,
        };
        if lock.holds(now) {
            self.credentials.locks.administrator = Some(lock);
        }
        self
    }

    /// Ends every lock, whatever its reason; the caller resets the counters of failures.
    #[must_use]
    pub fn unlock_account(mut self) -> Self {
        self.credentials.locks = super::Locks::default();
        self
    }

    /// Locks because of too many wrong second factors.
    #[must_use]
    pub fn lock_after_mfa_failures(mut self, until: Option<Timestamp>, now: Timestamp) -> Self {
        self.credentials.locks.mfa = Some(Lock { at: now, until });
        self
    }

    #[must_use]
    pub fn signed_on(self, at: Timestamp, remote_ip: Option<String>) -> Self {
        Self {
            last_sign_on: Some(SignOn { at, remote_ip }),
            ..self
        }
    }

    #[must_use]
    pub fn with_device_order(mut self, order: Option<Vec<Id<Device>>>) -> Self {
        self.credentials.device_order = order;
        self
    }

    pub fn enabled_view(&self) -> Map<String, Value> {
        members(json!({ "enabled": self.enabled }))
    }

    pub fn population_view(&self) -> Map<String, Value> {
        members(json!({ "id": self.population.id }))
    }

    pub fn verify_status_view(&self) -> Map<String, Value> {
        members(json!({ "verifyStatus": self.verify_status }))
    }

    pub fn mfa_enabled_view(stored: &Stored<Self>) -> Map<String, Value> {
        members(json!({ "id": stored.id, "mfaEnabled": stored.body.mfa_enabled }))
    }

    /// Empty when there is no bypass.
    pub fn bypass_mfa_view(&self, now: Timestamp) -> Map<String, Value> {
        match self
            .credentials
            .mfa_bypass_until
            .filter(|&until| until > now)
        {
            Some(until) => members(json!({ "bypassMFAEnabledUntil": until, "canBypassMFA": true })),
            None => Map::new(),
        }
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
