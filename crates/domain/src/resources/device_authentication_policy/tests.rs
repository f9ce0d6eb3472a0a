use serde_json::json;

use super::*;
use crate::resources::{
    round_trip::rebuilt_from_view,
    trial::{NOW, build, rebuild, stored, targets},
};

#[test]
fn what_is_left_out_is_filled_in() {
    let body = json!({ "name": "Mine", "sms": { "enabled": true }, "totp": { "enabled": true, "otp": { "failure": { "count": 5 } } },
        "fido2": { "enabled": true } });
    let policy = build::<DeviceAuthenticationPolicy>(body).unwrap().body;
    let view = Value::Object(DeviceAuthenticationPolicy::view(&stored(policy), NOW));
    assert_eq!(
        view["sms"],
        json!({ "enabled": true, "pairingDisabled": false, "promptForNicknameOnPairing": false,
            "otp": { "lifeTime": { "duration": 30, "timeUnit": "MINUTES" }, "otpLength": 6,
                "failure": { "count": 3, "coolDown": { "duration": 0, "timeUnit": "MINUTES" } } } })
    );
    assert_eq!(
        view["totp"]["otp"]["failure"],
        json!({ "count": 5, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } })
    );
    assert_eq!(view["fido2"]["failure"]["coolDown"]["duration"], 2);
    assert_eq!(view["whatsApp"]["enabled"], false);
    assert_eq!(view["forSignOnPolicy"], false);
    assert_eq!(view["rememberMe"]["web"]["lifeTime"]["duration"], 30);
    for absent in ["oathToken", "desktop", "yubikey", "notificationsPolicy"] {
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
