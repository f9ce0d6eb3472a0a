//! Members of an application that ask for what this server does not do, and those that have one
//! value until it does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ApplicationType;
use crate::{resource::ViewMember, resources::fixed, violation::Violation};

/// Taken with these values, and answered with them.
fn fixed_members(application_type: ApplicationType) -> Value {
    json!({
        "idpSignoff": false,
        "includeX5t": false,
        "mobile": mobile(application_type),
        "opSessionCheckEnabled": false,
        "parRequirement": "OPTIONAL",
        "requestScopesForMultipleResourcesEnabled": false,
        "requireSignedRequestObject": false,
    })
}

/// The platform fills it in for native applications. There is no device of one to be told about.
fn mobile(application_type: ApplicationType) -> Value {
    match application_type {
        ApplicationType::NativeApp => json!({
            "bundleId": null,
            "huaweiAppId": null,
            "huaweiPackageName": null,
            "integrityDetection": {
                "cacheDuration": null,
                "excludedPlatforms": null,
                "googlePlay": null,
                "mode": "DISABLED",
            },
            "packageName": null,
            "passcodeGracePeriod": 5,
            "passcodeRefreshDuration": { "duration": 30, "timeUnit": "SECONDS" },
            "push": null,
            "uriPrefix": null,
        }),
        ApplicationType::WebApp
        | ApplicationType::SinglePageApp
        | ApplicationType::Service
        | ApplicationType::Worker => Value::Null,
    }
}

fn refused_members() -> Value {
    json!({
        "accessControl": { "group": null },
        "clientSecret": null,
        "deviceCustomVerificationUri": null,
        "devicePathId": null,
        "jwks": null,
        "jwksUrl": null,
        "kerberos": null,
        "sectorIdentifierUri": null,
        "signing": null,
        "template": null,
        "userinfoSignedResponseAlg": null,
    })
}

/// Read on creation only, and not shown: an import needs the secret with the id, so neither is taken.
fn members_of_creation() -> Value {
    json!({ "assignActorRoles": false, "clientId": null })
}

pub(super) fn check(
    members: BTreeMap<String, Value>,
    application_type: ApplicationType,
    is_new: bool,
    faults: &mut Vec<Violation>,
) {
    let sent = Value::Object(members.into_iter().collect());
    fixed::check(&sent, &refused_members(), "", faults);
    fixed::check(&sent, &fixed_members(application_type), "", faults);
    if is_new {
        fixed::check(&sent, &members_of_creation(), "", faults);
    }
}

/// The form of those members.
pub(super) fn shown_members() -> Vec<ViewMember> {
    let switch = |name| ViewMember::always(name, json!({ "type": "boolean", "const": false }));
    let mut members: Vec<ViewMember> = [
        "idpSignoff",
        "includeX5t",
        "opSessionCheckEnabled",
        "requestScopesForMultipleResourcesEnabled",
        "requireSignedRequestObject",
    ]
    .map(switch)
    .into();
    let requirement = json!({ "type": "string", "const": "OPTIONAL" });
    members.push(ViewMember::always("parRequirement", requirement));
    let mobile = json!({ "type": "object", "additionalProperties": true });
    members.push(ViewMember::sometimes("mobile", mobile));
    members
}

/// The fixed members as they are answered.
pub(super) fn shown(application_type: ApplicationType) -> Map<String, Value> {
    match fixed::shown(fixed_members(application_type)) {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
