//! The codes that prove a device.

use super::*;

#[test]
fn the_message_of_a_pairing_has_the_code_in_it() {
    let with = |notification: Value| {
        build::<Device>(
            json!({ "type": "SMS", "phone": "+4740612345", "notification": notification }),
        )
    };
    assert!(with(json!({ "message": "Code ${otp}" })).is_ok());
    let variant = targets(with(json!({ "variant": "short" })));
    assert_eq!(variant, ["notification.variant"]);
    assert_eq!(
        targets(with(json!({ "message": "Code" }))),
        ["notification.message"]
    );
    assert_eq!(
        targets(with(json!({ "message": "${otp}", "variant": "x" }))),
        ["notification.variant"]
    );
}

#[test]
fn only_an_administrator_vouches_for_a_device() {
    let draft = |status: Value| -> DeviceDraft {
        schema::decode(json!({ "type": "SMS", "phone": "+4740612345", "status": status })).unwrap()
    };
    let status = |status: Value, enroller| {
        draft(status)
            .settled(enroller)
            .map(|draft| draft.status.unwrap())
    };
    assert_eq!(
        status(Value::Null, Enroller::Administrator),
        Ok(DeviceStatus::Active)
    );
    assert_eq!(
        status(json!("ACTIVATION_REQUIRED"), Enroller::Administrator),
        Ok(DeviceStatus::ActivationRequired)
    );
    assert_eq!(
        status(Value::Null, Enroller::Owner),
        Ok(DeviceStatus::ActivationRequired)
    );
    assert_eq!(
        status(json!("ACTIVE"), Enroller::Owner).unwrap_err().target,
        "status"
    );
}

#[test]
fn the_right_code_activates_once() {
    let (active, outcome) = try_code(expecting(0), "right", 0, NOW);
    assert_eq!(
        (active.status, outcome),
        (DeviceStatus::Active, PairingOutcome::Activated)
    );
    assert_eq!(*active.activated_at, Some(NOW));
    let (_, again) = try_code(active.clone(), "right", 0, NOW);
    assert!(matches!(again.refusal(), Some(Refusal::Failed(_))));
    assert!(active.may_be_sent_code(NOW).is_err());
}

#[test]
fn wrong_codes_are_counted_and_then_the_code_is_void() {
    let (device, outcome) = try_code(expecting(0), "wrong", 0, NOW);
    assert_eq!(
        outcome,
        PairingOutcome::WrongCode {
            attempts_remaining: 2
        }
    );
    let Some(Refusal::Invalid(refusal)) = outcome.refusal() else {
        panic!()
    };
    assert_eq!(
        (refusal.code, &refusal.inner["attemptsRemaining"]),
        (ViolationCode::InvalidOtp, &json!(2))
    );
    let (device, _) = try_code(device, "wrong", 0, NOW);
    let (device, outcome) = try_code(device, "wrong", 0, NOW);
    assert_eq!(
        outcome,
        PairingOutcome::Exhausted {
            cool_down_expires_at: None
        }
    );
    let (device, outcome) = try_code(device, "right", 0, NOW);
    assert_eq!(
        (device.status, outcome),
        (DeviceStatus::ActivationRequired, PairingOutcome::Expired)
    );
    assert!(device.may_be_sent_code(NOW).is_ok());
}

#[test]
fn a_cool_down_stops_codes_and_attempts() {
    let mut device = expecting(5);
    for _ in 0..3 {
        device = try_code(device, "wrong", 5, NOW).0;
    }
    let end = NOW + Duration::from_minutes(5);
    let Err(Refusal::Failed(refusal)) = device.may_be_sent_code(NOW) else {
        panic!()
    };
    assert_eq!(refusal.code, ViolationCode::LimitExceeded);
    assert_eq!(refusal.inner["coolDownExpiresAt"], json!(end));
    let (device, outcome) = try_code(device, "right", 5, NOW);
    assert_eq!(
        outcome,
        PairingOutcome::Exhausted {
            cool_down_expires_at: Some(end)
        }
    );
    assert!(device.may_be_sent_code(end).is_ok());
}

#[test]
fn an_old_code_and_a_missing_one_are_expired() {
    let late = NOW + Duration::from_minutes(30);
    let (device, outcome) = try_code(expecting(0), "right", 0, late);
    assert_eq!(
        (device.status, outcome),
        (DeviceStatus::ActivationRequired, PairingOutcome::Expired)
    );
    assert_eq!(
        try_code(pending(), "right", 0, NOW).1,
        PairingOutcome::Expired
    );
}

#[test]
fn a_new_code_replaces_the_one_before() {
    let device = expecting(0).expecting_code(Secret::new("newer".to_owned()), &rules(0), NOW);
    let (device, outcome) = try_code(device, "right", 0, NOW);
    assert_eq!(
        outcome,
        PairingOutcome::WrongCode {
            attempts_remaining: 2
        }
    );
    assert_eq!(
        try_code(device, "newer", 0, NOW).1,
        PairingOutcome::Activated
    );
}

#[test]
fn the_policy_says_which_types_may_be_paired() {
    let policy = DeviceAuthenticationPolicy::born().body;
    assert_eq!(permits_pairing(&policy, DeviceType::Sms), Ok(()));
    let closed = SentCode {
        pairing_disabled: Some(true),
        ..policy.sms
    };
    let off = SentCode {
        enabled: false,
        ..policy.sms
    };
    for sms in [closed, off] {
        let policy = DeviceAuthenticationPolicy {
            sms,
            ..policy.clone()
        };
        let Err(Refusal::Failed(refusal)) = permits_pairing(&policy, DeviceType::Sms) else {
            panic!()
        };
        assert_eq!(refusal.target, "type");
        assert_eq!(permits_pairing(&policy, DeviceType::Email), Ok(()));
    }
}
