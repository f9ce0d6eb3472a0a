//! The token endpoint's grants: what a request asks for, and what it may buy.
//!
//! Each grant is judged by stored facts and the time. What comes out says what to issue and what
//! to write; both belong in one batch, so that a code or a token buys once or not at all.

pub mod authorization_code;
pub mod client_credentials;
pub mod refresh_token;

use serde::{Deserialize, Serialize};

use super::{
    ResourceOwner, Session,
    client::{Client, GrantType},
    error::{Cause, OAuthError, OAuthErrorCode},
    parameters::Parameters,
    pkce::PkceError,
    scope::{GrantedScopes, MalformedScope, ScopeError, Scopes},
};
use crate::{
    id::Id,
    secret::Secret,
    time::{Duration, Timestamp},
};

/// A request to the token endpoint.
#[derive(Debug)]
pub enum TokenRequest {
    AuthorizationCode(authorization_code::CodeRequest),
    RefreshToken(refresh_token::RefreshRequest),
    ClientCredentials { scope: Option<Scopes> },
}

impl TokenRequest {
    /// Reads the form of a client that has authenticated.
    pub fn read(form: &Parameters, client: &Client) -> Result<Self, OAuthError> {
        form.each_once()?;
        let required = |name: &str| match form.get(name) {
            Ok(Some(value)) => Ok(value.to_owned()),
            Ok(None) => Err(OAuthError::required(name)),
            Err(repeated) => Err(repeated.into()),
        };
        let optional = |name: &str| form.get(name).map(|value| value.map(str::to_owned));
        match required("grant_type")?.as_str() {
            "authorization_code" => {
                allow(client, GrantType::AuthorizationCode)?;
                Ok(Self::AuthorizationCode(authorization_code::CodeRequest {
                    code: Secret::new(required("code")?),
                    redirect_uri: optional("redirect_uri")?,
                    code_verifier: optional("code_verifier")?.map(Secret::new),
                }))
            }
            "refresh_token" => {
                allow(client, GrantType::RefreshToken)?;
                Ok(Self::RefreshToken(refresh_token::RefreshRequest {
                    refresh_token: Secret::new(required("refresh_token")?),
                    scope: scope(form)?,
                }))
            }
            "client_credentials" => {
                allow(client, GrantType::ClientCredentials)?;
                Ok(Self::ClientCredentials {
                    scope: scope(form)?,
                })
            }
            _ => {
                let text = "grant_type must be one of authorization_code, refresh_token, client_credentials";
                Err(OAuthError::new(OAuthErrorCode::UnsupportedGrantType, text).at("grant_type"))
            }
        }
    }
}

/// A client without a secret proves nothing that credentials could be granted for.
fn allow(client: &Client, grant_type: GrantType) -> Result<(), GrantError> {
    let is_unproved = grant_type == GrantType::ClientCredentials && client.is_public();
    if client.has_grant_type(grant_type) && !is_unproved {
        Ok(())
    } else {
        Err(GrantError::GrantTypeNotAllowed)
    }
}

fn scope(form: &Parameters) -> Result<Option<Scopes>, OAuthError> {
    let scope = form.get("scope")?.map(Scopes::parse).transpose();
    scope
        .map(|scopes| scopes.filter(|scopes| !scopes.is_empty()))
        .map_err(|MalformedScope| ScopeError::Malformed.into())
}

/// Who signed on, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOn {
    pub user: Id<ResourceOwner>,
    pub session: Id<Session>,
    /// Name of the sign-on policy that was completed.
    pub acr: String,
    /// What was really done, in the words of RFC 8176.
    pub amr: Vec<String>,
    /// When the user was last authenticated.
    pub auth_time: Timestamp,
    /// When the user proved a second factor in this sign-on, and nobody had hinted at the user.
    pub second_factor_at: Option<Timestamp>,
}

/// What a user's sign-on granted: copied into every token that it buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    pub user: Id<ResourceOwner>,
    pub session: Id<Session>,
    pub granted: GrantedScopes,
    pub acr: String,
    pub amr: Vec<String>,
    pub auth_time: Timestamp,
    /// See [`SignOn::second_factor_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
}

/// All that one authorization bought: access tokens name it (`grant_id`), refresh tokens belong to
/// it. Revoking it ends them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFamily {
    pub id: Id<TokenFamily>,
    pub client: Id<Client>,
    pub authorization: Authorization,
    /// When the first tokens were issued: where the rolling duration begins.
    pub started_at: Timestamp,
    /// When the last token issued so far ends by itself.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// Whether those who stand behind a stored grant still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The user exists, is enabled and not locked.
    pub user_is_usable: bool,
    /// The session has neither been signed off nor deleted.
    pub session_is_alive: bool,
}

/// What to issue to a user's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub client: Id<Client>,
    pub family: Id<TokenFamily>,
    /// With the scopes of this request, which may be fewer than the family's.
    pub authorization: Authorization,
    pub access_token_lifetime: Duration,
    /// `None` without the scope `openid`.
    pub id_token: Option<IdTokenIssue>,
    pub refresh_token: Option<RefreshTokenIssue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenIssue {
    /// Only in the first ID token of an authorization.
    pub nonce: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenIssue {
    pub expires_at: Timestamp,
}

/// A refused request, and what must be revoked because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub error: GrantError,
    pub revoke: Option<Id<TokenFamily>>,
}

impl From<GrantError> for Refusal {
    fn from(error: GrantError) -> Self {
        Self {
            error,
            revoke: None,
        }
    }
}
impl From<PkceError> for Refusal {
    fn from(error: PkceError) -> Self {
        GrantError::Pkce(error).into()
    }
}
impl From<ScopeError> for Refusal {
    fn from(error: ScopeError) -> Self {
        GrantError::Scope(error).into()
    }
}

/// Why nothing is issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("The application may not use this grant type")]
    GrantTypeNotAllowed,
    #[error("The code or token is unknown")]
    UnknownCode,
    #[error("The code has expired")]
    CodeExpired,
    #[error("The code has been used before")]
    CodeReused,
    #[error("The code or token is unknown")]
    UnknownRefreshToken,
    #[error("The refresh token has expired")]
    RefreshTokenExpired,
    #[error("The refresh token has been used before")]
    RefreshTokenReused,
    #[error("The refresh token has been revoked")]
    Revoked,
    /// Told in the same words: strangers need not learn that there is such a code or token.
    #[error("The code or token is unknown")]
    OtherClient,
    #[error("redirect_uri differs from that of the authorization request")]
    RedirectUriDiffers,
    #[error("The user may not sign on")]
    UserNotUsable,
    #[error("The session has ended")]
    SessionEnded,
    #[error("The application has no role")]
    NoRole,
    #[error(transparent)]
    Pkce(PkceError),
    #[error(transparent)]
    Scope(ScopeError),
}

impl GrantError {
    /// The check that failed. Some are told in the same words.
    const fn check(&self) -> &'static str {
        match self {
            Self::GrantTypeNotAllowed => "grant_type_not_allowed",
            Self::UnknownCode => "code_unknown",
            Self::CodeExpired => "code_expired",
            Self::CodeReused => "code_reused",
            Self::UnknownRefreshToken => "refresh_token_unknown",
            Self::RefreshTokenExpired => "refresh_token_expired",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Revoked => "refresh_token_revoked",
            Self::OtherClient => "grant_of_other_client",
            Self::RedirectUriDiffers => "redirect_uri_differs",
            Self::UserNotUsable => "user_not_usable",
            Self::SessionEnded => "session_ended",
            Self::NoRole => "client_without_role",
            Self::Pkce(error) => error.check(),
            Self::Scope(error) => error.check(),
        }
    }
}

impl From<GrantError> for OAuthError {
    fn from(error: GrantError) -> Self {
        let text = error.to_string();
        let cause = Cause::Other(error.check());
        let answer = match error {
            GrantError::Pkce(error) => error.into(),
            GrantError::Scope(error) => error.into(),
            GrantError::GrantTypeNotAllowed => Self::new(OAuthErrorCode::UnauthorizedClient, text),
            GrantError::NoRole => Self::new(OAuthErrorCode::AccessDenied, text),
            GrantError::UnknownCode
            | GrantError::OtherClient
            | GrantError::CodeExpired
            | GrantError::CodeReused
            | GrantError::UnknownRefreshToken
            | GrantError::RefreshTokenExpired
            | GrantError::RefreshTokenReused
            | GrantError::Revoked
            | GrantError::RedirectUriDiffers
            | GrantError::UserNotUsable
            | GrantError::SessionEnded => Self::new(OAuthErrorCode::InvalidGrant, text),
        };
        answer.because(cause)
    }
}

/// What is issued to a user's client at `now`.
fn issue(
    client: &Client,
    family: Id<TokenFamily>,
    authorization: Authorization,
    nonce: Option<String>,
    refresh_token: Option<RefreshTokenIssue>,
) -> Issue {
    let has_openid = authorization.granted.scopes.contains(super::scope::OPENID);
    Issue {
        client: client.id,
        family,
        access_token_lifetime: authorization.granted.access_token_lifetime(),
        id_token: has_openid.then_some(IdTokenIssue { nonce }),
        authorization,
        refresh_token,
    }
}

/// min(now + duration, first issue + rolling duration).
fn refresh_token_expiry(client: &Client, started_at: Timestamp, now: Timestamp) -> Timestamp {
    let by_itself = now + client.refresh_tokens.duration;
    let rolling = client.refresh_tokens.rolling_duration;
    rolling.map_or(by_itself, |rolling| by_itself.min(started_at + rolling))
}

/// When the last of these tokens ends.
fn last_expiry(issue: &Issue, now: Timestamp) -> Timestamp {
    let access_token = now + issue.access_token_lifetime;
    issue.refresh_token.map_or(access_token, |refresh_token| {
        refresh_token.expires_at.max(access_token)
    })
}

#[cfg(test)]
mod tests;
