//! The signed hint: a `login_hint_token`, made by the client that has identified the user.

use std::{fmt, str::FromStr};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// The algorithms that a hint may be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HintAlgorithm {
    #[default]
    Hs256,
    Hs384,
    Hs512,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be HS256, HS384 or HS512")]
pub struct UnknownAlgorithm;

impl FromStr for HintAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        match text {
            "HS256" => Ok(Self::Hs256),
            "HS384" => Ok(Self::Hs384),
            "HS512" => Ok(Self::Hs512),
            _ => Err(UnknownAlgorithm),
        }
    }
}

impl fmt::Display for HintAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        })
    }
}

/// The claims of a hint. Times are seconds since 1970 (RFC 7519 §2, NumericDate).
#[derive(Debug, Clone, Serialize)]
pub struct Hint<'a> {
    /// The client id of the signer.
    #[serde(rename = "iss")]
    pub client_id: &'a str,
    /// User id or username.
    #[serde(rename = "sub")]
    pub subject: &'a str,
    /// The issuer that the hint is meant for: `…/{environment}/as`.
    #[serde(rename = "aud")]
    pub audience: &'a str,
    #[serde(rename = "iat")]
    pub issued_at: u64,
    #[serde(rename = "exp")]
    pub expires_at: u64,
}

impl<'a> Hint<'a> {
    /// A hint that starts now and ends `expires_in` seconds later.
    pub fn starting_now(
        client_id: &'a str,
        subject: &'a str,
        audience: &'a str,
        expires_in: u64,
    ) -> Self {
        let now = jsonwebtoken::get_current_timestamp();
        Self {
            client_id,
            subject,
            audience,
            issued_at: now,
            expires_at: now.saturating_add(expires_in),
        }
    }

    /// The compact JWS. The key is the client secret's characters, not decoded.
    pub fn sign(
        &self,
        algorithm: HintAlgorithm,
        secret: &str,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let algorithm = match algorithm {
            HintAlgorithm::Hs256 => Algorithm::HS256,
            HintAlgorithm::Hs384 => Algorithm::HS384,
            HintAlgorithm::Hs512 => Algorithm::HS512,
        };
        jsonwebtoken::encode(
            &Header::new(algorithm),
            self,
            &EncodingKey::from_secret(secret.as_bytes()),
        )
    }
}
