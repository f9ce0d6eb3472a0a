use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    resources::trial::{DEFAULT, NOW, OTHER, build, fault, rebuild, stored, targets},
    time::Duration,
    violation::ViolationCode,
};

fn mfa(members: Value) -> Value {
    let mut body = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1 });
    crate::schema::merge_patch(&mut body, members);
    body
}

fn login(members: Value) -> Value {
    let mut body = json!({ "type": "LOGIN", "priority": 1 });
    crate::schema::merge_patch(&mut body, members);
    body
}

fn accepted(body: Value) -> Value {
    Value::Object(SignOnAction::view(
        &stored(build::<SignOnAction>(body).unwrap().body),
        NOW,
    ))
}

#[test]
fn a_bare_login_is_enough() {
    assert_eq!(
        accepted(login(json!({}))),
        json!({ "type": "LOGIN", "priority": 1, "recovery": { "enabled": false },
            "enforceLockoutForIdentityProviders": false })
    );
    assert_eq!(
        accepted(login(json!({ "recovery": { "enabled": true } })))["recovery"]["enabled"],
        true
    );
}

#[test]
fn registration_and_other_origins_of_users_are_refused() {
    let body = login(json!({
        "registration": { "enabled": true, "population": { "id": OTHER } },
        "socialProviders": [{ "id": OTHER }], "newUserProvisioning": { "gateways": [] },
        "enforceLockoutForIdentityProviders": true
    }));
    assert_eq!(
        targets(build::<SignOnAction>(body)),
        [
            "registration.enabled",
            "registration.population",
            "socialProviders",
            "newUserProvisioning",
            "enforceLockoutForIdentityProviders"
        ]
    );
    let off = login(json!({ "registration": { "enabled": false }, "socialProviders": [] }));
    assert_eq!(accepted(off)["registration"], json!({ "enabled": false }));
}

#[test]
fn types_that_do_not_run_are_refused() {
    let fault = fault(build::<SignOnAction>(
        json!({ "type": "AGREEMENT", "priority": 1 }),
    ));
    assert_eq!(
        (fault.target.as_str(), fault.code),
        ("type", ViolationCode::InvalidValue)
    );
    assert_eq!(
        fault.inner,
        json!({ "allowedValues": ["LOGIN", "MULTI_FACTOR_AUTHENTICATION"] })
    );
    assert_eq!(
        targets(build::<SignOnAction>(json!({}))),
        ["type", "priority"]
    );
}

#[test]
fn the_modern_form_names_a_policy() {
    let action = build::<SignOnAction>(mfa(
        json!({ "deviceAuthenticationPolicy": { "id": OTHER } }),
    ))
    .unwrap()
    .body;
    let [reference] = action.references().try_into().unwrap();
    assert_eq!(
        (reference.id.to_string().as_str(), reference.target.as_str()),
        (OTHER, "deviceAuthenticationPolicy.id")
    );
    assert_eq!(
        Value::Object(SignOnAction::view(&stored(action), NOW)),
        mfa(json!({ "deviceAuthenticationPolicy": { "id": OTHER }, "noDevicesMode": "BLOCK" }))
    );
}

#[test]
fn without_either_form_the_default_policy_is_used_and_shown() {
    let answer = accepted(mfa(
        json!({ "noDevicesMode": "BYPASS", "applications": [] }),
    ));
    assert_eq!(
        answer["deviceAuthenticationPolicy"]["id"],
        DEFAULT.to_string()
    );
    assert_eq!(answer["noDevicesMode"], "BYPASS");
}

#[test]
fn the_inline_form_is_answered_with_all_its_switches() {
    let answer = accepted(mfa(json!({ "sms": { "enabled": true } })));
    assert_eq!(
        answer,
        mfa(json!({
            "noDevicesMode": "BLOCK", "sms": { "enabled": true }, "voice": { "enabled": false },
            "email": { "enabled": false }, "authenticator": { "enabled": false },
            "securityKey": { "enabled": false }, "boundBiometrics": { "enabled": false }, "applications": []
        }))
    );
}

#[test]
fn an_inline_form_without_a_usable_method_is_refused() {
    let none = fault(build::<SignOnAction>(mfa(
        json!({ "sms": { "enabled": false } }),
    )));
    assert_eq!(none.code, ViolationCode::InvalidValue);
    let body = mfa(
        json!({ "sms": { "enabled": true }, "voice": { "enabled": true }, "applications": [{ "id": OTHER }] }),
    );
    assert_eq!(
        targets(build::<SignOnAction>(body)),
        ["voice.enabled", "applications"]
    );
}

#[test]
fn both_forms_in_one_body_conflict() {
    let body =
        mfa(json!({ "deviceAuthenticationPolicy": { "id": OTHER }, "email": { "enabled": true } }));
    let fault = fault(build::<SignOnAction>(body));
    assert_eq!(fault.code, ViolationCode::MfaAuthMethodsConflict);
    assert_eq!(fault.target, "deviceAuthenticationPolicy");
}

#[test]
fn a_replacement_with_what_was_answered_changes_nothing_but_the_type_stays() {
    let condition = json!({ "or": [{ "greater": 5400, "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}" }] });
    for body in [
        login(json!({ "registration": { "enabled": false } })),
        mfa(json!({ "sms": { "enabled": true } })),
        mfa(json!({ "priority": 2, "condition": condition })),
    ] {
        let before = stored(build::<SignOnAction>(body).unwrap().body);
        let answer = Value::Object(SignOnAction::view(&before, NOW));
        assert_eq!(rebuild(answer, &before).unwrap().body, before.body);
        let read: SignOnAction =
            serde_json::from_value(serde_json::to_value(&before.body).unwrap()).unwrap();
        assert_eq!(read, before.body, "what is stored is read back");
    }
    let before = stored(build::<SignOnAction>(login(json!({}))).unwrap().body);
    assert_eq!(targets(rebuild(mfa(json!({})), &before)), ["type"]);
}

#[test]
fn a_condition_is_kept_as_it_was_sent() {
    let text = r#"{"or":[{"not":{"ipRange":["10.20.0.0/16"],"contains":"${flow.request.http.remoteIp}"}}]}"#;
    let condition: Value = serde_json::from_str(text).unwrap();
    let answer = accepted(mfa(json!({ "condition": condition })));
    assert_eq!(answer["condition"].to_string(), text);
    assert_eq!(
        targets(build::<SignOnAction>(mfa(json!({ "condition": [] })))),
        ["condition"]
    );
}

#[test]
fn a_policy_keeps_its_last_action_and_has_at_most_twenty() {
    let action = stored(SignOnAction::born_login(1));
    let Err(Refusal::Invalid(fault)) =
        SignOnAction::may_leave(&action, std::slice::from_ref(&action))
    else {
        panic!("deleted")
    };
    assert_eq!(fault.code, ViolationCode::ConstraintViolation);
    assert!(
        fault
            .message
            .contains("Cannot delete last action from the policy")
    );
    assert!(SignOnAction::may_leave(&action, &[action.clone(), action.clone()]).is_ok());
    assert!(action.body.may_join(&vec![action.clone(); 19]).is_ok());
    assert!(action.body.may_join(&vec![action.clone(); 20]).is_err());
}

#[test]
fn equal_priorities_stay_in_the_order_in_which_they_were_made() {
    let action = |priority, second, id| Stored {
        id: Id::from_uuid(Uuid::from_u128(id)),
        created_at: NOW + Duration::from_seconds(second),
        ..stored(SignOnAction::born_login(priority))
    };
    let mut items = [action(2, 0, 1), action(1, 2, 2), action(1, 1, 3)];
    SignOnAction::arrange(&mut items);
    assert_eq!(items.map(|item| item.id.uuid().as_u128()), [3, 2, 1]);
}

#[test]
fn a_condition_on_the_clients_address_needs_a_server_that_knows_it() {
    let address = "${flow.request.http.remoteIp}";
    let range = json!({ "ipRange": ["10.0.0.0/8"], "contains": address });
    let complete = |condition: &Value, is_known| {
        let body = mfa(json!({ "condition": condition }));
        let draft: SignOnActionDraft = crate::schema::decode(body).unwrap();
        draft.complete(Some(Id::from_uuid(DEFAULT)), is_known).1
    };
    for condition in [
        range.clone(),
        json!({ "not": range }),
        json!({ "or": [{ "exists": "${identifier}" }, { "and": [range] }] }),
        json!({ "exists": address }),
        json!({ "value": address, "equals": "10.0.0.1" }),
        json!({ "anonymousNetwork": [], "valid": address }),
    ] {
        assert_eq!(complete(&condition, true), []);
        let faults = complete(&condition, false);
        assert_eq!((faults.len(), faults[0].target.as_str()), (1, "condition"));
        assert!(faults[0].message.contains("trusted_proxies"), "{condition}");
    }
    assert_eq!(complete(&json!({ "exists": "${identifier}" }), false), []);
}
