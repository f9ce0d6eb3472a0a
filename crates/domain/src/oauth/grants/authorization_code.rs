//! The authorization code grant (RFC 6749 §4.1.3).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Authorization, GrantError, Issue, RefreshTokenIssue, Refusal, SignOn, Standing, TokenFamily,
    issue, last_expiry, refresh_token_expiry,
};
use crate::{
    id::Id,
    oauth::{
        Sha256,
        authorization_request::AuthorizationRequest,
        client::{Client, GrantType},
        pkce::{self, CodeChallenge},
    },
    secret::Secret,
    time::{Duration, Timestamp},
};

/// How long a code may wait to be exchanged.
pub const LIFETIME: Duration = Duration::from_seconds(60);

/// A code as it is stored, under its hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    pub client: Id<Client>,
    /// As the authorization request named it; absent when that had none.
    pub redirect_uri: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    pub nonce: Option<String>,
    pub authorization: Authorization,
    pub with_refresh_token: bool,
    /// What the code will buy: named beforehand, so that its reuse can revoke it.
    pub family: Id<TokenFamily>,
    pub expires_at: Timestamp,
    pub consumed_at: Option<Timestamp>,
}

/// Without the nonce.
impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("client", &self.client)
            .field("family", &self.family)
            .field("expires_at", &self.expires_at)
            .field("consumed_at", &self.consumed_at)
            .finish_non_exhaustive()
    }
}

impl AuthorizationCode {
    /// The code that a completed sign-on mints.
    pub fn mint(
        request: &AuthorizationRequest,
        sign_on: SignOn,
        family: Id<TokenFamily>,
        now: Timestamp,
    ) -> Self {
        let SignOn {
            user,
            session,
            acr,
            amr,
            auth_time,
            second_factor_at,
        } = sign_on;
        let granted = request.granted.clone();
        Self {
            client: request.client,
            redirect_uri: request.recipient.redirect_uri().map(str::to_owned),
            code_challenge: request.code_challenge.clone(),
            nonce: request.nonce.clone(),
            authorization: Authorization {
                user,
                session,
                granted,
                acr,
                amr,
                auth_time,
                second_factor_at,
            },
            with_refresh_token: request.with_refresh_token,
            family,
            expires_at: now + LIFETIME,
            consumed_at: None,
        }
    }
}

#[derive(Debug)]
pub struct CodeRequest {
    pub code: Secret<String>,
    pub redirect_uri: Option<String>,
    pub code_verifier: Option<Secret<String>>,
}

/// What a code bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub issue: Issue,
    /// To be inserted in the batch that consumes the code (`consumed_at` was absent).
    pub family: TokenFamily,
    /// Until when the consumed code is kept, to recognise its reuse.
    pub remember_until: Timestamp,
}

impl CodeRequest {
    /// Judges the request by what is stored under the code's hash. A refusal consumes nothing: who
    /// has only the code shall not be able to spoil it.
    pub fn exchange(
        &self,
        client: &Client,
        stored: Option<&AuthorizationCode>,
        standing: Standing,
        now: Timestamp,
        sha256: Sha256,
    ) -> Result<Exchange, Refusal> {
        let code = stored.ok_or(GrantError::UnknownCode)?;
        if code.client != client.id {
            return Err(GrantError::OtherClient.into());
        }
        if code.consumed_at.is_some() {
            return Err(Refusal {
                error: GrantError::CodeReused,
                revoke: Some(code.family),
            });
        }
        if now >= code.expires_at {
            return Err(GrantError::CodeExpired.into());
        }
        if self.redirect_uri != code.redirect_uri {
            return Err(GrantError::RedirectUriDiffers.into());
        }
        let verifier = self
            .code_verifier
            .as_ref()
            .map(|verifier| verifier.expose().as_str());
        pkce::judge(code.code_challenge.as_ref(), verifier, sha256)?;
        if !standing.user_is_usable {
            return Err(GrantError::UserNotUsable.into());
        }
        if !standing.session_is_alive {
            return Err(GrantError::SessionEnded.into());
        }
        let refresh_token = (code.with_refresh_token
            && client.has_grant_type(GrantType::RefreshToken))
        .then(|| RefreshTokenIssue {
            expires_at: refresh_token_expiry(client, now, now),
        });
        let issue = issue(
            client,
            code.family,
            code.authorization.clone(),
            code.nonce.clone(),
            refresh_token,
        );
        let expires_at = last_expiry(&issue, now);
        let family = TokenFamily {
            id: code.family,
            client: client.id,
            authorization: code.authorization.clone(),
            started_at: now,
            expires_at,
            revoked_at: None,
        };
        Ok(Exchange {
            issue,
            family,
            remember_until: expires_at,
        })
    }
}
