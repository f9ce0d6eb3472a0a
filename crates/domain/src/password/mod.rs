//! Passwords: what a policy demands of a new one, how failures lock it, and in which state it is.
//! Hashes are made and compared outside; verdicts come in.

use serde::{Deserialize, Serialize};

use crate::{resources::password_policy::PasswordPolicy, secret::Secret, time::Timestamp};

mod change;
mod encoded;
mod lockout;
mod requirements;
mod state;

pub use change::{ResetDraft, SetDraft, SetValueDraft, WantedPassword};
pub use encoded::NewValue;
pub use lockout::{CheckDraft, CheckOutcome, PasswordFailures, judge};
pub use requirements::{Candidate, Requirement, Unsatisfied, unsatisfied, violation};
pub use state::{PasswordStatus, state_links, state_view};

/// A password as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPassword {
    /// In PHC string form.
    pub hash: Secret<String>,
    pub changed_at: Timestamp,
    /// The user must choose another at the next sign-on.
    pub must_change: bool,
}

/// One that was replaced, kept so that it is not used again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastPassword {
    pub hash: Secret<String>,
    pub replaced_at: Timestamp,
}

impl PartialEq for StoredPassword {
    fn eq(&self, other: &Self) -> bool {
        self.hash.matches(other.hash.expose().as_bytes())
            && (self.changed_at, self.must_change) == (other.changed_at, other.must_change)
    }
}

impl PartialEq for PastPassword {
    fn eq(&self, other: &Self) -> bool {
        self.hash.matches(other.hash.expose().as_bytes()) && self.replaced_at == other.replaced_at
    }
}

/// Which of the earlier passwords a new one may not repeat.
pub fn remembered<'p>(
    past: &'p [PastPassword],
    policy: &PasswordPolicy,
    now: Timestamp,
) -> impl Iterator<Item = &'p PastPassword> {
    let (count, days) = policy
        .history
        .map_or((Some(0), None), |rule| (rule.count, rule.retention_days));
    let count = count.map_or(usize::MAX, |count| {
        usize::try_from(count).unwrap_or(usize::MAX)
    });
    let oldest = days.map(|days| now - crate::time::Duration::from_days(days.into()));
    past.iter()
        .take(count)
        .filter(move |password| oldest.is_none_or(|oldest| password.replaced_at > oldest))
}
