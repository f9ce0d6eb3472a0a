//! The signed tokens of one answer.

use std::sync::Arc;

use aws_lc_rs::digest;
use serde::Serialize;
use stepgate_domain::{
    id::Id,
    oauth::{
        grants::{Issue, client_credentials::ClientIssue},
        scope::Scopes,
    },
    oidc::{
        Issuer,
        access_token::AccessTokenClaims,
        claims::UserClaims,
        id_token::{IdTokenClaims, IdTokenFacts},
    },
    resource::Stored,
    resources::environment::Environment,
    secret::Secret,
    time::Timestamp,
};

use crate::{
    keys::{KeyError, Signer, SigningKeys},
    origin::Origin,
    random::SystemRandom,
};

/// The answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    pub access_token: Secret<String>,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Secret<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret<String>>,
}

/// `typ` of an ID token's header.
pub(super) const ID_TOKEN_TYP: &str = "JWT";

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// [`Issuer`], owned.
#[derive(Debug, Clone)]
pub(super) struct Issuing {
    issuer: String,
    environment: Id<Environment>,
    organization: uuid::Uuid,
    region: &'static str,
    access_token_typ: Option<&'static str>,
}

impl Issuing {
    pub(super) fn new(
        origin: &Origin,
        environment: &Stored<Environment>,
        access_token_typ: Option<&'static str>,
    ) -> Self {
        let id = environment.id.cast();
        Self {
            issuer: origin.issuer(id),
            environment: id,
            organization: environment.body.organization.id.uuid(),
            region: environment.body.region.as_str(),
            access_token_typ,
        }
    }

    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            issuer: &self.issuer,
            environment: self.environment,
            organization: self.organization,
            region: self.region,
        }
    }
}

fn new_jti() -> String {
    Id::<AccessTokenClaims>::random(&mut SystemRandom).to_string()
}

/// The answer to a client's own request.
pub(super) async fn for_client(
    keys: &SigningKeys,
    signer: Arc<Signer>,
    issuing: Issuing,
    issue: ClientIssue,
    now: Timestamp,
) -> Result<TokenAnswer, KeyError> {
    keys.off_the_reactor(move || {
        let claims = AccessTokenClaims::for_client(&issue, &issuing.issuer(), &new_jti(), now);
        Ok(TokenAnswer {
            access_token: Secret::new(signer.sign(issuing.access_token_typ, &claims)?),
            token_type: "Bearer",
            expires_in: issue.access_token_lifetime.as_seconds(),
            scope: issue.granted.scopes,
            id_token: None,
            refresh_token: None,
        })
    })
    .await
}

/// The answer to a user's client, but for the refresh token, which is not signed.
pub(super) async fn for_user(
    keys: &SigningKeys,
    signer: Arc<Signer>,
    issuing: Issuing,
    issue: Issue,
    user: UserClaims,
    now: Timestamp,
) -> Result<TokenAnswer, KeyError> {
    keys.off_the_reactor(move || {
        let issuer = issuing.issuer();
        let claims = AccessTokenClaims::for_user(&issue, &issuer, &new_jti(), now);
        let access_token = signer.sign(issuing.access_token_typ, &claims)?;
        let facts = IdTokenFacts {
            issuer: &issuer,
            access_token_hash: &sha256(access_token.as_bytes()),
            user: &user,
            now,
        };
        let id_token = IdTokenClaims::for_issue(&issue, &facts)
            .map(|claims| signer.sign(Some(ID_TOKEN_TYP), &claims))
            .transpose()?;
        Ok(TokenAnswer {
            access_token: Secret::new(access_token),
            token_type: "Bearer",
            expires_in: issue.access_token_lifetime.as_seconds(),
            scope: issue.authorization.granted.scopes,
            id_token: id_token.map(Secret::new),
            refresh_token: None,
        })
    })
    .await
}
