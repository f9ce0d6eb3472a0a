//! Passwords: set, checked, unlocked. Hashing happens between reading and committing; what changed
//! meanwhile makes the whole judgement begin again.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{
    audit::Action,
    password::{
        Candidate, CheckDraft, CheckOutcome, NewValue, PasswordFailures, WantedPassword, judge,
        prepared, remembered, unsatisfied, violation,
    },
    resource::Stored,
    resources::{password_policy::PasswordPolicy, population::Population, user::User},
    secret::Secret,
    time::Timestamp,
    violation::Violation,
};
use stepgate_store::{
    counters::{self, StoredCounter},
    documents::Document,
    engine::{Batch, Statement},
};
use uuid::Uuid;

use super::{EMPTY_COUNT, end_other_sessions, end_sessions, forgive_codes, forgive_passwords};
use crate::{
    App,
    error::ManagementError,
    management::{self, Change, Target, cached, cached_default, prepare_replace, settle},
    passwords::{self, is_weak},
};

/// A user's password, without the password.
#[derive(Debug)]
pub struct PasswordState {
    pub user: Stored<User>,
    pub policy: Arc<Stored<PasswordPolicy>>,
    pub failures: PasswordFailures,
}

/// Which counter keeps the wrong passwords of a user.
pub(crate) fn counter(user: Uuid) -> String {
    format!("password:{user}")
}

/// The policy of the user's population, else the environment's default.
pub async fn policy_of(
    app: &App,
    environment: Uuid,
    user: &User,
) -> Result<Arc<Stored<PasswordPolicy>>, ManagementError> {
    let population = cached::<Population>(app, environment, user.population.id.uuid())
        .await?
        .ok_or_else(|| {
            Violation::invalid("population.id", "names an object that does not exist")
        })?;
    let own = match population.body.password_policy {
        Some(policy) => cached::<PasswordPolicy>(app, environment, policy.id.uuid()).await?,
        None => None,
    };
    match own {
        Some(policy) => Ok(policy),
        None => cached_default::<PasswordPolicy>(app, environment)
            .await?
            .ok_or(ManagementError::NotFound(None)),
    }
}

/// The hash of a new password, if the policy accepts it. A hash made elsewhere is taken as it is.
pub(super) async fn accepted(
    app: &App,
    user: &User,
    policy: &PasswordPolicy,
    wanted: &WantedPassword,
    now: Timestamp,
) -> Result<Secret<String>, ManagementError> {
    let value = match &wanted.value {
        NewValue::Cleartext(value) => prepared(value),
        NewValue::Argon2(hash) => {
            return match passwords::fault(hash) {
                None => Ok(hash.clone()),
                Some(message) => Err(Violation::invalid(wanted.target, message).into()),
            };
        }
    };
    let credentials = &user.credentials;
    let current = credentials.password.iter().map(|password| &password.hash);
    let past = remembered(&credentials.past_passwords, policy, now)
        .filter(|_| !wanted.bypass_policy)
        .map(|password| &password.hash);
    let hashes: Vec<_> = current.chain(past).cloned().collect();
    let verdicts = app.passwords.matches_each(value.clone(), hashes).await?;
    let (current, past) = verdicts.split_at(usize::from(credentials.password.is_some()));
    let mut profile: Vec<&str> = user.profile.attributes().map(|(_, value)| value).collect();
    profile.push(&user.username);
    let candidate = Candidate {
        password: value.expose(),
        profile: &profile,
        is_current: current.contains(&true),
        is_in_history: past.contains(&true),
        ..Candidate::default()
    };
    let policy = Some(policy).filter(|_| !wanted.bypass_policy);
    if let Some(fault) = violation(wanted.target, &unsatisfied(policy, &candidate)) {
        return Err(fault.into());
    }
    Ok(app.passwords.hash(value).await?)
}

async fn failures(
    app: &App,
    environment: Uuid,
    user: Uuid,
) -> Result<(i64, PasswordFailures), ManagementError> {
    let found = counters::read(&*app.engine, environment, &[counter(user)]).await?;
    match found.first() {
        Some(row) => Ok((row.version, serde_json::from_str(&row.body)?)),
        None => Ok((0, PasswordFailures::default())),
    }
}

pub async fn state(target: &Target<'_>) -> Result<PasswordState, ManagementError> {
    let user = management::read::<User>(target).await?;
    with_policy(target, user).await
}

async fn with_policy(
    target: &Target<'_>,
    user: Stored<User>,
) -> Result<PasswordState, ManagementError> {
    let environment = target.place.environment;
    let policy = policy_of(target.app, environment, &user.body).await?;
    let (_, failures) = failures(target.app, environment, target.id).await?;
    Ok(PasswordState {
        user,
        policy,
        failures,
    })
}

/// In whose name a password is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    Set,
    /// An administrator takes the account back: whoever is signed on with it is signed off.
    Reset,
}

/// Gives the user another password, or none.
pub async fn set(
    target: &Target<'_>,
    wanted: Option<&WantedPassword>,
    occasion: Occasion,
) -> Result<PasswordState, ManagementError> {
    let (app, environment) = (target.app, target.place.environment);
    settle(app, || async {
        let now = app.now();
        let (document, user) = target.load::<User>().await?;
        let policy = policy_of(app, environment, &user.body).await?;
        let user = match wanted {
            Some(wanted) => {
                let hash = accepted(app, &user.body, &policy.body, wanted, now).await?;
                user.body
                    .with_password(hash, wanted.force_change, &policy.body, now)
            }
            None => user.body.without_password(&policy.body, now),
        };
        let (mut statements, user) = target.replaced(&document, user, now).await?;
        statements.push(forgive_passwords(target)?);
        let action = match (occasion, wanted) {
            (Occasion::Set, Some(_)) => Action::PASSWORD_SET,
            (Occasion::Set, None) => Action::PASSWORD_UNSET,
            (Occasion::Reset, _) => Action::PASSWORD_RESET,
        };
        statements.extend(match occasion {
            Occasion::Set => end_other_sessions(target, now)?,
            Occasion::Reset => end_sessions(target, now)?,
        });
        statements.push(target.event::<User>(&action, now)?);
        let state = PasswordState {
            user,
            policy,
            failures: PasswordFailures::default(),
        };
        Ok((Batch(statements), state))
    })
    .await
}

/// An attempt with a password, and what is to be written because of it.
#[derive(Debug)]
pub struct Attempt {
    pub outcome: CheckOutcome,
    /// The user afterwards: the last wrong one locks the account, and the right one is hashed anew when
    /// its hash was weak.
    pub user: User,
    pub policy: Arc<Stored<PasswordPolicy>>,
    pub failures: PasswordFailures,
    /// The count of failures, if it changes; it must still be what the attempt was judged by.
    pub counted: Option<Statement>,
}

/// Compares a password with the user's, and counts. Nothing is written yet.
pub async fn attempt(
    app: &App,
    user: &Stored<User>,
    password: &Secret<String>,
    now: Timestamp,
) -> Result<Attempt, ManagementError> {
    let (environment, id) = (user.environment.uuid(), user.id.uuid());
    let policy = policy_of(app, environment, &user.body).await?;
    let (version, before) = failures(app, environment, id).await?;
    let stored = user.body.credentials.password.as_ref();
    let stored = stored.map(|stored| stored.hash.clone());
    let matched = app.passwords.matches(password.clone(), stored).await?;
    let key = app.data_key(environment).await?;
    let tried = key.hash(
        "password attempt",
        &[id.as_bytes(), prepared(password).expose().as_bytes()],
    );
    let (mut user, failures, outcome) = judge(
        user.body.clone(),
        before.clone(),
        &policy.body,
        matched,
        BASE64URL_NOPAD.encode(&tried),
        now,
    );
    if outcome == CheckOutcome::Right
        && let Some(stored) = &mut user.credentials.password
        && is_weak(&stored.hash)
    {
        stored.hash = app.passwords.hash(password.clone()).await?;
    }
    let counted = if failures == before {
        None
    } else {
        // Failures that were not made good never expire: else a guesser would only have to wait.
        let expires_at = if failures.count > 0 {
            Timestamp::from_millis(i64::MAX)
        } else {
            now + EMPTY_COUNT
        };
        Some(counters::write(StoredCounter {
            environment,
            subject: counter(id),
            version,
            expires_at,
            body: serde_json::to_string(&failures)?,
        }))
    };
    Ok(Attempt {
        outcome,
        user,
        policy,
        failures,
        counted,
    })
}

/// Checks a password on an administrator's behalf. A wrong one counts.
pub async fn check(
    target: &Target<'_>,
    draft: &CheckDraft,
) -> Result<PasswordState, ManagementError> {
    let app = target.app;
    let (outcome, state) = settle(app, || async {
        let now = app.now();
        let (document, before) = target.load::<User>().await?;
        let attempt = attempt(app, &before, &draft.password, now).await?;
        let mut statements: Vec<Statement> = attempt.counted.into_iter().collect();
        let user = if attempt.user == before.body {
            before
        } else if attempt.outcome == CheckOutcome::Right {
            let built = attempt.user.into();
            let replaced = prepare_replace(app, target.place, &document, built, now).await?;
            statements.extend(replaced.0);
            replaced.1
        } else {
            locked(target, &document, attempt.user, now, &mut statements).await?
        };
        if let Some(action) = event_of(&attempt.outcome) {
            statements.push(target.event::<User>(&action, now)?);
        }
        let state = PasswordState {
            user,
            policy: attempt.policy,
            failures: attempt.failures,
        };
        Ok((Batch(statements), (attempt.outcome, state)))
    })
    .await?;
    match outcome.refusal("password") {
        Some(refusal) => Err(refusal.into()),
        None => Ok(state),
    }
}

async fn locked(
    target: &Target<'_>,
    document: &Document,
    user: User,
    now: Timestamp,
    statements: &mut Vec<Statement>,
) -> Result<Stored<User>, ManagementError> {
    let (replaced, user) = target.replaced(document, user, now).await?;
    statements.extend(replaced);
    statements.push(target.event::<User>(&Action::USER_LOCKED, now)?);
    Ok(user)
}

const fn event_of(outcome: &CheckOutcome) -> Option<Action> {
    match outcome {
        CheckOutcome::Right => Some(Action::PASSWORD_CHECK_SUCCEEDED),
        CheckOutcome::Wrong { .. } => Some(Action::PASSWORD_CHECK_FAILED),
        CheckOutcome::NoPassword | CheckOutcome::LockedOut { .. } => None,
    }
}

/// Ends the lock that wrong passwords caused.
pub async fn unlock(target: &Target<'_>) -> Result<PasswordState, ManagementError> {
    changed(target, &Action::PASSWORD_UNLOCKED, |user, now, with| {
        if !user
            .credentials
            .locks
            .mfa
            .is_some_and(|lock| lock.holds(now))
        {
            with.push(forgive_codes(target)?);
        }
        Ok(user.unlock_password())
    })
    .await
}

/// Demands another password at the next sign-on.
pub async fn force_change(target: &Target<'_>) -> Result<PasswordState, ManagementError> {
    changed(target, &Action::PASSWORD_FORCE_CHANGE, |user, _, with| {
        with.push(forgive_codes(target)?);
        Ok(user.force_password_change()?)
    })
    .await
}

async fn changed(
    target: &Target<'_>,
    action: &Action,
    rule: impl Fn(User, Timestamp, &mut Vec<Statement>) -> Result<User, ManagementError> + Send + Sync,
) -> Result<PasswordState, ManagementError> {
    let user = management::change(target, |previous: &Stored<User>, context| {
        let now = context.now;
        let was_locked = previous.body.credentials.locks.hold(now);
        let mut with = vec![
            forgive_passwords(target)?,
            target.event::<User>(action, now)?,
        ];
        let user = rule(previous.body.clone(), now, &mut with)?;
        if was_locked && !user.credentials.locks.hold(now) {
            with.push(target.event::<User>(&Action::USER_UNLOCKED, now)?);
        }
        Ok(Change {
            with,
            ..Change::from(user)
        })
    })
    .await?;
    with_policy(target, user).await
}
