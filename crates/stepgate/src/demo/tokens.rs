//! The last part of the demo: what a relying party checks of its tokens.

use serde_json::{Value, json};
use stepgate_client::{Client, Tenant, Tokens, at_hash, requests, verify};

use super::{NONCE, Row, show::Screen};

pub(super) async fn verify_both(
    client: &Client,
    tenant: &Tenant,
    tokens: &Tokens,
    screen: &Screen,
) -> anyhow::Result<Vec<Row>> {
    let issuer = tenant.issuer(client);
    let jwks = client
        .call(requests::jwks(&tenant.environment.id), 200)
        .await?
        .body;

    let mut rows = Vec::new();
    let access = verify(&tokens.access_token, &jwks, &issuer, None);
    rows.push(row(
        "access token: RS256 signature, issuer, lifetime",
        access.as_ref().err(),
    ));
    let id = verify(&tokens.id_token, &jwks, &issuer, Some(&tenant.client_id));
    rows.push(row(
        "ID token: RS256 signature, issuer, audience, lifetime",
        id.as_ref().err(),
    ));

    if let Ok(claims) = access {
        screen.claims("access token", &claims);
        rows.push(claims_row(
            "access token: claims",
            &claims,
            &[
                ("sub", json!(tenant.user_id)),
                ("client_id", json!(tenant.client_id)),
                ("acr", json!(tenant.policy_name)),
                ("env", json!(tenant.environment.id)),
            ],
        ));
    }
    if let Ok(claims) = id {
        screen.claims("ID token", &claims);
        rows.push(claims_row(
            "ID token: nonce, acr, amr, at_hash",
            &claims,
            &[
                ("sub", json!(tenant.user_id)),
                ("nonce", json!(NONCE)),
                ("acr", json!(tenant.policy_name)),
                ("at_hash", json!(at_hash(&tokens.access_token))),
            ],
        ));
        rows.push(methods_row(&claims));
    }
    Ok(rows)
}

fn row(title: &str, fault: Option<&impl ToString>) -> Row {
    Row {
        title: title.to_owned(),
        differences: fault.map(ToString::to_string).into_iter().collect(),
    }
}

fn claims_row(title: &str, claims: &Value, expected: &[(&str, Value)]) -> Row {
    let differences = expected.iter().filter_map(|(name, expected)| {
        let found = claims.get(name);
        (found != Some(expected)).then(|| {
            let found = found.map_or_else(|| "absent".to_owned(), Value::to_string);
            format!("{name} is {found}, not {expected}")
        })
    });
    Row {
        title: title.to_owned(),
        differences: differences.collect(),
    }
}

/// RFC 8176: a code by SMS is `otp` and `sms`, in any order; one factor alone is not `mfa`.
fn methods_row(claims: &Value) -> Row {
    let mut methods: Vec<&str> = claims["amr"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    methods.sort_unstable();
    let differs =
        (methods != ["otp", "sms"]).then(|| format!("amr is {methods:?}, not otp and sms"));
    row("ID token: methods performed", differs.as_ref())
}
