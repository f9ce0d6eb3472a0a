//! What a relying party does with the tokens that it gets.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

#[derive(Debug, thiserror::Error)]
pub enum InvalidToken {
    #[error("the JWKS cannot be read: {0}")]
    Keys(#[from] serde_json::Error),
    #[error("the header names no key")]
    NoKeyId,
    #[error("the JWKS has no key {0}")]
    UnknownKey(String),
    #[error(transparent)]
    Refused(#[from] jsonwebtoken::errors::Error),
}

/// The claims of a token whose RS256 signature, issuer, lifetime and, when named, audience hold
/// (OpenID Connect Core §3.1.3.7, RFC 9068 §4).
pub fn verify(
    token: &str,
    jwks: &Value,
    issuer: &str,
    audience: Option<&str>,
) -> Result<Value, InvalidToken> {
    let keys: JwkSet = serde_json::from_value(jwks.clone())?;
    let kid = jsonwebtoken::decode_header(token)?
        .kid
        .ok_or(InvalidToken::NoKeyId)?;
    let key = keys.find(&kid).ok_or(InvalidToken::UnknownKey(kid))?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
    match audience {
        Some(audience) => validation.set_audience(&[audience]),
        None => validation.validate_aud = false,
    }
    Ok(jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
}

/// The `at_hash` that belongs to an access token (OpenID Connect Core §3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    BASE64URL_NOPAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn at_hash_is_the_left_half_of_the_digest() {
        // OpenID Connect Core, appendix A.3: its access token and the at_hash of its ID token.
        assert_eq!(
            super::at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
