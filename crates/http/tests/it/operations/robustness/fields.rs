//! The parameters of the public operations, as far as somebody might send them.

use stepgate_http::api::Operation;

/// Values that a client chooses.
pub(super) const CHOICES: [(&str, &[&str]); 16] = [
    (
        "grant_type",
        &[
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "password",
        ],
    ),
    (
        "response_type",
        &[
            "code",
            "code",
            "code",
            "code",
            "token",
            "code id_token",
            "none",
        ],
    ),
    (
        "response_mode",
        &[
            "pi.flow",
            "pi.flow",
            "query",
            "fragment",
            "form_post",
            "web_message",
        ],
    ),
    (
        "scope",
        &[
            "openid",
            "openid profile email",
            "openid offline_access",
            "p1:read:user",
            " ",
        ],
    ),
    (
        "prompt",
        &["login", "consent", "none", "login consent", "none login"],
    ),
    ("max_age", &["0", "1", "300", "-1", "4294967296"]),
    (
        "acr_values",
        &["Multi_Factor", "Single_Factor x", "a b c d"],
    ),
    ("ui_locales", &["nb en", "x"]),
    ("code_challenge_method", &["S256", "plain", "s256"]),
    (
        "code_challenge",
        &["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "short"],
    ),
    (
        "code_verifier",
        &["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "short"],
    ),
    ("token_type_hint", &["access_token", "refresh_token", "x"]),
    (
        "client_assertion_type",
        &["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    ),
    (
        "resource",
        &["https://payments.test", "https://api.pingone.com"],
    ),
    (
        "action",
        &[
            "otp.check",
            "device.select",
            "user.lookup",
            "usernamePassword.check",
            "session.reset",
        ],
    ),
    ("notice", &["sent"]),
];

/// What the endpoints of these ends ask for, and what else they know.
const FIELDS: [(&str, &[&str], &[&str]); 8] = [
    (
        "/token",
        &["grant_type", "code", "refresh_token", "redirect_uri"],
        &[
            "client_id",
            "client_secret",
            "scope",
            "code_verifier",
            "client_assertion",
            "client_assertion_type",
            "resource",
        ],
    ),
    (
        "/introspect",
        &["token"],
        &["token_type_hint", "client_id", "client_secret"],
    ),
    (
        "/authorize",
        &[
            "client_id",
            "response_type",
            "response_mode",
            "redirect_uri",
            "login_hint_token",
        ],
        &[
            "scope",
            "state",
            "nonce",
            "prompt",
            "max_age",
            "acr_values",
            "ui_locales",
            "code_challenge",
            "code_challenge_method",
            "login_hint",
            "id_token_hint",
            "request",
            "request_uri",
            "mobilePayload",
            "resource",
        ],
    ),
    ("/resume", &["flowId"], &["client_id", "state"]),
    ("/userinfo", &[], &["access_token"]),
    (
        "/signon",
        &[
            "flowId",
            "csrfToken",
            "action",
            "otp",
            "deviceId",
            "username",
            "password",
        ],
        &["notice"],
    ),
    ("/inbox", &[], &["to"]),
    ("/messages", &[], &["to"]),
];

/// What the operation asks for, and what else it knows.
pub(super) fn fields(operation: &Operation) -> (&'static [&'static str], &'static [&'static str]) {
    let path = operation.path.trim_end_matches('/');
    let found = FIELDS.iter().find(|(end, _, _)| path.ends_with(end));
    found.map_or((&[], &[]), |(_, asked, known)| (*asked, *known))
}
