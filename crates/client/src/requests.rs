//! The requests of the main job, one function each. Paths and bodies as a reader of the contract
//! would write them.

use serde_json::json;

use crate::{Application, Request, User};

/// Media type of the one-time code's action.
pub const OTP_CHECK: &str = "application/vnd.pingidentity.otp.check+json";
/// Media type of choosing a device, and of sending its code again.
const PASSWORD_SET: &str = "application/vnd.pingidentity.password.set+json";

/// `/v1/environments/{environment}/{rest}`.
pub fn management(environment: &str, rest: &str) -> String {
    format!("/v1/environments/{environment}/{rest}")
}

pub fn environment(name: &str, license: &str) -> Request {
    Request::post("/v1/environments").json(&json!({
        "name": name, "type": "SANDBOX", "region": "NA", "license": { "id": license },
    }))
}

pub fn application(environment: &str, application: &Application) -> Request {
    Request::post(management(environment, "applications")).json(&json!({
        "name": application.name, "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": application.grant_types, "responseTypes": ["CODE"],
        "redirectUris": [application.redirect_uri],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC", "pkceEnforcement": "OPTIONAL",
    }))
}

pub fn application_secret(environment: &str, application: &str) -> Request {
    Request::get(management(
        environment,
        &format!("applications/{application}/secret"),
    ))
}

pub fn resources(environment: &str) -> Request {
    Request::get(management(environment, "resources"))
}

pub fn scopes(environment: &str, resource: &str) -> Request {
    Request::get(management(
        environment,
        &format!("resources/{resource}/scopes"),
    ))
}

pub fn grant(environment: &str, application: &str, resource: &str, scopes: &[String]) -> Request {
    let scopes: Vec<_> = scopes.iter().map(|id| json!({ "id": id })).collect();
    Request::post(management(
        environment,
        &format!("applications/{application}/grants"),
    ))
    .json(&json!({ "resource": { "id": resource }, "scopes": scopes }))
}

pub fn sign_on_policy(environment: &str, name: &str) -> Request {
    Request::post(management(environment, "signOnPolicies"))
        .json(&json!({ "name": name, "description": "Second factor only" }))
}

/// The inline form of the action: only SMS devices may be used.
pub fn sms_action(environment: &str, policy: &str) -> Request {
    Request::post(management(
        environment,
        &format!("signOnPolicies/{policy}/actions"),
    ))
    .json(&json!({
        "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1, "noDevicesMode": "BLOCK",
        "sms": { "enabled": true }, "voice": { "enabled": false }, "email": { "enabled": false },
        "authenticator": { "enabled": false }, "securityKey": { "enabled": false },
        "boundBiometrics": { "enabled": false },
    }))
}

pub fn policy_assignment(environment: &str, application: &str, policy: &str) -> Request {
    Request::post(management(
        environment,
        &format!("applications/{application}/signOnPolicyAssignments"),
    ))
    .json(&json!({ "priority": 1, "signOnPolicy": { "id": policy } }))
}

pub fn population(environment: &str, name: &str) -> Request {
    Request::post(management(environment, "populations"))
        .json(&json!({ "name": name, "description": "People who sign on with a second factor" }))
}

pub fn user(environment: &str, population: &str, username: &str) -> Request {
    Request::post(management(environment, "users")).json(&json!({
        "username": username, "email": format!("{username}@example.com"),
        "name": { "given": "Mira", "family": "Kos" }, "population": { "id": population },
    }))
}

pub fn set_password(environment: &str, user: &str, password: &str) -> Request {
    Request::post(management(environment, &format!("users/{user}/password")))
        .typed(PASSWORD_SET, json!({ "value": password }).to_string())
}

pub fn enable_mfa(environment: &str, user: &str) -> Request {
    Request::post(management(environment, &format!("users/{user}/mfaEnabled")))
        .json(&json!({ "mfaEnabled": true }))
}

pub fn sms_device(environment: &str, user: &str, phone: &str) -> Request {
    Request::post(management(environment, &format!("users/{user}/devices")))
        .json(&json!({ "type": "SMS", "phone": phone }))
}

/// `/as/authorize` by POST, with a flow as its answer instead of a redirect.
pub fn authorize(
    environment: &str,
    client_id: &str,
    redirect_uri: &str,
    hint: &str,
    extra: &[(&str, &str)],
) -> Request {
    let mut form = vec![
        ("client_id", client_id),
        ("response_type", "code"),
        ("response_mode", "pi.flow"),
        ("redirect_uri", redirect_uri),
        ("scope", "openid profile email"),
        ("login_hint_token", hint),
    ];
    form.extend_from_slice(extra);
    Request::post(format!("/{environment}/as/authorize")).form(&form)
}

pub fn check_code(environment: &str, flow: &str, cookie: &str, code: &str) -> Request {
    Request::post(format!("/{environment}/flows/{flow}"))
        .typed(OTP_CHECK, json!({ "otp": code }).to_string())
        .cookie(cookie)
}

pub fn flow(environment: &str, flow: &str, cookie: &str) -> Request {
    Request::get(format!("/{environment}/flows/{flow}")).cookie(cookie)
}

pub fn resume(environment: &str, flow: &str, cookie: &str) -> Request {
    Request::get(format!("/{environment}/as/resume?flowId={flow}")).cookie(cookie)
}

pub fn redeem_code(
    environment: &str,
    application: &Application,
    client: (&str, &str),
    code: &str,
) -> Request {
    Request::post(format!("/{environment}/as/token"))
        .basic(client.0, client.1)
        .form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &application.redirect_uri),
        ])
}

pub fn client_credentials(environment: &str, id: &str, secret: &str) -> Request {
    Request::post(format!("/{environment}/as/token"))
        .basic(id, secret)
        .form(&[("grant_type", "client_credentials")])
}

pub fn jwks(environment: &str) -> Request {
    Request::get(format!("/{environment}/as/jwks"))
}

impl User {
    /// The `number`-th fictitious user: every one has a phone number of its own.
    pub fn numbered(number: u32) -> Self {
        Self {
            username: format!("user-{number:07}"),
            phone: format!("+1.512{}{:04}", 220 + number / 10_000, number % 10_000),
            // A letter after each digit: a policy may refuse a character three times in a row.
            password: format!("{number:07}")
                .chars()
                .fold("Correct-horse-".to_owned(), |password, digit| {
                    format!("{password}{digit}x")
                }),
        }
    }
}
