//! Wrong passwords: how many there were, and when they lock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_with::skip_serializing_none;

use super::PasswordStatus;
use crate::{
    resource::Refusal,
    resources::{
        password_policy::PasswordPolicy,
        user::{Lock, User},
    },
    secret::Secret,
    time::{Duration, Remembered, Timestamp},
    violation::{Violation, ViolationCode},
};

/// `password.check+json`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CheckDraft {
    #[schemars(with = "String", length(min = 1, max = 4096))]
    pub password: Secret<String>,
}

/// Consecutive wrong passwords of one user.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordFailures {
    pub count: u32,
    /// A keyed hash of the last wrong value, so that a repetition is not counted again.
    pub last: Option<String>,
}

impl PasswordFailures {
    /// How many more wrong ones are borne; `None` when there is no limit.
    pub fn remaining(&self, policy: &PasswordPolicy) -> Option<u32> {
        let most = policy.lockout?.failure_count?;
        Some(most.saturating_sub(self.count))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    Right,
    Wrong {
        failures_remaining: Option<u32>,
    },
    /// There is none to compare with.
    NoPassword,
    /// It was locked before; nothing was judged.
    LockedOut {
        seconds_until_unlock: Option<i64>,
    },
}

impl CheckOutcome {
    /// What a check that failed answers. `target` is the member with the password.
    pub fn refusal(&self, target: &str) -> Option<Refusal> {
        match self {
            Self::Right => None,
            Self::Wrong { failures_remaining } => {
                let message = "The provided password did not match provisioned password";
                let mut violation = Violation::invalid(target, message);
                if let Some(remaining) = failures_remaining {
                    violation = violation.with(json!({ "failuresRemaining": remaining }));
                }
                Some(Refusal::Invalid(violation))
            }
            Self::NoPassword => Some(Refusal::Failed(Violation::new(
                ViolationCode::NoPassword,
                target,
                "The user has no password",
            ))),
            Self::LockedOut {
                seconds_until_unlock,
            } => {
                let mut violation = Violation::new(
                    ViolationCode::PasswordLockedOut,
                    target,
                    "The password is locked because of too many failures",
                );
                if let Some(seconds) = seconds_until_unlock {
                    violation = violation.with(json!({ "secondsUntilUnlock": seconds }));
                }
                Some(Refusal::Failed(violation))
            }
        }
    }
}

/// Judges one attempt. `matched` is the verdict of the comparison, `fingerprint` a keyed hash of the
/// value that was tried. Reaching the limit locks the account with it, and starts the count anew.
pub fn judge(
    mut user: User,
    mut failures: PasswordFailures,
    policy: &PasswordPolicy,
    matched: bool,
    fingerprint: String,
    now: Timestamp,
) -> (User, PasswordFailures, CheckOutcome) {
    match PasswordStatus::of(&user.credentials, policy, now) {
        PasswordStatus::PasswordLockedOut => {
            let until = user.credentials.locks.believed_at(now).password;
            let until = until.and_then(|lock| lock.until);
            let seconds_until_unlock = until.map(|until| until.since(now).as_seconds_ceil());
            return (
                user,
                failures,
                CheckOutcome::LockedOut {
                    seconds_until_unlock,
                },
            );
        }
        PasswordStatus::NoPassword => return (user, failures, CheckOutcome::NoPassword),
        PasswordStatus::Ok
        | PasswordStatus::MustChangePassword
        | PasswordStatus::PasswordExpired => {}
    }
    if matched {
        return (user, PasswordFailures::default(), CheckOutcome::Right);
    }
    if failures.last.as_deref() != Some(fingerprint.as_str()) {
        failures = PasswordFailures {
            count: failures.count.saturating_add(1),
            last: Some(fingerprint),
        };
    }
    let failures_remaining = failures.remaining(policy);
    if failures_remaining == Some(0) {
        let duration = policy.lockout.and_then(|rule| rule.duration_seconds);
        let until = duration.map(|seconds| now + Duration::from_seconds(seconds.into()));
        user.credentials.locks.password = Some(Lock { at: now, until });
        failures = PasswordFailures::default();
    }
    (user, failures, CheckOutcome::Wrong { failures_remaining })
}
