//! The claims of access tokens (RFC 9068).

use serde::{Deserialize, Serialize};

use super::Issuer;
use crate::{
    id::Id,
    oauth::{
        client::Client,
        grants::{Issue, TokenFamily, client_credentials::ClientIssue},
        scope::{OPENID, Scopes},
    },
    time::{Duration, Timestamp},
};

/// `typ` of the header.
pub const TYP: &str = "at+jwt";

/// The claims, as they are signed and as they are read back from a verified token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    pub client_id: String,
    pub iss: String,
    pub jti: String,
    /// Seconds, as all dates of a JWT.
    pub iat: i64,
    pub exp: i64,
    pub aud: Vec<String>,
    /// Absent for a worker, whose permissions are its roles.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    pub env: String,
    pub org: String,
    /// Equals `jti`; only in tokens of the client credentials grant.
    #[serde(default, rename = "p1.rid", skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// The token family: what a revocation is looked up by. Absent where there is no user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<Id<TokenFamily>>,
}

impl AccessTokenClaims {
    /// For a user's client. `jti` is a new UUID.
    pub fn for_user(issue: &Issue, issuer: &Issuer<'_>, jti: &str, now: Timestamp) -> Self {
        let authorization = &issue.authorization;
        Self {
            aud: authorization.granted.audience(),
            scope: authorization.granted.scopes.clone(),
            sub: Some(authorization.user.to_string()),
            sid: Some(authorization.session.to_string()),
            auth_time: Some(authorization.auth_time.as_seconds()),
            acr: Some(authorization.acr.clone()),
            grant_id: Some(issue.family),
            ..Self::plain(issue.client, issuer, jti, now, issue.access_token_lifetime)
        }
    }

    /// For a client itself.
    pub fn for_client(issue: &ClientIssue, issuer: &Issuer<'_>, jti: &str, now: Timestamp) -> Self {
        Self {
            aud: issue.granted.audience(),
            scope: issue.granted.scopes.clone(),
            rid: Some(jti.to_owned()),
            ..Self::plain(issue.client, issuer, jti, now, issue.access_token_lifetime)
        }
    }

    fn plain(
        client: Id<Client>,
        issuer: &Issuer<'_>,
        jti: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Self {
        Self {
            client_id: client.to_string(),
            iss: issuer.issuer.to_owned(),
            jti: jti.to_owned(),
            iat: now.as_seconds(),
            exp: (now + lifetime).as_seconds(),
            aud: Vec::new(),
            scope: Scopes::default(),
            sub: None,
            sid: None,
            auth_time: None,
            acr: None,
            env: issuer.environment.to_string(),
            org: issuer.organization.to_string(),
            rid: None,
            grant_id: None,
        }
    }

    /// Whether it has ended by itself. There is no skew: the clock is the one that it was made by.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.as_seconds() >= self.exp
    }
}

/// Why a valid access token does not open userinfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserinfoError {
    /// It is a client's own token: 403 `ACCESS_FAILED`.
    #[error("The access token is not a user's")]
    NoUser,
    /// 403 `insufficient_scope`.
    #[error("The access token lacks the scope openid")]
    NoOpenid,
}

impl AccessTokenClaims {
    /// The user whose claims the bearer may read.
    pub fn userinfo_subject(&self) -> Result<&str, UserinfoError> {
        let subject = self.sub.as_deref().ok_or(UserinfoError::NoUser)?;
        if self.scope.contains(OPENID) {
            Ok(subject)
        } else {
            Err(UserinfoError::NoOpenid)
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
