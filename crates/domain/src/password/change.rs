//! Setting, unsetting and unlocking a password by an administrator.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{NewValue, PastPassword, StoredPassword, remembered};
use crate::{
    resource::Refusal,
    resources::{password_policy::PasswordPolicy, user::User},
    secret::Secret,
    time::Timestamp,
    violation::{Violation, ViolationCode},
};

/// `password.set+json`: cleartext or encoded.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetDraft {
    #[schemars(with = "String", length(min = 1, max = 4096))]
    pub value: Secret<String>,
    #[serde(default)]
    pub force_change: bool,
    #[serde(default)]
    pub bypass_policy: bool,
    pub external: Option<Value>,
}

/// `password.setValue+json`: without a value, the password is unset.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetValueDraft {
    #[schemars(with = "Option<String>", length(min = 1, max = 4096))]
    pub value: Option<Secret<String>>,
    #[serde(default)]
    pub force_change: bool,
    #[serde(default)]
    pub bypass_policy: bool,
}

/// `password.reset+json` as an administrator sends it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetDraft {
    #[schemars(with = "String", length(min = 1, max = 4096))]
    pub new_password: Secret<String>,
    #[serde(default)]
    pub force_change: bool,
    #[serde(default)]
    pub bypass_policy: bool,
    #[schemars(with = "Option<String>")]
    pub current_password: Option<Secret<String>>,
}

/// What the three bodies ask for alike.
#[derive(Debug, Clone)]
pub struct WantedPassword {
    pub value: NewValue,
    pub force_change: bool,
    pub bypass_policy: bool,
    /// The member to blame.
    pub target: &'static str,
}

impl SetDraft {
    pub fn wanted(self) -> Result<WantedPassword, Vec<Violation>> {
        let mut faults = Vec::new();
        if self.external.is_some() {
            faults.push(Violation::invalid(
                "external",
                "passwords of other directories are not supported",
            ));
        }
        match NewValue::parse(&self.value, "value") {
            Ok(value) if faults.is_empty() => Ok(WantedPassword {
                value,
                force_change: self.force_change,
                bypass_policy: self.bypass_policy,
                target: "value",
            }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.push(fault);
                Err(faults)
            }
        }
    }
}

impl SetValueDraft {
    /// `None`: unset it.
    pub fn wanted(self) -> Result<Option<WantedPassword>, Violation> {
        let Some(value) = self.value else {
            return Ok(None);
        };
        Ok(Some(WantedPassword {
            value: NewValue::parse(&value, "value")?,
            force_change: self.force_change,
            bypass_policy: self.bypass_policy,
            target: "value",
        }))
    }
}

impl ResetDraft {
    /// The value of a reset is always cleartext.
    pub fn wanted(self) -> Result<WantedPassword, Violation> {
        if self.current_password.is_some() {
            return Err(Violation::invalid(
                "currentPassword",
                "must be absent: a user's own change of password is not supported",
            ));
        }
        Ok(WantedPassword {
            value: NewValue::Cleartext(self.new_password),
            force_change: self.force_change,
            bypass_policy: self.bypass_policy,
            target: "newPassword",
        })
    }
}

impl User {
    /// Takes a new password into use. It ends the lock of the old one.
    #[must_use]
    pub fn with_password(
        mut self,
        hash: Secret<String>,
        must_change: bool,
        policy: &PasswordPolicy,
        now: Timestamp,
    ) -> Self {
        let new = StoredPassword {
            hash,
            changed_at: now,
            must_change,
        };
        let old = self.credentials.password.replace(new);
        self.retired(old, policy, now)
    }

    /// The history stays, so that unsetting does not let an old one back in.
    #[must_use]
    pub fn without_password(mut self, policy: &PasswordPolicy, now: Timestamp) -> Self {
        let old = self.credentials.password.take();
        self.retired(old, policy, now)
    }

    fn retired(
        mut self,
        old: Option<StoredPassword>,
        policy: &PasswordPolicy,
        now: Timestamp,
    ) -> Self {
        let past = &mut self.credentials.past_passwords;
        if let Some(old) = old {
            let old = PastPassword {
                hash: old.hash,
                replaced_at: now,
            };
            past.insert(0, old);
        }
        *past = remembered(past, policy, now).cloned().collect();
        self.credentials.locks.password = None;
        self
    }

    /// Ends the lock that wrong passwords caused; the caller resets their count.
    #[must_use]
    pub fn unlock_password(mut self) -> Self {
        self.credentials.locks.password = None;
        self
    }

    /// Demands another password at the next sign-on, and ends the lock that wrong ones caused.
    pub fn force_password_change(mut self) -> Result<Self, Refusal> {
        let Some(password) = &mut self.credentials.password else {
            return Err(Refusal::Failed(Violation::new(
                ViolationCode::NoPassword,
                "password",
                "The user has no password",
            )));
        };
        password.must_change = true;
        Ok(self.unlock_password())
    }
}
