//! What the holder of a token, or whoever is given one, may learn of it: introspection (RFC 7662)
//! and userinfo (OIDC Core §5.3).

use std::sync::Arc;

use serde_json::{Map, Value};
use stepgate_domain::{
    id::Id,
    oauth::{
        ResourceOwner,
        client::Client,
        client_authentication::ClientCredentials,
        grants::{Authorization, TokenFamily},
    },
    oidc::{
        access_token::{AccessTokenClaims, UserinfoError},
        id_token::IdTokenClaims,
        introspection::{self, Caller, Token},
    },
    resources::{api_resource::ApiResource, environment::Environment},
    time::Timestamp,
};
use stepgate_store::{engine::StoreError, standing};

use crate::{App, error::ManagementError, origin::Origin};

use super::{
    authentication::{TokenError, authenticate, authenticate_resource},
    claims::Backing,
    client::{audience, client},
    signing::ID_TOKEN_TYP,
    stored,
    verification::{TokenFault, VerifiedToken, verify},
};

/// Who asks.
#[derive(Debug)]
pub enum Introspector {
    Client(Box<Client>),
    Resource { audience: String },
}

/// Proves who asks: the client that [`super::named_client`] found, or else an API resource.
pub async fn authenticate_introspector(
    app: &Arc<App>,
    environment: Id<Environment>,
    credentials: &ClientCredentials,
    client: Option<Client>,
) -> Result<Introspector, TokenError> {
    if client.is_some() {
        let client = authenticate(app, credentials, client).await?;
        return Ok(Introspector::Client(Box::new(client)));
    }
    let resource = authenticate_resource(app, environment.uuid(), credentials).await?;
    let resource: &ApiResource = &resource.body;
    Ok(Introspector::Resource {
        audience: audience(resource),
    })
}

/// The answer to whoever was authenticated.
pub async fn introspect(
    app: &App,
    environment: Id<Environment>,
    origin: &Origin,
    introspector: &Introspector,
    token: &str,
) -> Result<Value, TokenError> {
    let now = app.now();
    let caller = match introspector {
        Introspector::Client(client) => Caller::Client(client.id),
        Introspector::Resource { audience } => Caller::Resource { audience },
    };
    // Opaque tokens hold no dot.
    if !token.contains('.') {
        return refresh_token(app, environment, origin, caller, token, now).await;
    }
    let verified = verify(app, token, now).await?.ok();
    let Some(verified) = verified.filter(|verified| verified.environment == environment) else {
        return Ok(introspection::inactive());
    };
    if verified.is_access_token() {
        let Some(claims) = claims::<AccessTokenClaims>(&verified) else {
            return Ok(introspection::inactive());
        };
        let is_alive = is_alive(app, &verified).await?;
        return Ok(introspection::answer(
            caller,
            Token::Access(&claims),
            is_alive,
            now,
        ));
    }
    match claims::<IdTokenClaims>(&verified) {
        Some(claims) if verified.typ == ID_TOKEN_TYP => {
            let is_alive = is_session_alive(app, &verified, now).await?;
            Ok(introspection::answer(
                caller,
                Token::Id(&claims),
                is_alive,
                now,
            ))
        }
        Some(_) | None => Ok(introspection::inactive()),
    }
}

async fn refresh_token(
    app: &App,
    environment: Id<Environment>,
    origin: &Origin,
    caller: Caller<'_>,
    token: &str,
    now: Timestamp,
) -> Result<Value, TokenError> {
    let key = app.data_key(environment.uuid()).await?;
    let hash = stored::refresh_token_hash(&key, token);
    let found = standing::of_refresh_token(&*app.engine, environment.uuid(), &hash).await?;
    let Some((row, behind)) = found else {
        return Ok(introspection::inactive());
    };
    let family = stored::read_family(&row.family)?;
    let token = stored::read_refresh_token(&row)?;
    let is_alive = Backing::of(&behind, now)?.supports(&family)
        && is_client_usable(app, environment, family.client).await?;
    let issuer = origin.issuer(environment);
    let token = Token::Refresh {
        token: &token,
        family: &family,
        issuer: &issuer,
    };
    Ok(introspection::answer(caller, token, is_alive, now))
}

fn claims<T: serde::de::DeserializeOwned>(token: &VerifiedToken) -> Option<T> {
    serde_json::from_value(Value::Object(token.claims.clone())).ok()
}

async fn is_client_usable(
    app: &App,
    environment: Id<Environment>,
    id: Id<Client>,
) -> Result<bool, StoreError> {
    let client = client(app, environment.uuid(), id.uuid()).await?;
    Ok(client.is_some_and(|client| client.is_usable()))
}

/// Whether those who stand behind a verified access token still do: its application, and for a
/// user's token the family (RFC 9700 §4.5), the user and the session.
pub async fn is_alive(app: &App, token: &VerifiedToken) -> Result<bool, ManagementError> {
    Ok(backing(app, token).await?.is_some())
}

/// The sign-on that a verified user's token is from. `None`: the token is void, or is no user's.
pub(super) async fn sign_on(
    app: &App,
    token: &VerifiedToken,
) -> Result<Option<Authorization>, ManagementError> {
    let backing = backing(app, token).await?.flatten();
    Ok(backing.map(|(_, family)| family.authorization))
}

/// Who stands behind a verified access token. `None`: it is void. Of a client's own token, nobody
/// but the client.
async fn backing(
    app: &App,
    token: &VerifiedToken,
) -> Result<Option<Option<(Backing, TokenFamily)>>, ManagementError> {
    let Some(client) = token.client() else {
        return Ok(None);
    };
    if !is_client_usable(app, token.environment, client.cast()).await? {
        return Ok(None);
    }
    let Some(grant) = token.id::<()>("grant_id") else {
        // A user's token always names its family.
        return Ok(token.text("sub").is_none().then_some(None));
    };
    let environment = token.environment.uuid();
    let found = standing::of_family(&*app.engine, environment, grant.uuid()).await?;
    let Some((row, behind)) = found else {
        return Ok(None);
    };
    let backing = Backing::of(&behind, app.now())?;
    let family = stored::read_family(&row)?;
    let is_supported = backing.supports(&family);
    Ok(is_supported.then_some(Some((backing, family))))
}

/// An ID token names no family: it lives while its user and its session do.
async fn is_session_alive(
    app: &App,
    token: &VerifiedToken,
    now: Timestamp,
) -> Result<bool, TokenError> {
    let (Some(user), Some(session)) = (
        token.id::<ResourceOwner>("sub"),
        token.id::<stepgate_domain::oauth::Session>("sid"),
    ) else {
        return Ok(false);
    };
    let environment = token.environment;
    let behind = standing::of_session(
        &*app.engine,
        environment.uuid(),
        user.uuid(),
        session.uuid(),
    )
    .await?;
    let standing = Backing::of(&behind, now)?.standing;
    let client = token.id::<Client>("aud");
    Ok(standing.user_is_usable
        && standing.session_is_alive
        && match client {
            Some(client) => is_client_usable(app, environment, client).await?,
            None => false,
        })
}

/// What userinfo answers to the bearer of a token.
#[derive(Debug)]
pub enum Userinfo {
    Claims(Map<String, Value>),
    InvalidToken(TokenFault),
    /// It is valid, but does not open userinfo.
    Refused(UserinfoError),
}

/// An access token of this environment, whose signature, issuer and life are in order.
pub async fn verify_bearer(
    app: &App,
    environment: Id<Environment>,
    token: &str,
) -> Result<Result<VerifiedToken, TokenFault>, ManagementError> {
    let verified = verify(app, token, app.now()).await?;
    Ok(verified.and_then(|verified| {
        if verified.environment == environment && verified.is_access_token() {
            Ok(verified)
        } else {
            Err(TokenFault::WrongUse)
        }
    }))
}

pub async fn userinfo(app: &App, token: &VerifiedToken) -> Result<Userinfo, ManagementError> {
    let Some(claims) = claims::<AccessTokenClaims>(token) else {
        return Ok(Userinfo::InvalidToken(TokenFault::Malformed));
    };
    let Some(backing) = backing(app, token).await? else {
        return Ok(Userinfo::InvalidToken(TokenFault::Revoked));
    };
    if let Err(error) = claims.userinfo_subject() {
        return Ok(Userinfo::Refused(error));
    }
    let Some(((backing, _), user)) = backing.zip(token.id::<ResourceOwner>("sub")) else {
        return Ok(Userinfo::InvalidToken(TokenFault::Malformed));
    };
    Ok(Userinfo::Claims(
        backing.claims().userinfo(user, &claims.scope),
    ))
}
