//! The signature of a `login_hint_token`, checked by the application's secrets.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm as Jose, DecodingKey, crypto};
use stepgate_domain::{
    oauth::{
        client::Client,
        hint_token::{self, Algorithm, Hint, HintError, HintRules, HintToken},
    },
    profile::Profile,
    resources::{
        application::secret::{ClientSecrets, Matched},
        security_profile::SecurityProfile,
    },
    secret::Secret,
};
use stepgate_store::{counters, engine::Statement};

use crate::{App, origin::Origin, seal::DataKey};

/// A hint whose user may be looked for.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) hint: Hint,
    /// Which secret of the application.
    pub(super) signed_with: Option<Matched>,
    /// What makes it worthless from now on, in the batch of the flow that it begins.
    pub(super) used_up: Option<Statement>,
}

/// The user whom the hint vouches for. The secrets are the application's; a previous one counts
/// until it expires.
pub(super) fn accept(
    app: &App,
    origin: &Origin,
    client: &Client,
    token: HintToken,
    secrets: Option<&ClientSecrets>,
    security: &SecurityProfile,
    key: &DataKey,
) -> Result<Vouched, HintError> {
    let (now, environment) = (app.now(), client.environment);
    let candidates: Vec<Secret<String>> = secrets
        .into_iter()
        .flat_map(|secrets| secrets.candidates(now))
        .map(|(_, secret)| secret.clone())
        .collect();
    let keys = hint_token::verification_secrets(&candidates)?;
    let verifying = keys.iter().find(|key| is_signed_with(&token, key));
    let signed_with = secrets
        .zip(verifying)
        .and_then(|(secrets, key)| secrets.matching(key.expose().as_bytes(), now));
    let mut issuers = vec![origin.issuer(environment)];
    issuers.extend(app.settings.origins.issuers(environment));
    let issuers: Vec<&str> = issuers.iter().map(String::as_str).collect();
    let signed = token.signing_input().to_owned();
    let hint = token.accept(
        verifying.is_some(),
        &HintRules {
            client: client.id,
            issuers: &issuers,
            now,
            profile: security.profile,
            maximum_age: security.hint_maximum_age(client.id.cast()),
        },
    )?;
    if hint.expires_at.is_none() {
        tracing::warn!(client = %client.id, %environment, "a login_hint_token without exp was accepted");
    }
    let used_up = match security.profile {
        Profile::Compat => None,
        Profile::Strict => Some(counters::consume_hint(
            environment.uuid(),
            &subject(key, client, &hint, &signed),
            hint.remembered_until(now),
        )),
    };
    Ok(Vouched {
        hint,
        signed_with,
        used_up,
    })
}

/// By what a hint is known again: the name that its application gave it, or all that was signed.
fn subject(key: &DataKey, client: &Client, hint: &Hint, signed: &str) -> String {
    let (what, text) = match &hint.jti {
        Some(jti) => ("jti", jti.as_str()),
        None => ("token", signed),
    };
    let client = client.id.to_string();
    let parts = [client.as_bytes(), what.as_bytes(), text.as_bytes()];
    let hash = BASE64URL_NOPAD.encode(&key.hash("login hint", &parts));
    format!("hint:{hash}")
}

fn is_signed_with(token: &HintToken, secret: &Secret<String>) -> bool {
    let algorithm = match token.algorithm() {
        Algorithm::Hs256 => Jose::HS256,
        Algorithm::Hs384 => Jose::HS384,
        Algorithm::Hs512 => Jose::HS512,
    };
    // The secret's characters are the key, not what they would decode to.
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let signature = BASE64URL_NOPAD.encode(token.signature());
    crypto::verify(
        &signature,
        token.signing_input().as_bytes(),
        &key,
        algorithm,
    )
    .unwrap_or(false)
}
