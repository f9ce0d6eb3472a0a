//! Codes and refresh tokens: opaque to their holders, known to the store by keyed hashes only.

use stepgate_domain::{
    oauth::grants::{
        TokenFamily, authorization_code::AuthorizationCode, refresh_token::RefreshToken,
    },
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{
    codes::{self, StoredCode},
    engine::Statement,
    refresh_tokens::{self, StoredRefreshToken},
    token_families::{self, StoredFamily},
};
use uuid::Uuid;

use crate::{opaque, seal::DataKey};

/// 256 bits: nobody guesses one (RFC 6749 §10.10).
const BYTES: usize = 32;

/// What a code is stored under.
pub(super) fn code_hash(key: &DataKey, code: &str) -> String {
    opaque::hash(key, "authorization code", code)
}

/// What a refresh token is stored under.
pub(super) fn refresh_token_hash(key: &DataKey, token: &str) -> String {
    opaque::hash(key, "refresh token", token)
}

/// A new code for the client, and the write that makes it good. `key` is the environment's.
pub fn mint_code(
    environment: Uuid,
    key: &DataKey,
    code: &AuthorizationCode,
    now: Timestamp,
) -> Result<(Secret<String>, Statement), serde_json::Error> {
    let token = opaque::mint(now, BYTES);
    let statement = codes::insert(StoredCode {
        environment,
        hash: code_hash(key, &token),
        user: Some(code.authorization.user.uuid()),
        session: Some(code.authorization.session.uuid()),
        consumed_at: None,
        family: None,
        expires_at: code.expires_at,
        body: serde_json::to_string(code)?,
    });
    Ok((Secret::new(token), statement))
}

pub(super) fn mint_refresh_token(
    environment: Uuid,
    key: &DataKey,
    token: &RefreshToken,
) -> Result<(Secret<String>, Statement), serde_json::Error> {
    let opaque = opaque::mint(token.issued_at, BYTES);
    let statement = refresh_tokens::insert(
        environment,
        &refresh_token_hash(key, &opaque),
        token.family.uuid(),
        token.expires_at,
        serde_json::to_string(token)?,
    );
    Ok((Secret::new(opaque), statement))
}

pub(super) fn insert_family(
    environment: Uuid,
    family: &TokenFamily,
) -> Result<Statement, serde_json::Error> {
    Ok(token_families::insert(StoredFamily {
        environment,
        id: family.id.uuid(),
        application: family.client.uuid(),
        user: Some(family.authorization.user.uuid()),
        session: Some(family.authorization.session.uuid()),
        revoked_at: family.revoked_at,
        expires_at: family.expires_at,
        body: serde_json::to_string(family)?,
    }))
}

// The columns hold what is written after the body: they decide.

pub(super) fn read_code(stored: &StoredCode) -> Result<AuthorizationCode, serde_json::Error> {
    Ok(AuthorizationCode {
        consumed_at: stored.consumed_at,
        ..serde_json::from_str(&stored.body)?
    })
}

pub(super) fn read_family(stored: &StoredFamily) -> Result<TokenFamily, serde_json::Error> {
    Ok(TokenFamily {
        revoked_at: stored.revoked_at,
        expires_at: stored.expires_at,
        ..serde_json::from_str(&stored.body)?
    })
}

pub(super) fn read_refresh_token(
    stored: &StoredRefreshToken,
) -> Result<RefreshToken, serde_json::Error> {
    Ok(RefreshToken {
        consumed_at: stored.consumed_at,
        ..serde_json::from_str(&stored.body)?
    })
}
