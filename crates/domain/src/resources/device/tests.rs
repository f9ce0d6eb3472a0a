use uuid::Uuid;

use super::*;
use crate::{
    resource::Refusal,
    resources::{
        device_authentication_policy::{Failure, SentCode, SentOtp, Span},
        mfa_settings::MfaSettings,
        round_trip::rebuilt_from_view,
        trial::{NOW, OTHER, build, fault, rebuild, stored, targets},
    },
    schema,
    secret::Secret,
    time::Duration,
    violation::ViolationCode,
};

fn sms() -> Device {
    build::<Device>(json!({ "type": "SMS", "phone": "+4740612345" }))
        .unwrap()
        .body
}

fn pending() -> Device {
    build::<Device>(
        json!({ "type": "SMS", "phone": "+4740612345", "status": "ACTIVATION_REQUIRED" }),
    )
    .unwrap()
    .body
}

fn rules(cool_down: u32) -> SentOtp {
    SentOtp {
        failure: Failure {
            count: 3,
            cool_down: Some(Span::minutes(cool_down)),
        },
        ..SentOtp::default()
    }
}

fn expecting(cool_down: u32) -> Device {
    pending().expecting_code(Secret::new("right".to_owned()), &rules(cool_down), NOW)
}

fn try_code(
    device: Device,
    code: &str,
    cool_down: u32,
    now: Timestamp,
) -> (Device, PairingOutcome) {
    device.activate(|hash| hash.matches(code.as_bytes()), &rules(cool_down), now)
}

#[test]
fn a_device_is_shown_as_in_the_contract() {
    let body = json!({ "type": "SMS", "phone": "+47 (406) 12-345", "status": "ACTIVATION_REQUIRED",
        "nickname": "work phone", "policy": { "id": OTHER } });
    let device = stored(build::<Device>(body).unwrap().body);
    assert_eq!(
        Value::Object(Device::view(&device, NOW)),
        json!({ "type": "SMS", "status": "ACTIVATION_REQUIRED", "phone": "+47.40612345", "nickname": "work phone",
            "policy": { "id": OTHER }, "block": { "status": "UNBLOCKED" }, "lock": { "status": "UNLOCKED" } })
    );
    assert_eq!(Device::links(&device).len(), 1);
    assert!(Device::links(&stored(sms())).is_empty());
}

#[test]
fn every_spelling_of_a_number_is_the_same_device() {
    for phone in [
        "+1.5125550123",
        "+15125550123",
        "+1.512.555.0123",
        "+1 (512) 555-0123",
        "1-512-555-0123",
    ] {
        let device = build::<Device>(json!({ "type": "SMS", "phone": phone }))
            .unwrap()
            .body;
        assert_eq!(device.address(), "+1.5125550123", "{phone}");
        assert_eq!(device.unique()[0].value, "SMS:15125550123");
    }
}

#[test]
fn an_address_must_be_there_and_well_formed() {
    for (body, target, code) in [
        (
            json!({ "type": "SMS" }),
            "phone",
            ViolationCode::RequiredValue,
        ),
        (
            json!({ "type": "EMAIL", "phone": "+4740612345" }),
            "email",
            ViolationCode::RequiredValue,
        ),
        (
            json!({ "type": "SMS", "phone": "call me" }),
            "phone",
            ViolationCode::InvalidValue,
        ),
        (
            json!({ "type": "EMAIL", "email": "nobody" }),
            "email",
            ViolationCode::InvalidValue,
        ),
        (
            json!({ "type": "MOBILE" }),
            "type",
            ViolationCode::InvalidValue,
        ),
        (
            json!({ "type": "TOTP" }),
            "type",
            ViolationCode::InvalidValue,
        ),
        (
            json!({ "type": "EMAIL", "email": "n@x.example", "testMode": true }),
            "testMode",
            ViolationCode::InvalidValue,
        ),
    ] {
        let violation = fault(build::<Device>(body.clone()));
        assert_eq!(
            (violation.target.as_str(), violation.code),
            (target, code),
            "{body}"
        );
    }
    let violation = fault(build::<Device>(json!({ "type": "VOICE" })));
    assert_eq!(violation.inner["allowedValues"], json!(["SMS", "EMAIL"]));
}

#[test]
fn the_message_of_a_pairing_has_the_code_in_it() {
    let with = |notification: Value| {
        build::<Device>(
            json!({ "type": "SMS", "phone": "+4740612345", "notification": notification }),
        )
    };
    assert!(with(json!({ "message": "Code ${otp}" })).is_ok());
    assert!(with(json!({ "variant": "short" })).is_ok());
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
    assert_eq!(active.activated_at, Some(NOW));
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
fn blocked_locked_and_pending_devices_are_not_usable() {
    let end = NOW + Duration::from_minutes(2);
    assert!(sms().is_usable(NOW));
    assert!(!pending().is_usable(NOW));
    let blocked = sms().blocked(NOW).blocked(end);
    assert_eq!(blocked.block.blocked_at, Some(NOW));
    assert!(!blocked.is_usable(NOW) && blocked.unblocked().is_usable(NOW));
    let locked = sms().locked(Some(end));
    assert!(!locked.is_usable(NOW) && locked.is_usable(end));
    let shown = |device: Device, now| Device::view(&stored(device), now)["lock"].clone();
    assert_eq!(
        shown(locked.clone(), NOW),
        json!({ "status": "LOCKED", "expiresAt": end })
    );
    assert_eq!(shown(locked.clone(), end), json!({ "status": "UNLOCKED" }));
    assert_eq!(
        shown(sms().locked(None), end),
        json!({ "status": "LOCKED" })
    );
    assert!(locked.unlocked().is_usable(NOW));
}

#[test]
fn a_user_has_so_many_active_devices_and_five_more_that_wait() {
    let settings = <MfaSettings as crate::resource::Settings>::born().body;
    let devices = |active: usize, waiting: usize| -> Vec<_> {
        let active = std::iter::repeat_n(sms(), active);
        active
            .chain(std::iter::repeat_n(pending(), waiting))
            .map(stored)
            .collect()
    };
    for (active, waiting, create, activate) in [
        (4, 5, true, true),
        (4, 6, false, true),
        (5, 0, false, false),
        (0, 9, true, true),
        (0, 10, false, true),
    ] {
        let devices = devices(active, waiting);
        assert_eq!(
            may_create(&devices, &settings).is_ok(),
            create,
            "{active} and {waiting}"
        );
        assert_eq!(
            may_activate(&devices, &settings).is_ok(),
            activate,
            "{active} and {waiting}"
        );
    }
    let Err(Refusal::Failed(refusal)) = may_create(&devices(5, 0), &settings) else {
        panic!()
    };
    assert_eq!(refusal.message, "Maximum allowed devices has been reached");
    assert_eq!(
        (refusal.code, refusal.inner),
        (ViolationCode::LimitExceeded, json!({ "maximumAllowed": 5 }))
    );
}

#[test]
fn the_policy_says_which_types_may_be_paired() {
    let policy = DeviceAuthenticationPolicy::born().body;
    assert_eq!(permits_pairing(&policy, DeviceType::Sms), Ok(()));
    let closed = SentCode {
        pairing_disabled: true,
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

#[test]
fn nothing_but_the_nickname_can_be_changed() {
    let before = stored(sms());
    let body = json!({ "type": "SMS", "phone": "+4740612346" });
    assert_eq!(targets(rebuild(body, &before)), ["phone"]);
    let renamed = json!({ "type": "SMS", "phone": "+4740612345", "nickname": "old" });
    assert_eq!(
        rebuild(renamed, &before).unwrap().body.nickname.as_deref(),
        Some("old")
    );
    let same = rebuilt_from_view(&before).body;
    assert_eq!(
        serde_json::to_value(same).unwrap(),
        serde_json::to_value(sms()).unwrap()
    );
}

#[test]
fn devices_are_listed_by_the_users_order() {
    let device = |number: u128, body: Device| Stored {
        id: crate::id::Id::from_uuid(Uuid::from_u128(number)),
        ..stored(body)
    };
    let mut devices = [device(1, pending()), device(2, sms()), device(3, sms())];
    let ids = |devices: &[Stored<Device>]| {
        devices
            .iter()
            .map(|device| device.id.uuid().as_u128())
            .collect::<Vec<_>>()
    };
    order::arrange(&mut devices, None);
    assert_eq!(ids(&devices), [2, 3, 1]);
    let order = [devices[1].id, devices[0].id];
    order::arrange(&mut devices, Some(&order));
    assert_eq!(ids(&devices), [3, 2, 1]);
}

#[test]
fn no_answer_and_no_debug_output_shows_a_code_or_a_number() {
    let device = pending().expecting_code(Secret::new("hash-of-code".to_owned()), &rules(0), NOW);
    assert!(
        !Value::Object(Device::view(&stored(device.clone()), NOW))
            .to_string()
            .contains("hash-of-code")
    );
    let debug = format!("{device:?}");
    assert!(
        !debug.contains("hash-of-code") && !debug.contains("40612345"),
        "{debug}"
    );
}
