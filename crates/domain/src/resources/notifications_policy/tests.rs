use serde_json::json;

use super::*;
use crate::resources::{
    round_trip::rebuilt_from_view,
    trial::{NOW, build, stored, targets},
};

fn policy(members: &Value) -> Result<Built<NotificationsPolicy>, Vec<Violation>> {
    let mut body = json!({ "name": "Careful", "quotas": [] });
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    build(body)
}

#[test]
fn answers_a_country_limit_and_a_cooldown_even_when_none_was_sent() {
    let built = policy(&json!({})).unwrap();
    let view = Value::Object(NotificationsPolicy::view(&stored(built.body), NOW));
    assert_eq!(view["countryLimit"], json!({ "type": "NONE" }));
    assert_eq!(
        view["cooldownConfiguration"]["whatsApp"],
        json!({ "enabled": false })
    );
    assert_eq!(view["quotas"], json!([]));
}

#[test]
fn mail_is_counted_alone_and_every_medium_once() {
    let quota = |methods: Value| json!({ "type": "USER", "deliveryMethods": methods, "total": 9 });
    let faults = |quotas: Value| targets(policy(&json!({ "quotas": quotas })));
    assert_eq!(
        faults(json!([quota(json!(["SMS", "Email"]))])),
        ["quotas[0].deliveryMethods"]
    );
    assert_eq!(
        faults(json!([quota(json!(["SMS"])), quota(json!(["Voice"]))])),
        ["quotas[1].deliveryMethods"]
    );
    assert!(
        policy(&json!({ "quotas": [quota(json!(["SMS", "Voice"])), quota(json!(["Email"]))] }))
            .is_ok()
    );
}

#[test]
fn a_quota_is_a_total_or_two_parts() {
    let fault = |members: Value| {
        let mut quota = json!({ "type": "USER" });
        quota
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        policy(&json!({ "quotas": [quota] }))
            .map(|_| ())
            .map_err(|faults| faults[0].target.clone())
    };
    assert_eq!(fault(json!({ "claimed": 9, "unclaimed": 4 })), Ok(()));
    assert_eq!(
        fault(json!({ "total": 9, "claimed": 4 })),
        Err("quotas[0].total".to_owned())
    );
    assert_eq!(
        fault(json!({ "claimed": 4 })),
        Err("quotas[0].unclaimed".to_owned())
    );
    assert_eq!(fault(json!({})), Err("quotas[0].total".to_owned()));
}

#[test]
fn countries_belong_to_a_limit() {
    let built =
        policy(&json!({ "countryLimit": { "type": "ALLOWED", "countries": ["NO"] } })).unwrap();
    assert_eq!(
        built.body.country_limit.delivery_methods.unwrap(),
        [PhoneMethod::Sms, PhoneMethod::Voice]
    );
    for limit in [
        json!({ "type": "DENIED" }),
        json!({ "type": "NONE", "countries": ["NO"] }),
    ] {
        assert_eq!(
            targets(policy(&json!({ "countryLimit": limit }))),
            ["countryLimit.countries"]
        );
    }
}

#[test]
fn a_code_that_no_country_has_is_refused_at_its_place() {
    let limit = json!({ "type": "ALLOWED", "countries": ["NO", "XX"] });
    let conditions = json!([{ "fallbackChain": [{ "id": "PINGONE_TWILIO" }] },
        { "countries": ["ZZ"], "fallbackChain": [{ "id": "PINGONE_TWILIO" }] }]);
    let body =
        json!({ "countryLimit": limit, "providerConfiguration": { "conditions": conditions } });
    assert_eq!(
        targets(policy(&body)),
        [
            "countryLimit.countries[1]",
            "providerConfiguration.conditions[1].countries[0]"
        ]
    );
}

#[test]
fn what_a_cooldown_is_grouped_by_is_kept_and_two_words_mean_the_user() {
    for (group, is_per_user) in [
        ("USER_ID", true),
        ("USER", true),
        ("PHONE", false),
        ("", false),
    ] {
        let off = json!({ "enabled": false });
        let sms = json!({ "enabled": false, "groupBy": group });
        let all = json!({ "sms": sms, "email": off, "voice": off, "whatsApp": off });
        let built = policy(&json!({ "cooldownConfiguration": all })).unwrap();
        let cooldown = &built.body.cooldown_configuration.sms;
        assert_eq!(cooldown.is_per_user(), is_per_user, "{group}");
        assert_eq!(cooldown.group_by.as_deref(), Some(group));
    }
}

#[test]
fn an_enabled_cooldown_says_how_long_and_how_often() {
    let with_sms = |sms: Value| {
        let off = json!({ "enabled": false });
        policy(
            &json!({ "cooldownConfiguration": { "sms": sms, "email": off, "voice": off, "whatsApp": off } }),
        )
    };
    assert_eq!(
        targets(with_sms(json!({ "enabled": true }))),
        [
            "cooldownConfiguration.sms.periods",
            "cooldownConfiguration.sms.resendLimit"
        ]
    );
    let periods = json!([{ "duration": 25, "timeUnit": "SECONDS" }, { "duration": 1, "timeUnit": "MINUTES" },
        { "duration": 11, "timeUnit": "MINUTES" }]);
    assert_eq!(
        targets(with_sms(
            json!({ "enabled": true, "resendLimit": 4, "periods": periods })
        )),
        ["cooldownConfiguration.sms.periods[2].duration"]
    );
}

#[test]
fn only_the_built_in_sender_can_be_named_and_one_condition_catches_all() {
    let named =
        json!({ "conditions": [{ "countries": ["NO"], "fallbackChain": [{ "id": "other" }] }] });
    assert_eq!(
        targets(policy(&json!({ "providerConfiguration": named }))),
        [
            "providerConfiguration.conditions",
            "providerConfiguration.conditions[0].fallbackChain[0].id"
        ]
    );
}

#[test]
fn putting_back_what_was_read_changes_nothing() {
    let built = policy(
        &json!({ "quotas": [{ "type": "ENVIRONMENT", "total": 100 }],
        "countryLimit": { "type": "DENIED", "countries": ["KP"], "deliveryMethods": ["SMS"] } }),
    )
    .unwrap();
    for body in [built.body, NotificationsPolicy::born().body] {
        let before = stored(body);
        assert_eq!(rebuilt_from_view(&before).body, before.body);
    }
}

#[test]
fn the_default_one_cannot_be_deleted() {
    let policy = Stored {
        is_default: true,
        ..stored(NotificationsPolicy::born().body)
    };
    let Err(Refusal::Invalid(refusal)) = NotificationsPolicy::may_leave(&policy, &[]) else {
        panic!()
    };
    assert!(
        refusal
            .message
            .contains("remove default notifications policy")
    );
}
