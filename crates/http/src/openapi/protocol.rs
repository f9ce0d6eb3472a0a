//! What the provider's endpoints and flows take and answer.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    parameters::{Parameter, id as id_parameter, text as text_parameter},
    schemas::{id, links, named, object, reference, time},
};

fn text() -> Value {
    json!({ "type": "string" })
}

fn seconds() -> Value {
    json!({ "type": "integer" })
}

fn texts() -> Value {
    json!({ "type": "array", "items": text() })
}

/// The members, and whatever else there is.
fn open(schema: Value) -> Value {
    let mut schema = schema;
    if let Some(members) = schema.as_object_mut() {
        members.insert("additionalProperties".to_owned(), true.into());
    }
    schema
}

const AUTHORIZE: [(&str, &str); 15] = [
    ("response_type", "`code`."),
    (
        "redirect_uri",
        "One of those that the application has registered.",
    ),
    (
        "scope",
        "Scopes separated by spaces; `openid` for an ID token.",
    ),
    ("state", "Sent back as it is."),
    ("nonce", "Becomes a claim of the ID token."),
    (
        "response_mode",
        "`query`, `fragment`, `form_post` or `pi.flow`.",
    ),
    ("prompt", "`none` or `login`."),
    (
        "max_age",
        "For how many seconds a sign-on of before is good enough.",
    ),
    (
        "acr_values",
        "Names of sign-on policies separated by spaces.",
    ),
    ("login_hint", "Who is expected to sign on."),
    ("login_hint_token", "A signed JWT that tells who signs on."),
    (
        "id_token_hint",
        "An ID token of whoever is expected to sign on.",
    ),
    ("resource", "Whom the access token is meant for (RFC 8707)."),
    ("code_challenge", "The challenge of PKCE (RFC 7636)."),
    ("code_challenge_method", "`S256` or `plain`."),
];

/// Those of an authorize request, in its query.
pub(crate) fn authorize_parameters() -> Vec<Parameter> {
    let mut parameters = vec![id_parameter("client_id", "The id of the application.")];
    parameters.extend(AUTHORIZE.map(|(name, about)| text_parameter(name, about)));
    parameters
}

/// The same as a form.
pub(crate) fn authorize_form(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "AuthorizeForm", |_| {
        let mut form = object(0, json!({ "client_id": id() }));
        if let Some(members) = form
            .pointer_mut("/properties")
            .and_then(Value::as_object_mut)
        {
            for (name, about) in AUTHORIZE {
                let member = json!({ "type": "string", "description": about });
                members.insert(name.to_owned(), member);
            }
        }
        form
    })
}

pub(crate) fn flow_id_form(_: &mut SchemaGenerator) -> Schema {
    inline(object(0, json!({ "flowId": id() })))
}

pub(crate) fn token_form(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "TokenForm", |_| {
        let grants = ["authorization_code", "refresh_token", "client_credentials"];
        object(
            1,
            json!({
                "grant_type": { "type": "string", "enum": grants },
                "code": text(),
                "redirect_uri": text(),
                "code_verifier": text(),
                "refresh_token": text(),
                "scope": text(),
                "client_id": text(),
                "client_secret": text(),
            }),
        )
    })
}

pub(crate) fn introspection_form(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "IntrospectionForm", |_| {
        object(
            1,
            json!({
                "token": text(),
                "token_type_hint": text(),
                "client_id": text(),
                "client_secret": text(),
            }),
        )
    })
}

pub(crate) fn access_token_form(_: &mut SchemaGenerator) -> Schema {
    inline(object(0, json!({ "access_token": text() })))
}

/// What a person enters on the hosted page.
pub(crate) fn page_form(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "SignOnForm", |_| {
        object(
            3,
            json!({
                "flowId": id(),
                "csrfToken": text(),
                "action": text(),
                "username": text(),
                "password": text(),
                "deviceId": id(),
                "otp": text(),
            }),
        )
    })
}

pub(crate) fn token(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Token", |_| {
        object(
            3,
            json!({
                "access_token": text(),
                "token_type": { "type": "string", "const": "Bearer" },
                "expires_in": seconds(),
                "scope": text(),
                "id_token": text(),
                "refresh_token": text(),
            }),
        )
    })
}

pub(crate) fn introspection(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Introspection", |_| {
        open(object(
            1,
            json!({
                "active": { "type": "boolean" },
                "token_type": text(),
                "client_id": text(),
                "sub": text(),
                "iss": text(),
                "scope": text(),
                "exp": seconds(),
                "iat": seconds(),
            }),
        ))
    })
}

pub(crate) fn jwks(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Jwks", |_| {
        let key = open(object(
            5,
            json!({ "kty": text(), "kid": text(), "use": text(), "n": text(), "e": text(), "alg": text() }),
        ));
        object(1, json!({ "keys": { "type": "array", "items": key } }))
    })
}

pub(crate) fn metadata(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "ProviderMetadata", |_| {
        open(object(
            9,
            json!({
                "issuer": text(),
                "authorization_endpoint": text(),
                "token_endpoint": text(),
                "userinfo_endpoint": text(),
                "jwks_uri": text(),
                "introspection_endpoint": text(),
                "scopes_supported": texts(),
                "response_types_supported": texts(),
                "grant_types_supported": texts(),
            }),
        ))
    })
}

pub(crate) fn claims(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Claims", |_| {
        open(object(1, json!({ "sub": text() })))
    })
}

/// A flow as the client sees it.
pub(crate) fn flow(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Flow", |generator| {
        let links = links(generator);
        let devices = json!({ "type": "array", "items": flow_device() });
        let user = object(
            2,
            json!({
                "id": id(),
                "username": text(),
                "name": object(0, json!({ "given": text(), "family": text() })),
            }),
        );
        let failure = object(
            2,
            json!({
                "code": text(),
                "message": text(),
                "unavailableDevices": { "type": "array", "items": reference() },
            }),
        );
        let not_sent = open(object(
            3,
            json!({ "code": text(), "message": text(), "device": reference() }),
        ));
        let embedded = object(
            1,
            json!({
                "application": open(object(1, json!({ "id": id(), "name": text() }))),
                "user": user,
                "devices": devices,
                "blockedDevices": devices,
            }),
        );
        object(
            9,
            json!({
                "_links": links,
                "id": id(),
                "status": text(),
                "session": object(1, json!({ "id": text() })),
                "resumeUrl": text(),
                "createdAt": time(),
                "expiresAt": time(),
                "authenticators": texts(),
                "_embedded": embedded,
                "loginHint": text(),
                "selectedDevice": reference(),
                "bypassAllowed": { "type": "boolean" },
                "notSent": not_sent,
                "error": failure,
                "authorizeResponse": { "type": "object", "additionalProperties": true },
            }),
        )
    })
}

fn flow_device() -> Value {
    let usable = object(1, json!({ "status": text(), "reason": text() }));
    object(
        4,
        json!({
            "id": id(),
            "type": text(),
            "status": text(),
            "usableStatus": usable,
            "phone": text(),
            "email": text(),
            "nickname": text(),
        }),
    )
}

fn inline(schema: Value) -> Schema {
    Schema::try_from(schema).unwrap_or_default()
}
