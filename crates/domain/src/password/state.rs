//! The state of a user's password, as it is shown.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::PasswordFailures;
use crate::{
    resource::{Link, Stored},
    resources::{
        password_policy::PasswordPolicy,
        user::{Credentials, User},
    },
    time::{Duration, Remembered, Timestamp},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PasswordStatus {
    Ok,
    MustChangePassword,
    PasswordExpired,
    PasswordLockedOut,
    NoPassword,
}

impl PasswordStatus {
    /// The first that holds: locked, none, to be changed, expired.
    pub fn of(credentials: &Credentials, policy: &PasswordPolicy, now: Timestamp) -> Self {
        if credentials
            .locks
            .password
            .is_some_and(|lock| lock.holds(now))
        {
            return Self::PasswordLockedOut;
        }
        match &credentials.password {
            None => Self::NoPassword,
            Some(password) if password.must_change => Self::MustChangePassword,
            Some(password)
                if expiry(password.changed_at.believed_at(now), policy)
                    .is_some_and(|end| end <= now) =>
            {
                Self::PasswordExpired
            }
            Some(_) => Self::Ok,
        }
    }
}

fn expiry(changed_at: Timestamp, policy: &PasswordPolicy) -> Option<Timestamp> {
    policy
        .max_age_days
        .map(|days| changed_at + Duration::from_days(days.into()))
}

/// How long before its end a password's age is warned of.
const WARNING: Duration = Duration::from_days(21);

/// The members of the answer, without its links and its environment.
pub fn state_view(
    user: &Stored<User>,
    policy: &Stored<PasswordPolicy>,
    failures: &PasswordFailures,
    now: Timestamp,
) -> Map<String, Value> {
    let credentials = &user.body.credentials;
    let status = PasswordStatus::of(credentials, &policy.body, now);
    let mut members = Map::from_iter([
        ("user".to_owned(), json!({ "id": user.id })),
        ("passwordPolicy".to_owned(), json!({ "id": policy.id })),
        ("status".to_owned(), json!(status)),
    ]);
    if let Some(password) = &credentials.password {
        members.insert("lastChangedAt".to_owned(), json!(password.changed_at));
    }
    if status == PasswordStatus::PasswordLockedOut
        && let Some(until) = credentials
            .locks
            .believed_at(now)
            .password
            .and_then(|lock| lock.until)
    {
        members.insert(
            "secondsUntilUnlock".to_owned(),
            until.since(now).as_seconds_ceil().into(),
        );
    }
    let warnings = warnings(credentials, &policy.body, failures, status, now);
    if !warnings.is_empty() {
        members.insert("warnings".to_owned(), warnings.into());
    }
    members
}

fn warnings(
    credentials: &Credentials,
    policy: &PasswordPolicy,
    failures: &PasswordFailures,
    status: PasswordStatus,
    now: Timestamp,
) -> Map<String, Value> {
    let mut warnings = Map::new();
    let end = credentials
        .password
        .as_ref()
        .and_then(|password| expiry(password.changed_at, policy));
    if let Some(end) = end.filter(|&end| end > now && end.since(now) < WARNING) {
        warnings.insert("passwordExpiring".to_owned(), json!({ "expiresAt": end }));
    }
    if failures.count > 0
        && status != PasswordStatus::PasswordLockedOut
        && let Some(remaining) = failures.remaining(policy)
    {
        warnings.insert(
            "failedAttempts".to_owned(),
            json!({ "failuresRemaining": remaining }),
        );
    }
    warnings
}

/// Relations of the state besides `self`, `environment` and `user`. The base is the user.
pub fn state_links(policy: &Stored<PasswordPolicy>) -> Vec<(&'static str, Link)> {
    vec![
        (
            "passwordPolicy",
            Link::Environment(format!("/passwordPolicies/{}", policy.id)),
        ),
        ("password.check", Link::Below("/password")),
        ("password.reset", Link::Below("/password")),
        ("password.set", Link::Below("/password")),
    ]
}

#[cfg(test)]
mod tests;
