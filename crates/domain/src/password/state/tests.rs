use super::*;
use crate::{
    password::{CheckOutcome, judge, remembered},
    resource::Refusal,
    resources::{
        password_policy::{History, Lockout},
        trial::{NOW, build, stored},
        user::AccountStatus,
    },
    secret::Secret,
    time::Duration,
    violation::ViolationCode,
};

fn user() -> User {
    build::<User>(json!({ "username": "nia" })).unwrap().body
}

fn hash(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn with_password(must_change: bool) -> User {
    user().with_password(hash("$1"), must_change, &PasswordPolicy::standard(), NOW)
}

fn status(user: &User, now: Timestamp) -> PasswordStatus {
    PasswordStatus::of(&user.credentials, &PasswordPolicy::standard(), now)
}

/// Judges values one after the other; `right` is the right one.
fn attempts(
    mut user: User,
    policy: &PasswordPolicy,
    values: &[&str],
    now: Timestamp,
) -> (User, PasswordFailures, CheckOutcome) {
    let mut failures = PasswordFailures::default();
    let mut outcome = CheckOutcome::Right;
    for value in values {
        (user, failures, outcome) = judge(
            user,
            failures,
            policy,
            *value == "right",
            format!("keyed {value}"),
            now,
        );
    }
    (user, failures, outcome)
}

#[test]
fn each_status_has_its_cause() {
    assert_eq!(status(&user(), NOW), PasswordStatus::NoPassword);
    assert_eq!(status(&with_password(false), NOW), PasswordStatus::Ok);
    assert_eq!(
        status(&with_password(true), NOW),
        PasswordStatus::MustChangePassword
    );
    let expired = NOW + Duration::from_days(182);
    assert_eq!(
        status(&with_password(false), expired),
        PasswordStatus::PasswordExpired
    );
    assert_eq!(
        status(&with_password(true), expired),
        PasswordStatus::MustChangePassword
    );
}

#[test]
fn the_fifth_wrong_password_locks_the_account_for_a_quarter_of_an_hour() {
    let policy = PasswordPolicy::standard();
    let (locked, failures, outcome) = attempts(
        with_password(false),
        &policy,
        &["a", "b", "c", "d", "e"],
        NOW,
    );
    assert_eq!(
        outcome,
        CheckOutcome::Wrong {
            failures_remaining: Some(0)
        }
    );
    assert_eq!(failures, PasswordFailures::default());
    let account = locked.account(NOW);
    assert_eq!(
        (account.status, account.locked_at),
        (AccountStatus::Locked, None)
    );
    assert_eq!(account.seconds_until_unlock, Some(900));
    let (_, _, outcome) = attempts(locked.clone(), &policy, &["right"], NOW);
    assert_eq!(
        outcome,
        CheckOutcome::LockedOut {
            seconds_until_unlock: Some(900)
        }
    );
    let later = NOW + Duration::from_seconds(900);
    assert_eq!(
        attempts(locked.clone(), &policy, &["right"], later).2,
        CheckOutcome::Right
    );
    let (_, _, outcome) = attempts(locked, &policy, &["x"], later);
    assert_eq!(
        outcome,
        CheckOutcome::Wrong {
            failures_remaining: Some(4)
        }
    );
}

#[test]
fn repeating_the_same_wrong_password_counts_once() {
    let policy = PasswordPolicy::standard();
    let (_, failures, outcome) = attempts(with_password(false), &policy, &["a"; 50], NOW);
    assert_eq!(failures.count, 1);
    assert_eq!(
        outcome,
        CheckOutcome::Wrong {
            failures_remaining: Some(4)
        }
    );
}

#[test]
fn a_right_password_forgets_the_wrong_ones() {
    let policy = PasswordPolicy::standard();
    let (_, failures, _) = attempts(
        with_password(false),
        &policy,
        &["a", "b", "c", "d", "right", "e"],
        NOW,
    );
    assert_eq!(failures.count, 1);
}

#[test]
fn a_policy_without_lockout_never_locks() {
    let policy = PasswordPolicy {
        lockout: None,
        ..PasswordPolicy::standard()
    };
    let values: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let (user, _, outcome) = attempts(with_password(false), &policy, &values, NOW);
    assert_eq!(
        outcome,
        CheckOutcome::Wrong {
            failures_remaining: None
        }
    );
    assert!(user.account(NOW).can_authenticate);
}

#[test]
fn a_lock_without_duration_ends_only_by_hand() {
    let lockout = Some(Lockout {
        failure_count: Some(1),
        duration_seconds: None,
    });
    let policy = PasswordPolicy {
        lockout,
        ..PasswordPolicy::standard()
    };
    let (locked, _, _) = attempts(with_password(false), &policy, &["a"], NOW);
    let later = NOW + Duration::from_days(100);
    assert_eq!(status(&locked, later), PasswordStatus::PasswordLockedOut);
    assert_eq!(
        status(&locked.clone().unlock_password(), NOW),
        PasswordStatus::Ok
    );
    let forced = locked.force_password_change().unwrap();
    assert_eq!(status(&forced, NOW), PasswordStatus::MustChangePassword);
}

#[test]
fn forcing_a_change_needs_a_password_and_leaves_an_explicit_lock() {
    let Err(Refusal::Failed(refusal)) = user().force_password_change() else {
        panic!()
    };
    assert_eq!(refusal.code, ViolationCode::NoPassword);
    let locked = with_password(false)
        .lock_account(None, NOW)
        .force_password_change()
        .unwrap();
    assert_eq!(locked.account(NOW).status, AccountStatus::Locked);
}

#[test]
fn refusals_are_those_of_the_contract() {
    let Some(Refusal::Invalid(wrong)) = CheckOutcome::Wrong {
        failures_remaining: Some(3),
    }
    .refusal("password") else {
        panic!()
    };
    assert_eq!(
        wrong.message,
        "The provided password did not match provisioned password"
    );
    assert_eq!(
        (wrong.target.as_str(), &wrong.inner["failuresRemaining"]),
        ("password", &json!(3))
    );
    let Some(Refusal::Failed(locked)) = CheckOutcome::LockedOut {
        seconds_until_unlock: Some(9),
    }
    .refusal("password") else {
        panic!()
    };
    assert_eq!(locked.code, ViolationCode::PasswordLockedOut);
    assert_eq!(locked.inner["secondsUntilUnlock"], 9);
    assert_eq!(CheckOutcome::Right.refusal("password"), None);
}

#[test]
fn the_state_shows_what_is_due_and_no_hash() {
    let policy = stored(PasswordPolicy::standard());
    let near_the_end = NOW + Duration::from_days(170);
    let failures = PasswordFailures {
        count: 2,
        last: Some("keyed".to_owned()),
    };
    let view = state_view(
        &stored(with_password(false)),
        &policy,
        &failures,
        near_the_end,
    );
    let view = Value::Object(view);
    assert_eq!(view["status"], "OK");
    assert_eq!(view["lastChangedAt"], "2026-01-31T12:00:00.000Z");
    assert_eq!(view["warnings"]["failedAttempts"]["failuresRemaining"], 3);
    assert_eq!(
        view["warnings"]["passwordExpiring"]["expiresAt"],
        "2026-08-01T12:00:00.000Z"
    );
    assert!(!view.to_string().contains("$1") && !view.to_string().contains("keyed"));
    let view = state_view(&stored(user()), &policy, &PasswordFailures::default(), NOW);
    assert_eq!(view["status"], "NO_PASSWORD");
    assert!(!view.contains_key("lastChangedAt") && !view.contains_key("warnings"));
}

#[test]
fn replaced_passwords_are_remembered_as_the_policy_says() {
    let history = Some(History {
        count: Some(2),
        retention_days: Some(10),
    });
    let policy = PasswordPolicy {
        history,
        ..PasswordPolicy::standard()
    };
    let mut user = user();
    for number in 0..5 {
        user = user.with_password(hash(&format!("${number}")), false, &policy, NOW);
    }
    let kept: Vec<_> = user
        .credentials
        .past_passwords
        .iter()
        .map(|past| past.hash.expose().as_str())
        .collect();
    assert_eq!(kept, ["$3", "$2"]);
    let later = NOW + Duration::from_days(10);
    assert_eq!(
        remembered(&user.credentials.past_passwords, &policy, later).count(),
        0
    );
    let user = user.without_password(&policy, NOW);
    assert_eq!(status(&user, NOW), PasswordStatus::NoPassword);
    assert_eq!(
        user.credentials
            .past_passwords
            .first()
            .unwrap()
            .hash
            .expose(),
        "$4"
    );
}
