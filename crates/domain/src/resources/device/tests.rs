mod pairing;

use uuid::Uuid;

use super::*;
use crate::{
    resource::Refusal,
    resources::{
        device_authentication_policy::{Failure, SentCode, SentOtp},
        mfa_settings::MfaSettings,
        round_trip::rebuilt_from_view,
        trial::{NOW, OTHER, build, fault, rebuild, stored, targets},
    },
    schema,
    secret::Secret,
    span::Span,
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
        json!({ "type": "SMS", "status": "ACTIVATION_REQUIRED", "phone": "+47 (406) 12-345", "nickname": "work phone",
            "policy": { "id": OTHER }, "block": { "status": "UNBLOCKED" }, "lock": { "status": "UNLOCKED" } })
    );
    assert_eq!(Device::links(&device).len(), 1);
    assert!(Device::links(&stored(sms())).is_empty());
}

#[test]
fn every_spelling_of_an_address_is_kept_and_is_the_same_device() {
    for (kind, member, spellings, key) in [
        (
            "SMS",
            "phone",
            [
                "+1.5125550123",
                "+15125550123",
                "+1.512.555.0123",
                "+1 (512) 555-0123",
            ],
            "SMS:15125550123",
        ),
        (
            "SMS",
            "phone",
            [
                "+44 (0)20 7946 0018",
                "+44(0)2079460018",
                "+442079460018",
                "+44.2079460018",
            ],
            "SMS:442079460018",
        ),
        (
            "EMAIL",
            "email",
            [
                "mira@bücher.example",
                "Mira@BÜCHER.example",
                "mira@xn--bcher-kva.example",
                "\"mira\"@bücher.example",
            ],
            "mira@xn--bcher-kva.example",
        ),
    ] {
        for spelling in spellings {
            let body = json!({ "type": kind, member: spelling });
            let device = build::<Device>(body).unwrap().body;
            assert_eq!(device.address(), spelling);
            assert_eq!(device.unique()[0].value, key, "{spelling}");
        }
    }
}

#[test]
fn an_address_that_was_taken_under_other_rules_stays_what_it_is() {
    let mut before = sms();
    before.phone = Some("+44.07700900123".to_owned());
    let before = stored(before);
    let answer = Value::Object(Device::view(&before, NOW));
    assert_eq!(
        rebuild(answer, &before).unwrap().body.phone,
        before.body.phone
    );
    let other = json!({ "type": "SMS", "phone": "+447700900123" });
    assert_eq!(targets(rebuild(other, &before)), ["phone"]);
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
