//! The token endpoint: load what was granted, judge, and commit what it buys in one batch.

use stepgate_domain::{
    oauth::{
        client::{ApplicationType, Client},
        error::OAuthError,
        grants::{
            GrantError, Refusal, TokenRequest, authorization_code::CodeRequest, client_credentials,
            refresh_token::RefreshRequest, refresh_token::RefreshToken,
        },
        parameters::Parameters,
        scope::{GrantedScopes, Scopes},
    },
    oidc::access_token,
    profile::Profile,
    resource::Stored,
    resources::{
        api_resource::{AccessTokenType, ApiResource},
        application::Application,
        environment::Environment,
    },
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{
    codes,
    engine::{Batch, Fault, Once, Statement, StoreError},
    refresh_tokens, standing, token_families,
};
use uuid::Uuid;

use crate::{App, management::cached, origin::Origin, role_assignments::held_by, settings};

use super::{
    authentication::TokenError,
    claims::Backing,
    client::allowance_facts,
    signing::{self, Issuing, TokenAnswer, sha256},
    stored,
    trail::{Deed, Requester},
};

/// How often a request is judged anew when another one was faster. Each time, one of them got
/// something, so a client that is in time is never turned away for want of attempts.
const ATTEMPTS: usize = 16;

/// A request to the token endpoint, by an authenticated client.
#[derive(Debug)]
pub struct TokenCall<'a> {
    pub app: &'a App,
    pub environment: &'a Stored<Environment>,
    pub origin: &'a Origin,
    pub client: &'a Client,
    pub requester: &'a Requester,
}

/// Answers a request to the token endpoint.
pub async fn token(call: &TokenCall<'_>, form: &Parameters) -> Result<TokenAnswer, TokenError> {
    match TokenRequest::read(form, call.client)? {
        TokenRequest::AuthorizationCode(request) => call.exchange(&request).await,
        TokenRequest::RefreshToken(request) => call.refresh(&request).await,
        TokenRequest::ClientCredentials { scope } => call.for_client(scope.as_ref()).await,
    }
}

impl TokenCall<'_> {
    fn id(&self) -> Uuid {
        self.environment.id.uuid()
    }

    async fn issuing(&self, granted: &GrantedScopes) -> Result<Issuing, TokenError> {
        let typ = self.access_token_typ(granted).await?;
        Ok(Issuing::new(self.origin, self.environment, typ))
    }

    /// `typ` of the header, where the environment or a resource that is touched asks for one. Some
    /// verifiers refuse a token that has it, others one that has not.
    async fn access_token_typ(
        &self,
        granted: &GrantedScopes,
    ) -> Result<Option<&'static str>, TokenError> {
        if settings::profile(self.app, self.id()).await? == Profile::Strict {
            return Ok(Some(access_token::TYP));
        }
        for touched in &granted.resources {
            let id = touched.resource.uuid();
            let resource = cached::<ApiResource>(self.app, self.id(), id).await?;
            match resource.and_then(|resource| resource.body.access_token_type) {
                Some(AccessTokenType::AtJwt) => return Ok(Some(access_token::TYP)),
                None => {}
            }
        }
        Ok(None)
    }

    async fn exchange(&self, request: &CodeRequest) -> Result<TokenAnswer, TokenError> {
        let key = self.app.data_key(self.id()).await?;
        let signer = self.app.signer(self.id()).await?;
        let hash = stored::code_hash(&key, request.code.expose());
        for _ in 0..ATTEMPTS {
            let now = self.app.now();
            let found = standing::of_code(&*self.app.engine, self.id(), &hash).await?;
            let Some((row, behind)) = found else {
                return Err(OAuthError::from(GrantError::UnknownCode).into());
            };
            let backing = Backing::of(&behind, now)?;
            let code = stored::read_code(&row)?;
            let judged = request.exchange(self.client, Some(&code), backing.standing, now, sha256);
            let exchange = match judged {
                Ok(exchange) => exchange,
                Err(refusal) => return Err(self.refuse(refusal, &backing, now).await),
            };
            let family = &exchange.family;
            let mut batch = Batch(vec![
                codes::consume(
                    self.id(),
                    &hash,
                    now,
                    Some(family.id.uuid()),
                    exchange.remember_until,
                ),
                stored::insert_family(self.id(), family)?,
            ]);
            let refresh_token = match exchange.issue.refresh_token {
                None => None,
                Some(issue) => {
                    let token = RefreshToken {
                        family: family.id,
                        issued_at: now,
                        expires_at: issue.expires_at,
                        consumed_at: None,
                    };
                    let (token, insert) = stored::mint_refresh_token(self.id(), &key, &token)?;
                    batch.push(insert);
                    Some(token)
                }
            };
            batch.push(self.deed(&backing, now).issued()?);
            let granted = &exchange.issue.authorization.granted;
            let answer = signing::for_user(
                &self.app.keys,
                signer.clone(),
                self.issuing(granted).await?,
                exchange.issue,
                backing.claims(),
                now,
            );
            if let Some(answer) = self.committed(batch, answer, refresh_token).await? {
                return Ok(answer);
            }
        }
        Err(StoreError::Refused(Fault::Consumed(Once::AuthorizationCode)).into())
    }

    async fn refresh(&self, request: &RefreshRequest) -> Result<TokenAnswer, TokenError> {
        let key = self.app.data_key(self.id()).await?;
        let signer = self.app.signer(self.id()).await?;
        let hash = stored::refresh_token_hash(&key, request.refresh_token.expose());
        for _ in 0..ATTEMPTS {
            let now = self.app.now();
            let found = standing::of_refresh_token(&*self.app.engine, self.id(), &hash).await?;
            let Some((row, behind)) = found else {
                return Err(OAuthError::from(GrantError::UnknownRefreshToken).into());
            };
            let backing = Backing::of(&behind, now)?;
            let token = stored::read_refresh_token(&row)?;
            let family = stored::read_family(&row.family)?;
            let judged =
                request.rotate(self.client, Some((&token, &family)), backing.standing, now);
            let rotation = match judged {
                Ok(rotation) => rotation,
                Err(refusal) => return Err(self.refuse(refusal, &backing, now).await),
            };
            let mut batch = Batch::default();
            if rotation.consumes {
                batch.push(refresh_tokens::consume(self.id(), &hash, now));
            }
            let (successor, insert) =
                stored::mint_refresh_token(self.id(), &key, &rotation.successor)?;
            batch.extend([
                insert,
                token_families::prolong(self.id(), family.id.uuid(), rotation.family_expires_at),
                self.deed(&backing, now).issued()?,
            ]);
            let granted = &rotation.issue.authorization.granted;
            let answer = signing::for_user(
                &self.app.keys,
                signer.clone(),
                self.issuing(granted).await?,
                rotation.issue,
                backing.claims(),
                now,
            );
            if let Some(answer) = self.committed(batch, answer, Some(successor)).await? {
                return Ok(answer);
            }
        }
        Err(StoreError::Refused(Fault::Consumed(Once::RefreshToken)).into())
    }

    async fn for_client(&self, scope: Option<&Scopes>) -> Result<TokenAnswer, TokenError> {
        let facts = allowance_facts(self.app, self.origin, self.client).await?;
        let has_role = self.client.application_type == ApplicationType::Worker
            && !held_by::<Application>(self.app, self.id(), self.client.id.uuid())
                .await?
                .is_empty();
        let issue = client_credentials::judge(&facts.allowance(self.client), scope, has_role)
            .map_err(OAuthError::from)?;
        let signer = self.app.signer(self.id()).await?;
        let issuing = self.issuing(&issue.granted).await?;
        let now = self.app.now();
        Ok(signing::for_client(&self.app.keys, signer, issuing, issue, now).await?)
    }

    /// Signs while the batch is being written, and lets the tokens out when it is on disk. `None`:
    /// another request was faster.
    async fn committed(
        &self,
        batch: Batch,
        answer: impl Future<Output = Result<TokenAnswer, crate::keys::KeyError>>,
        refresh_token: Option<Secret<String>>,
    ) -> Result<Option<TokenAnswer>, TokenError> {
        let (written, answer) = tokio::join!(self.app.commit(batch), answer);
        match written {
            Ok(()) => Ok(Some(TokenAnswer {
                refresh_token,
                ..answer?
            })),
            Err(StoreError::Refused(
                Fault::Consumed(Once::AuthorizationCode | Once::RefreshToken | Once::TokenFamily)
                | Fault::Stale,
            )) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The error of a refused request, once what must be revoked is revoked.
    async fn refuse(&self, refusal: Refusal, backing: &Backing, now: Timestamp) -> TokenError {
        if let Some(family) = refusal.revoke {
            let revoke = token_families::revoke(self.id(), family.uuid(), now);
            if let Err(error) = self.revoke(revoke, &refusal, backing, now).await {
                return error;
            }
        }
        OAuthError::from(refusal.error).into()
    }

    async fn revoke(
        &self,
        revoke: Statement,
        refusal: &Refusal,
        backing: &Backing,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let event = self.deed(backing, now).revoked(&refusal.error)?;
        Ok(self.app.commit(Batch(vec![revoke, event])).await?)
    }

    fn deed<'a>(&'a self, backing: &'a Backing, now: Timestamp) -> Deed<'a> {
        Deed {
            requester: self.requester,
            client: self.client,
            user: backing.user.as_ref(),
            now,
        }
    }
}
