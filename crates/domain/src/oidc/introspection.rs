//! Introspection (RFC 7662): what a client or a resource may see of a token.

use serde_json::{Map, Value, json};

use super::{access_token::AccessTokenClaims, id_token::IdTokenClaims};
use crate::{
    id::Id,
    oauth::{
        client::Client,
        grants::{TokenFamily, refresh_token::RefreshToken},
    },
    time::Timestamp,
};

/// Who asks, authenticated.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// Sees the tokens that were issued to it.
    Client(Id<Client>),
    /// Sees the access tokens that are meant for it.
    Resource { audience: &'a str },
}

/// A token whose signature, or whose hash, was found good.
#[derive(Debug, Clone, Copy)]
pub enum Token<'a> {
    Access(&'a AccessTokenClaims),
    Id(&'a IdTokenClaims),
    Refresh {
        token: &'a RefreshToken,
        family: &'a TokenFamily,
        issuer: &'a str,
    },
}

/// All that is said of a token that is unknown, dead, or none of the caller's business.
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// The answer to `caller`. `is_alive` tells that neither the family is revoked nor session or user
/// are gone; expiry is judged here.
pub fn answer(caller: Caller<'_>, token: Token<'_>, is_alive: bool, now: Timestamp) -> Value {
    if !is_alive || !token.is_current(now) || !token.is_visible_to(caller) {
        return inactive();
    }
    let mut members = Map::new();
    members.insert("active".to_owned(), Value::Bool(true));
    members.extend(token.claims());
    if let Token::Access(_) = token {
        members.insert("token_type".to_owned(), Value::from("Bearer"));
    }
    Value::Object(members)
}

impl Token<'_> {
    fn is_current(&self, now: Timestamp) -> bool {
        match self {
            Self::Access(claims) => !claims.has_expired(now),
            Self::Id(claims) => now.as_seconds() < claims.exp,
            Self::Refresh { token, family, .. } => {
                now < token.expires_at && token.consumed_at.is_none() && family.revoked_at.is_none()
            }
        }
    }

    fn is_visible_to(&self, caller: Caller<'_>) -> bool {
        match (caller, self) {
            (Caller::Client(client), Self::Access(claims)) => {
                claims.client_id == client.to_string()
            }
            (Caller::Client(client), Self::Id(claims)) => claims.aud == client.to_string(),
            (Caller::Client(client), Self::Refresh { family, .. }) => family.client == client,
            (Caller::Resource { audience }, Self::Access(claims)) => {
                claims.aud.iter().any(|own| own == audience)
            }
            (Caller::Resource { .. }, Self::Id(_) | Self::Refresh { .. }) => false,
        }
    }

    fn claims(&self) -> Map<String, Value> {
        let value = match self {
            Self::Access(claims) => serde_json::to_value(claims),
            Self::Id(claims) => serde_json::to_value(claims),
            Self::Refresh {
                token,
                family,
                issuer,
            } => Ok(json!({
                "client_id": family.client,
                "scope": family.authorization.granted.scopes,
                "sub": family.authorization.user,
                "iat": token.issued_at.as_seconds(),
                "exp": token.expires_at.as_seconds(),
                "aud": issuer,
                "iss": issuer,
                "sid": family.authorization.session,
            })),
        };
        match value {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        }
    }
}
