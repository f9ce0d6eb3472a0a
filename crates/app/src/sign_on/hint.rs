//! The signature of a `login_hint_token`, checked by the application's secrets.

use jsonwebtoken::{Algorithm as Jose, DecodingKey, crypto};
use stepgate_domain::{
    id::Id,
    oauth::{
        client::Client,
        hint_token::{self, Algorithm, Hint, HintError, HintRules, HintToken, Profile},
    },
    resources::{
        application::secret::{ClientSecrets, Matched},
        environment::Environment,
    },
    secret::Secret,
    time::Timestamp,
};

use crate::{App, origin::Origin};

/// The user whom the hint vouches for. The secrets are the application's; a previous one counts
/// until it expires, and the answer tells which one was right.
pub(super) fn accept(
    app: &App,
    origin: &Origin,
    environment: Id<Environment>,
    client: Id<Client>,
    token: HintToken,
    secrets: Option<&ClientSecrets>,
    now: Timestamp,
) -> Result<(Hint, Option<Matched>), HintError> {
    let candidates: Vec<Secret<String>> = secrets
        .into_iter()
        .flat_map(|secrets| secrets.candidates(now))
        .map(|(_, secret)| secret.clone())
        .collect();
    let keys = hint_token::verification_secrets(&candidates)?;
    let verifying = keys.iter().find(|key| is_signed_with(&token, key));
    let used = secrets
        .zip(verifying)
        .and_then(|(secrets, key)| secrets.matching(key.expose().as_bytes(), now));
    let mut issuers = vec![origin.issuer(environment)];
    issuers.extend(
        app.settings
            .origins
            .public
            .iter()
            .map(|origin| origin.issuer(environment)),
    );
    let issuers: Vec<&str> = issuers.iter().map(String::as_str).collect();
    let hint = token.accept(
        verifying.is_some(),
        &HintRules {
            client,
            issuers: &issuers,
            now,
            profile: Profile::Compat,
            maximum_age: None,
        },
    )?;
    if hint.expires_at.is_none() {
        tracing::warn!(%client, %environment, "a login_hint_token without exp was accepted");
    }
    Ok((hint, used))
}

fn is_signed_with(token: &HintToken, secret: &Secret<String>) -> bool {
    let algorithm = match token.algorithm() {
        Algorithm::Hs256 => Jose::HS256,
        Algorithm::Hs384 => Jose::HS384,
        Algorithm::Hs512 => Jose::HS512,
    };
    // The secret's characters are the key, not what they would decode to.
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let signature = data_encoding::BASE64URL_NOPAD.encode(token.signature());
    crypto::verify(
        &signature,
        token.signing_input().as_bytes(),
        &key,
        algorithm,
    )
    .unwrap_or(false)
}
