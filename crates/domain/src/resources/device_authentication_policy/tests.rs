use serde_json::json;

use super::*;
use crate::resources::{
    round_trip::rebuilt_from_view,
    trial::{NOW, build, rebuild, stored, targets},
};

#[test]
fn what_is_left_out_is_filled_in_but_for_what_is_told_only_when_it_was_sent() {
    let body = json!({ "name": "Mine", "sms": { "enabled": true }, "totp": { "enabled": true, "otp": { "failure": { "count": 5 } } },
        "fido2": { "enabled": true } });
    let policy = build::<DeviceAuthenticationPolicy>(body).unwrap().body;
    let view = Value::Object(DeviceAuthenticationPolicy::view(&stored(policy), NOW));
    assert_eq!(
        view["sms"],
        json!({ "enabled": true,
            "otp": { "lifeTime": { "duration": 30, "timeUnit": "MINUTES" }, "otpLength": 6,
                "failure": { "count": 3, "coolDown": { "duration": 0, "timeUnit": "MINUTES" } } } })
    );
    assert_eq!(
        view["totp"]["otp"]["failure"],
        json!({ "count": 5, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } })
    );
    assert_eq!(view["fido2"], json!({ "enabled": true }));
    assert_eq!(view["totp"].get("passcodeGracePeriod"), None);
    let failure = json!({ "count": 3, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } });
    let otp = json!({ "failure": failure });
    assert_eq!(view["mobile"], json!({ "enabled": false, "otp": otp }));
    assert_eq!(view["oathToken"], json!({ "enabled": false, "otp": otp }));
    assert_eq!(view["whatsApp"]["enabled"], false);
    assert_eq!(view["forSignOnPolicy"], false);
    let month = json!({ "duration": 30, "timeUnit": "DAYS" });
    assert_eq!(view["rememberMe"]["web"]["lifeTime"], month);
    for absent in ["desktop", "yubikey", "notificationsPolicy"] {
        assert!(view.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn every_span_out_of_range_is_named() {
    let body = json!({ "name": "Mine",
        "sms": { "enabled": true, "otp": { "lifeTime": { "duration": 121, "timeUnit": "MINUTES" },
            "failure": { "count": 3, "coolDown": { "duration": 31, "timeUnit": "MINUTES" } } } },
        "email": { "enabled": true, "otp": { "lifeTime": { "duration": 2, "timeUnit": "HOURS" } } },
        "totp": { "enabled": true, "otp": { "failure": { "coolDown": { "duration": 0, "timeUnit": "MINUTES" } } } },
        "mobile": { "enabled": true, "applications": [{ "id": "x" }] },
        "fido2": { "enabled": true, "fido2PolicyId": "x" },
        "rememberMe": { "web": { "enabled": true, "lifeTime": { "duration": 91, "timeUnit": "DAYS" } } } });
    assert_eq!(
        targets(build::<DeviceAuthenticationPolicy>(body)),
        [
            "rememberMe.web.lifeTime.duration",
            "sms.otp.lifeTime.duration",
            "sms.otp.failure.coolDown.duration",
            "email.otp.lifeTime.timeUnit",
            "mobile.applications[0].id",
            "totp.otp.failure.coolDown.duration",
            "fido2.fido2PolicyId",
        ]
    );
}

#[test]
fn what_was_sent_is_told_again_but_for_a_member_that_is_not_kept() {
    let mut body = json!({ "name": "Mine", "blockDisabledUsers": true,
        "sms": { "enabled": true, "pairingDisabled": false, "promptForNicknameOnPairing": true },
        "totp": { "enabled": true, "passcodeGracePeriod": 5 },
        "fido2": { "enabled": true, "failure": { "count": 4 } },
        "mobile": { "enabled": true, "applications": [],
            "otp": { "window": { "stepSize": { "duration": 30, "timeUnit": "SECONDS" } } } } });
    let policy = build::<DeviceAuthenticationPolicy>(body.clone()).unwrap();
    let policy = stored(policy.body);
    let view = Value::Object(DeviceAuthenticationPolicy::view(&policy, NOW));
    assert_eq!(view["mobile"]["otp"].get("window"), None);
    body["mobile"]["otp"]
        .as_object_mut()
        .unwrap()
        .remove("window");
    let mut again = view.clone();
    crate::schema::merge_patch(&mut again, body);
    assert_eq!(view, again);
    let kept = serde_json::to_value(&policy.body).unwrap();
    let kept: DeviceAuthenticationPolicy = serde_json::from_value(kept).unwrap();
    let kept = Value::Object(DeviceAuthenticationPolicy::view(&stored(kept), NOW));
    assert_eq!(kept, view);
}

#[test]
fn what_would_let_others_in_and_devices_of_another_product_are_refused() {
    let body = json!({ "name": "Mine", "desktop": { "enabled": false }, "yubikey": {},
        "blockDisabledUsers": false, "blockUsersWithDisabledMfa": false });
    assert_eq!(
        targets(build::<DeviceAuthenticationPolicy>(body)),
        [
            "desktop",
            "yubikey",
            "blockDisabledUsers",
            "blockUsersWithDisabledMfa"
        ]
    );
}

#[test]
fn the_born_policy_is_complete_and_sends_by_sms_and_mail_only() {
    let born = DeviceAuthenticationPolicy::born();
    assert_eq!(born.default, crate::resource::DefaultMark::Set);
    let policy = Stored {
        is_default: true,
        ..stored(born.body)
    };
    assert_eq!(rebuilt_from_view(&policy).body, policy.body);
    let body = &policy.body;
    assert_eq!(
        [
            body.sms.enabled,
            body.email.enabled,
            body.voice.enabled,
            body.whats_app.enabled
        ],
        [true, true, false, false]
    );
}

#[test]
fn the_default_policy_cannot_be_deleted_or_unmarked() {
    let policy = Stored {
        is_default: true,
        ..stored(DeviceAuthenticationPolicy::born().body)
    };
    let Err(Refusal::Invalid(refusal)) = DeviceAuthenticationPolicy::may_leave(&policy, &[]) else {
        panic!()
    };
    assert!(
        refusal
            .message
            .contains("remove default device authentication policy")
    );
    assert_eq!(
        targets(rebuild(json!({ "name": "x", "default": false }), &policy)),
        ["default"]
    );
}
