//! Passwords: what a policy demands of a new one, how failures lock it, and in which state it is.
//! Hashes are made and compared outside; verdicts come in.

use serde::{Deserialize, Serialize};

use crate::{name, resources::password_policy::PasswordPolicy, secret::Secret, time::Timestamp};

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

/// The form in which passwords are judged, hashed and compared (RFC 8265 §4.2.2): one space for all
/// kinds of them, and composed characters, since keyboards differ in both.
pub fn prepared(password: &Secret<String>) -> Secret<String> {
    let is_space = |c: char| {
        matches!(
            c,
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        )
    };
    if password.expose().is_ascii() {
        return password.clone();
    }
    let spaced = Secret::new(password.expose().replace(is_space, " "));
    Secret::new(name::composed(spaced.expose()).into_owned())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyboards_write_one_password_in_several_ways() {
        let prepared = |text: &str| prepared(&Secret::new(text.to_owned())).expose().clone();
        assert_eq!(prepared("Pa\u{308}7-sswo\u{308}rd"), prepared("Pä7-sswörd"));
        assert_eq!(prepared("two\u{a0}words"), "two words");
        for kept in [" blanks ", "Case", "nul\0", "ﬁ", "🙂", "e\u{200b}"] {
            assert_eq!(prepared(kept), kept);
        }
    }
}
