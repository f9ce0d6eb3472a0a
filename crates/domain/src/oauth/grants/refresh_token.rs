//! The refresh token grant (RFC 6749 §6), with rotation and the detection of reuse (RFC 9700
//! §4.14).

use serde::{Deserialize, Serialize};

use super::{
    GrantError, Issue, RefreshTokenIssue, Refusal, Standing, TokenFamily, issue, last_expiry,
    refresh_token_expiry,
};
use crate::{
    id::Id,
    oauth::{
        client::Client,
        scope::{OFFLINE_ACCESS, Scopes},
    },
    secret::Secret,
    time::Timestamp,
};

/// A refresh token as it is stored, under its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    pub family: Id<TokenFamily>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was first exchanged.
    pub consumed_at: Option<Timestamp>,
}

#[derive(Debug)]
pub struct RefreshRequest {
    pub refresh_token: Secret<String>,
    /// Fewer scopes for the new access token; the next refresh token keeps them all.
    pub scope: Option<Scopes>,
}

/// What a refresh token bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub issue: Issue,
    /// Whether this is the exchange that consumes the token (`consumed_at` was absent, or is yet to
    /// come); otherwise it is one more within the grace period, and `consumed_at` stays.
    pub consumes: bool,
    /// The stored successor, to be kept under the hash of the new token.
    pub successor: RefreshToken,
    /// `expires_at` of the family from now on.
    pub family_expires_at: Timestamp,
}

impl RefreshRequest {
    /// Judges the request by what is stored under the token's hash: it and its family.
    pub fn rotate(
        &self,
        client: &Client,
        stored: Option<(&RefreshToken, &TokenFamily)>,
        standing: Standing,
        now: Timestamp,
    ) -> Result<Rotation, Refusal> {
        let (token, family) = stored
            .filter(|(token, family)| token.family == family.id)
            .ok_or(GrantError::UnknownRefreshToken)?;
        if family.client != client.id {
            return Err(GrantError::OtherClient.into());
        }
        if family.revoked_at.is_some() {
            return Err(GrantError::Revoked.into());
        }
        let rules = &client.refresh_tokens;
        if let Some(consumed_at) = token.consumed_at
            && now >= consumed_at.believed_at(now) + rules.grace_period
        {
            let revoke = rules.replay_protection.then_some(family.id);
            return Err(Refusal {
                error: GrantError::RefreshTokenReused,
                revoke,
            });
        }
        let expires_at = refresh_token_expiry(client, family.started_at, now);
        if now >= token.expires_at || now >= expires_at {
            return Err(GrantError::RefreshTokenExpired.into());
        }
        if !standing.user_is_usable {
            return Err(GrantError::UserNotUsable.into());
        }
        let outlives_session = family.authorization.granted.scopes.contains(OFFLINE_ACCESS);
        if !standing.session_is_alive && !outlives_session {
            return Err(GrantError::SessionEnded.into());
        }
        let mut authorization = family.authorization.clone();
        if let Some(scope) = &self.scope {
            authorization.granted = authorization.granted.narrowed(scope)?;
        }
        let issue = issue(
            client,
            family.id,
            authorization,
            None,
            Some(RefreshTokenIssue { expires_at }),
        );
        Ok(Rotation {
            consumes: token.consumed_at.is_none_or(|at| at.is_yet_to_come(now)),
            successor: RefreshToken {
                family: family.id,
                issued_at: now,
                expires_at,
                consumed_at: None,
            },
            family_expires_at: family.expires_at.max(last_expiry(&issue, now)),
            issue,
        })
    }
}
