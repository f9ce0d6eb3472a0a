//! Locks, the enabled state and the bypass of MFA.

use super::*;

#[test]
fn locks_of_the_account_show_since_when_and_until_when() {
    let until = NOW + Duration::from_minutes(5);
    let timed = view(&nia().lock_account(Some(until), NOW));
    assert_eq!(
        timed["account"],
        json!({ "canAuthenticate": false, "status": "LOCKED", "lockedAt": NOW, "unlockAt": until, "secondsUntilUnlock": 300 })
    );
    let user = nia()
        .lock_account(Some(until), NOW)
        .lock_after_mfa_failures(None, NOW);
    let account = user.account(NOW);
    assert_eq!((account.unlock_at, account.locked_at), (None, Some(NOW)));
    assert!(user.unlock_account().account(NOW).can_authenticate);
    assert!(
        nia()
            .lock_account(Some(until), NOW)
            .account(until)
            .can_authenticate
    );
    assert!(
        nia()
            .lock_account(Some(NOW), NOW)
            .account(NOW)
            .can_authenticate
    );
    assert!(nia().unlock_account().account(NOW).can_authenticate);
}

#[test]
fn disabled_users_cannot_authenticate() {
    let account = nia().enable(false).account(NOW);
    assert_eq!(
        (account.can_authenticate, account.status),
        (false, AccountStatus::Ok)
    );
}

#[test]
fn a_bypass_ends_by_itself() {
    let until = NOW + Duration::from_hours(1);
    let user = nia().bypass_mfa(until, NOW);
    assert_eq!(
        Value::Object(user.bypass_mfa_view(NOW)),
        json!({ "bypassMFAEnabledUntil": until, "canBypassMFA": true })
    );
    assert!(user.bypass_mfa_view(until).is_empty());
    assert!(user.bypass_mfa(NOW, NOW).bypass_mfa_view(NOW).is_empty());
}

#[test]
fn a_bypass_is_given_in_one_form_only() {
    let good = json!({ "bypassMFAEnabledUntil": "2030-11-30T00:00:00.000Z" });
    assert!(schema::decode::<BypassMfaDraft>(good).is_ok());
    for bad in [
        "2030-11-30T00:00:00Z",
        "2030-11-30T01:00:00.000+01:00",
        "tomorrow",
    ] {
        let faults =
            schema::decode::<BypassMfaDraft>(json!({ "bypassMFAEnabledUntil": bad })).unwrap_err();
        assert!(
            faults
                .iter()
                .all(|fault| fault.target == "bypassMFAEnabledUntil"),
            "{bad}"
        );
    }
}
