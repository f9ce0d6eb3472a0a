//! The code that proves a new device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serde_with::skip_serializing_none;

use super::{Device, DeviceStatus};
use crate::{
    resource::Refusal,
    resources::device_authentication_policy::SentOtp,
    secret::Secret,
    time::Timestamp,
    violation::{Violation, ViolationCode},
};

/// `device.activate+json`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ActivateDraft {
    #[schemars(with = "String", length(min = 1, max = 64))]
    pub otp: Secret<String>,
}

/// What is known of the code that was sent last.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pairing {
    /// A keyed hash. Absent when too many wrong codes have voided it.
    pub code_hash: Option<Secret<String>>,
    pub expires_at: Timestamp,
    /// Wrong codes so far.
    pub failures: u8,
    /// No code is judged and none is sent before.
    pub cool_down_until: Option<Timestamp>,
    /// When the cool-down began.
    #[serde(default)]
    pub cool_down_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingOutcome {
    Activated,
    WrongCode {
        attempts_remaining: u8,
    },
    /// The code is right or wrong, but too old, or void.
    Expired,
    /// The last attempt was wrong, or came after it.
    Exhausted {
        cool_down_expires_at: Option<Timestamp>,
    },
    AlreadyActive,
}

impl PairingOutcome {
    pub fn refusal(&self) -> Option<Refusal> {
        let invalid = |message: &str, inner: Value| {
            Some(Refusal::Invalid(
                Violation::new(ViolationCode::InvalidOtp, "otp", message).with(inner),
            ))
        };
        match self {
            Self::Activated => None,
            Self::WrongCode { attempts_remaining } => invalid(
                "The code is wrong",
                json!({ "attemptsRemaining": attempts_remaining }),
            ),
            Self::Expired => invalid("The code has expired", Value::Null),
            Self::Exhausted {
                cool_down_expires_at,
            } => Some(exhausted(*cool_down_expires_at)),
            Self::AlreadyActive => Some(already_active()),
        }
    }
}

fn exhausted(cool_down_expires_at: Option<Timestamp>) -> Refusal {
    let mut inner = json!({ "attemptsRemaining": 0 });
    if let (Some(end), Value::Object(inner)) = (cool_down_expires_at, &mut inner) {
        inner.insert("coolDownExpiresAt".to_owned(), json!(end));
    }
    let message = "There were too many wrong codes";
    Refusal::Failed(Violation::new(ViolationCode::LimitExceeded, "otp", message).with(inner))
}

fn already_active() -> Refusal {
    Refusal::Failed(Violation::invalid("status", "The device is active already"))
}

impl Device {
    /// Whether a pairing code may be sent now. Asked before one is made.
    pub fn may_be_sent_code(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.status == DeviceStatus::Active {
            return Err(already_active());
        }
        match self.cooling_down(now) {
            Some(end) => Err(exhausted(Some(end))),
            None => Ok(()),
        }
    }

    /// Replaces the code that was sent before.
    #[must_use]
    pub fn expecting_code(
        mut self,
        code_hash: Secret<String>,
        rules: &SentOtp,
        now: Timestamp,
    ) -> Self {
        *self.pairing = Some(Pairing {
            code_hash: Some(code_hash),
            expires_at: now + rules.life_time.as_duration(),
            failures: 0,
            cool_down_until: None,
            cool_down_at: None,
        });
        self
    }

    /// Judges a pairing code; `matches` compares it with the hash that is kept.
    pub fn activate(
        mut self,
        matches: impl FnOnce(&Secret<String>) -> bool,
        rules: &SentOtp,
        now: Timestamp,
    ) -> (Self, PairingOutcome) {
        if self.status == DeviceStatus::Active {
            return (self, PairingOutcome::AlreadyActive);
        }
        if let Some(end) = self.cooling_down(now) {
            return (
                self,
                PairingOutcome::Exhausted {
                    cool_down_expires_at: Some(end),
                },
            );
        }
        let Some(pairing) = &mut *self.pairing else {
            return (self, PairingOutcome::Expired);
        };
        let Some(code_hash) = pairing
            .code_hash
            .as_ref()
            .filter(|_| pairing.expires_at > now)
        else {
            return (self, PairingOutcome::Expired);
        };
        if matches(code_hash) {
            self.status = DeviceStatus::Active;
            *self.activated_at = Some(now);
            *self.pairing = None;
            return (self, PairingOutcome::Activated);
        }
        pairing.failures = pairing.failures.saturating_add(1);
        let attempts_remaining = rules.failure.count.saturating_sub(pairing.failures);
        if attempts_remaining > 0 {
            return (self, PairingOutcome::WrongCode { attempts_remaining });
        }
        pairing.code_hash = None;
        let cool_down = rules.failure.cool_down();
        pairing.cool_down_until = (!cool_down.is_zero()).then(|| now + cool_down);
        pairing.cool_down_at = pairing.cool_down_until.map(|_| now);
        let cool_down_expires_at = pairing.cool_down_until;
        (
            self,
            PairingOutcome::Exhausted {
                cool_down_expires_at,
            },
        )
    }

    fn cooling_down(&self, now: Timestamp) -> Option<Timestamp> {
        let pairing = self.pairing.as_ref()?;
        // One that is yet to begin was set by a clock that ran ahead, and would not grow old.
        let has_begun = pairing
            .cool_down_at
            .is_none_or(|began| !began.is_yet_to_come(now));
        pairing
            .cool_down_until
            .filter(|&end| has_begun && end > now)
    }
}
