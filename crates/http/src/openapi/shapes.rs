//! The answers of the management API that are no object of a kind.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use stepgate_domain::{
    resource::{Resource, Settings},
    resources::{
        device::Device, environment::bill_of_materials::BillOfMaterials,
        password_policy::PasswordPolicy,
    },
};

use super::{
    names::schema_name,
    schemas::{id, links, listed, named, object, page_of, reference, shown, time},
};

fn text() -> Value {
    json!({ "type": "string" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn one_of(values: &[&str]) -> Value {
    json!({ "type": "string", "enum": values })
}

fn any_object() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}

/// An object with links. Of its members the first `required`, and the links, are always there.
fn linked(
    generator: &mut SchemaGenerator,
    name: &str,
    required: usize,
    members: impl FnOnce(&mut SchemaGenerator) -> Value,
) -> Schema {
    named(generator, name, |generator| {
        let mut all = Map::new();
        all.insert("_links".to_owned(), links(generator).into());
        if let Value::Object(members) = members(generator) {
            all.extend(members);
        }
        object(required + 1, Value::Object(all))
    })
}

/// The members of a type that is shown as it is, with links.
fn shown_as<T: JsonSchema>(generator: &mut SchemaGenerator, name: &str, more: &[&str]) -> Schema {
    named(generator, name, |generator| {
        let mut schema = T::json_schema(generator).to_value();
        let links = links(generator);
        if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            members.insert("_links".to_owned(), links.into());
            for &member in more {
                let form = if member == "environment" {
                    reference()
                } else {
                    time()
                };
                members.insert(member.to_owned(), form);
            }
        }
        if let Some(schema) = schema.as_object_mut() {
            let required = schema.entry("required").or_insert_with(|| json!([]));
            if let Some(required) = required.as_array_mut() {
                required.push("_links".into());
                required.extend(more.iter().map(|&member| Value::from(member)));
            }
        }
        schema
    })
}

pub(crate) fn bill_of_materials(generator: &mut SchemaGenerator) -> Schema {
    shown_as::<BillOfMaterials>(generator, "EnvironmentBillOfMaterials", &[])
}

pub(crate) fn settings<S: Settings>(generator: &mut SchemaGenerator) -> Schema {
    let more = ["environment", "updatedAt"];
    shown_as::<S>(generator, &schema_name(S::KIND), &more)
}

pub(crate) fn license_name(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "LicenseName", 1, |_| json!({ "name": text() }))
}

pub(crate) fn secret(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "Secret", 2, |_| {
        let previous = object(
            2,
            json!({ "secret": text(), "expiresAt": time(), "lastUsed": time() }),
        );
        json!({ "environment": reference(), "secret": text(), "previous": previous })
    })
}

pub(crate) fn role(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "Role", 7, |_| {
        let permission = object(
            3,
            json!({ "id": text(), "classifier": text(), "description": text() }),
        );
        json!({
            "id": id(),
            "name": text(),
            "description": text(),
            "type": one_of(&["PLATFORM"]),
            "applicableTo": { "type": "array", "items": text() },
            "permissions": { "type": "array", "items": permission },
            "canAssign": { "type": "array", "items": reference() },
        })
    })
}

pub(crate) fn roles(generator: &mut SchemaGenerator) -> Schema {
    let role = role(generator);
    page_of(generator, "RoleList", "roles", &role)
}

pub(crate) fn password(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "UserPassword", 4, |generator| {
        let policy = shown::<PasswordPolicy>(generator);
        let remaining = json!({ "type": "integer", "minimum": 0 });
        let warnings = object(
            0,
            json!({
                "passwordExpiring": object(1, json!({ "expiresAt": time() })),
                "failedAttempts": object(1, json!({ "failuresRemaining": remaining })),
            }),
        );
        let statuses = [
            "OK",
            "MUST_CHANGE_PASSWORD",
            "PASSWORD_EXPIRED",
            "PASSWORD_LOCKED_OUT",
            "NO_PASSWORD",
        ];
        json!({
            "environment": reference(),
            "user": reference(),
            "passwordPolicy": reference(),
            "status": one_of(&statuses),
            "lastChangedAt": time(),
            "secondsUntilUnlock": { "type": "integer" },
            "warnings": warnings,
            "_embedded": object(0, json!({ "passwordPolicy": policy })),
        })
    })
}

pub(crate) fn user_enabled(generator: &mut SchemaGenerator) -> Schema {
    linked(
        generator,
        "UserEnabled",
        1,
        |_| json!({ "enabled": flag() }),
    )
}

pub(crate) fn user_population(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "PopulationOfUser", 1, |_| json!({ "id": id() }))
}

pub(crate) fn user_mfa_enabled(generator: &mut SchemaGenerator) -> Schema {
    linked(
        generator,
        "UserMfaEnabled",
        2,
        |_| json!({ "id": id(), "mfaEnabled": flag() }),
    )
}

pub(crate) fn user_bypass_mfa(generator: &mut SchemaGenerator) -> Schema {
    linked(
        generator,
        "UserBypassMfa",
        0,
        |_| json!({ "bypassMFAEnabledUntil": time(), "canBypassMFA": flag() }),
    )
}

pub(crate) fn user_verify_status(generator: &mut SchemaGenerator) -> Schema {
    linked(
        generator,
        "VerifyStatusOfUser",
        1,
        |_| json!({ "verifyStatus": one_of(&["NOT_INITIATED", "ENABLED", "DISABLED"]) }),
    )
}

pub(crate) fn user_identity_provider(generator: &mut SchemaGenerator) -> Schema {
    linked(
        generator,
        "IdentityProviderOfUser",
        1,
        |_| json!({ "type": one_of(&["PING_ONE"]) }),
    )
}

/// With the order that the user prefers, where `expand` names it.
pub(crate) fn user_devices(generator: &mut SchemaGenerator) -> Schema {
    let page = listed::<Device>(generator);
    let embedded = generator
        .definitions_mut()
        .get_mut(&format!("{}List", schema_name(Device::KIND)))
        .and_then(|page| page.pointer_mut("/properties/_embedded/properties"));
    if let Some(Value::Object(embedded)) = embedded {
        let order = json!({ "type": "array", "items": reference() });
        embedded.insert("order".to_owned(), order);
    }
    page
}

pub(crate) fn template(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "Template", 9, |_| {
        json!({
            "environment": reference(),
            "id": text(),
            "displayName": text(),
            "description": text(),
            "deliveryMethods": { "type": "array", "items": text() },
            "variables": {
                "type": "object",
                "additionalProperties": object(1, json!({ "required": flag() })),
            },
            "allowDynamicVariables": flag(),
            "createdAt": time(),
            "updatedAt": time(),
        })
    })
}

pub(crate) fn templates(generator: &mut SchemaGenerator) -> Schema {
    let template = template(generator);
    page_of(generator, "TemplateList", "templates", &template)
}

pub(crate) fn template_content(generator: &mut SchemaGenerator) -> Schema {
    linked(generator, "TemplateContent", 7, |_| {
        json!({
            "environment": reference(),
            "id": id(),
            "deliveryMethod": one_of(&["SMS", "Email"]),
            "locale": text(),
            "default": flag(),
            "createdAt": time(),
            "updatedAt": time(),
            "content": text(),
            "subject": text(),
            "body": text(),
            "charset": text(),
            "emailContentType": text(),
        })
    })
}

pub(crate) fn template_contents(generator: &mut SchemaGenerator) -> Schema {
    let content = template_content(generator);
    page_of(generator, "TemplateContentList", "contents", &content)
}

/// The inbox, health and readiness.
pub(crate) fn inbox(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "InboxMessages", |_| {
        let message = object(
            6,
            json!({
                "id": text(),
                "to": text(),
                "channel": text(),
                "text": text(),
                "code": { "type": ["string", "null"] },
                "time": time(),
            }),
        );
        object(
            1,
            json!({ "messages": { "type": "array", "items": message } }),
        )
    })
}

pub(crate) fn health(_: &mut SchemaGenerator) -> Schema {
    inline(object(1, json!({ "status": one_of(&["ok"]) })))
}

pub(crate) fn readiness(_: &mut SchemaGenerator) -> Schema {
    let store = object(2, json!({ "engine": text(), "synchronous": text() }));
    inline(object(
        1,
        json!({
            "status": one_of(&["ready", "not ready"]),
            "reason": text(),
            "store": store,
        }),
    ))
}

/// This document.
pub(crate) fn document(_: &mut SchemaGenerator) -> Schema {
    inline(any_object())
}

fn inline(schema: Value) -> Schema {
    Schema::try_from(schema).unwrap_or_default()
}
