//! The claims of ID tokens (OIDC Core §2).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Issuer, claims::UserClaims};
use crate::{
    oauth::grants::{IdTokenIssue, Issue},
    time::{Duration, Timestamp},
};

/// ID tokens live an hour, always.
const LIFETIME: Duration = Duration::from_hours(1);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    pub iss: String,
    pub sub: String,
    /// The client's id.
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    pub acr: String,
    pub amr: Vec<String>,
    pub auth_time: i64,
    pub sid: String,
    pub at_hash: String,
    pub env: String,
    pub org: String,
    #[serde(rename = "p1.region")]
    pub region: String,
    /// The claims of the granted scopes.
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

/// Without what is said of the user.
impl fmt::Debug for IdTokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenClaims")
            .field("aud", &self.aud)
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}

/// What is signed beside the authorization itself.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenFacts<'a> {
    pub issuer: &'a Issuer<'a>,
    /// SHA-256 of the access token that comes along.
    pub access_token_hash: &'a [u8; 32],
    pub user: &'a UserClaims,
    pub now: Timestamp,
}

impl IdTokenClaims {
    /// `None` when no ID token is to be issued.
    pub fn for_issue(issue: &Issue, facts: &IdTokenFacts<'_>) -> Option<Self> {
        let IdTokenIssue { nonce } = issue.id_token.as_ref()?;
        let authorization = &issue.authorization;
        Some(Self {
            iss: facts.issuer.issuer.to_owned(),
            sub: authorization.user.to_string(),
            aud: issue.client.to_string(),
            iat: facts.now.as_seconds(),
            exp: (facts.now + LIFETIME).as_seconds(),
            nonce: nonce.clone(),
            acr: authorization.acr.clone(),
            amr: authorization.amr.clone(),
            auth_time: authorization.auth_time.as_seconds(),
            sid: authorization.session.to_string(),
            at_hash: half_hash(facts.access_token_hash),
            env: facts.issuer.environment.to_string(),
            org: facts.issuer.organization.to_string(),
            region: facts.issuer.region.to_owned(),
            user: facts.user.by_scope(&authorization.granted.scopes),
        })
    }
}

/// `at_hash`: the left half (OIDC Core §3.1.3.6).
fn half_hash(hash: &[u8; 32]) -> String {
    let (left, _) = hash.split_at(hash.len() / 2);
    BASE64URL_NOPAD.encode(left)
}
