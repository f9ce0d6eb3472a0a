//! The drafts of the resources, held against the check.

use super::*;
use crate::{
    resource::Resource,
    resources::{
        self,
        trial::{OTHER, build_in},
    },
};

#[test]
fn every_rule_of_the_drafts_is_enforced() {
    fn unknown<R: Resource>() -> (&'static str, Vec<String>) {
        (R::KIND.name, unknown_keywords::<R::Draft>())
    }
    for (name, unknown) in [
        unknown::<resources::api_resource::ApiResource>(),
        unknown::<resources::application::Application>(),
        unknown::<resources::environment::Environment>(),
        unknown::<resources::grant::Grant>(),
        unknown::<resources::license::License>(),
        unknown::<resources::organization::Organization>(),
        unknown::<resources::role_assignment::RoleAssignment<resources::user::User>>(),
        unknown::<resources::scope::Scope>(),
        unknown::<resources::sign_on_action::SignOnAction>(),
        unknown::<resources::sign_on_policy::SignOnPolicy>(),
        unknown::<resources::sign_on_policy_assignment::SignOnPolicyAssignment>(),
    ] {
        assert_eq!(unknown, Vec::<String>::new(), "{name}");
    }
}

/// A body that is accepted, as a start.
fn samples() -> Vec<Value> {
    vec![
        json!({
            "name": "a", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
            "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
            "redirectUris": ["https://app.example.test/cb"], "tokenEndpointAuthMethod": "NONE",
            "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS", "origins": ["https://a.test"] }
        }),
        json!({
            "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1, "sms": { "enabled": true },
            "condition": { "not": {} }, "applications": []
        }),
        json!({ "type": "LOGIN", "priority": 2, "recovery": { "enabled": true }, "registration": { "enabled": false } }),
        json!({
            "name": "a", "type": "SANDBOX", "region": "EU", "license": { "id": OTHER },
            "billOfMaterials": { "products": [{ "type": "PING_ONE_BASE", "bookmarks": [] }] }
        }),
        json!({ "resource": { "id": OTHER }, "scopes": [{ "id": OTHER }] }),
        json!({ "role": { "id": OTHER }, "scope": { "id": OTHER, "type": "ENVIRONMENT" } }),
        json!({ "signOnPolicy": { "id": OTHER }, "priority": 1 }),
        json!({ "name": "a", "audience": "b", "accessTokenValiditySeconds": 300, "schemaAttributes": ["*"] }),
    ]
}

/// A sample with one part replaced.
fn spoiled() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(samples()),
        any::<prop::sample::Index>(),
        any_json(),
    )
        .prop_map(|(mut body, place, replacement)| {
            let mut pointers = Vec::new();
            places(&body, String::new(), &mut pointers);
            if let Some(part) = body.pointer_mut(&pointers[place.index(pointers.len())]) {
                *part = replacement;
            }
            body
        })
}

fn places(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, member)| places(member, format!("{pointer}/{name}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| places(item, format!("{pointer}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(pointer);
}

fn hold<R: Resource>(body: &Value) {
    let is_clean = check::<R::Draft>(body, "").is_empty();
    assert_eq!(
        is_clean,
        decode::<R::Draft>(body.clone()).is_ok(),
        "{} {body}",
        R::KIND.name
    );
    if let Err(faults) = build_in::<R>(body.clone(), None, Some(&json!({ "type": "CUSTOM" }))) {
        assert!(!faults.is_empty(), "{} {body}", R::KIND.name);
    }
}

proptest! {
    #[test]
    fn every_body_is_either_read_or_told_its_faults(body in prop_oneof![any_json(), spoiled()]) {
        hold::<resources::api_resource::ApiResource>(&body);
        hold::<resources::application::Application>(&body);
        hold::<resources::environment::Environment>(&body);
        hold::<resources::grant::Grant>(&body);
        hold::<resources::license::License>(&body);
        hold::<resources::organization::Organization>(&body);
        hold::<resources::role_assignment::RoleAssignment<resources::user::User>>(&body);
        hold::<resources::scope::Scope>(&body);
        hold::<resources::sign_on_action::SignOnAction>(&body);
        hold::<resources::sign_on_policy::SignOnPolicy>(&body);
        hold::<resources::sign_on_policy_assignment::SignOnPolicyAssignment>(&body);
    }
}
