//! The provider's endpoints that no cookie is sent to: tokens, keys, metadata and what a token
//! tells.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use serde_json::Value;
use stepgate_app::{
    error::{ManagementError, Missing},
    tokens::{self, Requester, TokenCall, TokenFault, Userinfo},
};
use stepgate_domain::{
    oauth::{
        client::Client,
        client_authentication::ClientCredentials,
        cors::EndpointKind,
        error::{self, OAuthErrorCode},
        parameters::Parameters,
    },
    oidc::access_token::UserinfoError,
    resource::{Resource, Stored},
    resources::environment::Environment,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::{
        management::{ApiError, BearerChallenge},
        oauth::OAuthError,
    },
    openapi::protocol,
    preflight,
    reply::Reply,
    sign_on as edge,
};

/// Keys and metadata change seldom, and with overlap.
const CACHEABLE: &str = "public, max-age=600";

pub(super) fn operations(api: Api) -> Api {
    let api = api
        .op(Operation::new(
            Method::POST,
            "/{environmentID}/as/token",
            Takes::Form,
            Guard::Public,
            "Exchange a code, a refresh token or client credentials for tokens",
            token,
        )
        .takes(protocol::token_form)
        .json(protocol::token)
        .proved_by("clientSecret"))
        .op(Operation::new(
            Method::POST,
            "/{environmentID}/as/introspect",
            Takes::Form,
            Guard::Public,
            "Whether a token is active, and what it says",
            introspect,
        )
        .takes(protocol::introspection_form)
        .json(protocol::introspection)
        .proved_by("clientSecret"))
        .op(Operation::new(
            Method::GET,
            "/{environmentID}/as/jwks",
            Takes::Nothing,
            Guard::Public,
            "The keys that verify tokens",
            jwks,
        )
        .json(protocol::jwks));
    let places = [
        "/{environmentID}/as/.well-known/openid-configuration",
        "/{environmentID}/as/.well-known/oauth-authorization-server",
        // RFC 8414 §3.1: before the path of the issuer.
        "/.well-known/oauth-authorization-server/{environmentID}/as",
    ];
    let api = places.into_iter().fold(api, |api, path| {
        api.op(Operation::new(
            Method::GET,
            path,
            Takes::Nothing,
            Guard::Public,
            "The provider's metadata",
            discovery,
        )
        .json(protocol::metadata))
    });
    let ways = [
        (Method::GET, Takes::Nothing),
        (Method::POST, Takes::FormOrNothing),
    ];
    ways.into_iter().fold(api, |api, (method, takes)| {
        api.op(Operation::new(
            method,
            "/{environmentID}/as/userinfo",
            takes,
            Guard::Public,
            "Claims about the user who signed on",
            userinfo,
        )
        .takes(protocol::access_token_form)
        .json(protocol::claims)
        .proved_by("accessToken")
        .with_cookie_sent())
    })
}

async fn environment(call: &Call) -> Result<Arc<Stored<Environment>>, ApiError> {
    let id = call.environment()?;
    let environment = tokens::serving_environment(&call.app, id).await?;
    let missing = Missing {
        kind: Environment::KIND,
        id: id.uuid(),
        environment: id.uuid(),
    };
    environment.ok_or_else(|| ManagementError::NotFound(Some(missing)).into())
}

pub(super) fn authorization(call: &Call) -> Option<&str> {
    let header = call.headers.get(header::AUTHORIZATION)?;
    // What is not even text is no scheme that anybody knows.
    Some(header.to_str().unwrap_or_default())
}

fn requester(call: &Call) -> Requester {
    let user_agent = call.headers.get(header::USER_AGENT);
    Requester {
        correlation_id: call.exchange.correlation_id.clone(),
        ip: call.remote,
        user_agent: user_agent
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    }
}

/// Notes the client that was named, and judges the page that asks by it.
fn judge_page(call: &Call, client: Option<&Client>, kind: EndpointKind) {
    if let Some(client) = client {
        edge::note_client(call, client.id.uuid());
    }
    call.exchange.judge_page(client, kind);
}

pub(super) async fn token(call: Call) -> Result<Reply, OAuthError> {
    let environment = environment(&call).await?;
    let id = environment.id;
    let refuse = |error| OAuthError::of(id, error);
    let form = Parameters::parse(&call.body);
    let credentials = ClientCredentials::read(authorization(&call), &form)
        .map_err(|error| refuse(error.into()))?;
    let client = tokens::named_client(&call.app, id.uuid(), &credentials.client_id).await?;
    judge_page(&call, client.as_ref(), EndpointKind::Cookieless);
    let client = tokens::authenticate(&call.app, &credentials, client)
        .await
        .map_err(refuse)?;
    let answer = tokens::token(
        &TokenCall {
            app: &call.app,
            environment: &environment,
            origin: &call.exchange.origin,
            client: &client,
            requester: &requester(&call),
        },
        &form,
    )
    .await
    .map_err(refuse)?;
    Ok(Reply::json(&answer)?
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::PRAGMA, "no-cache"))
}

pub(super) async fn introspect(call: Call) -> Result<Reply, OAuthError> {
    let environment = environment(&call).await?;
    let id = environment.id;
    let refuse = |error| OAuthError::of(id, error);
    let form = Parameters::parse(&call.body);
    let credentials = ClientCredentials::read(authorization(&call), &form)
        .map_err(|error| refuse(error.into()))?;
    let client = tokens::named_client(&call.app, id.uuid(), &credentials.client_id).await?;
    judge_page(&call, client.as_ref(), EndpointKind::Cookieless);
    let introspector = tokens::authenticate_introspector(&call.app, id, &credentials, client)
        .await
        .map_err(refuse)?;
    let refuse_form = |error: error::OAuthError| refuse(error.into());
    form.each_once()
        .map_err(|error| refuse_form(error.into()))?;
    let token = form
        .get("token")
        .map_err(|error| refuse_form(error.into()))?
        .ok_or_else(|| refuse_form(error::OAuthError::required("token")))?;
    let origin = &call.exchange.origin;
    let answer = tokens::introspect(&call.app, id, origin, &introspector, token)
        .await
        .map_err(refuse)?;
    Ok(Reply::json(&answer)?)
}

pub(super) async fn jwks(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let keys = tokens::jwks(&call.app, environment.id).await?;
    cacheable(&keys)
}

pub(super) async fn discovery(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let origin = &call.exchange.origin;
    let document = tokens::discovery(&call.app, environment.id, origin).await?;
    cacheable(&document)
}

fn cacheable(body: &Value) -> Result<Reply, ApiError> {
    Ok(Reply::json(body)?.with(header::CACHE_CONTROL, CACHEABLE))
}

pub(super) async fn userinfo(call: Call) -> Result<Reply, OAuthError> {
    let environment = environment(&call).await?;
    // Until the token says whose it is.
    let kind = EndpointKind::CookieSent;
    preflight::judge_unnamed(&call.app, &call.exchange, environment.id, kind).await?;
    let refuse = |token_was_sent| {
        OAuthError::from(ApiError::InvalidToken(BearerChallenge {
            realm: environment.id.to_string(),
            token_was_sent,
        }))
    };
    let token = bearer(&call)?.ok_or_else(|| refuse(false))?;
    let invalid = |fault: TokenFault| {
        call.exchange.refuse(fault);
        refuse(true)
    };
    let verified = tokens::verify_bearer(&call.app, environment.id, &token)
        .await?
        .map_err(invalid)?;
    if let Some(client) = verified.client() {
        let client = tokens::client(&call.app, environment.id.uuid(), client.uuid()).await?;
        judge_page(&call, client.as_ref(), kind);
    }
    match tokens::userinfo(&call.app, &verified).await? {
        Userinfo::Claims(claims) => Ok(Reply::json(&claims)?),
        Userinfo::InvalidToken(fault) => Err(invalid(fault)),
        Userinfo::Refused(UserinfoError::NoUser) => Err(ApiError::NoAccess {
            status: StatusCode::FORBIDDEN,
            detail: "ACCESS_FAILED",
        }
        .into()),
        Userinfo::Refused(error @ UserinfoError::NoOpenid) => Err(OAuthError::Refused {
            error: error::OAuthError::new(OAuthErrorCode::InsufficientScope, error.to_string()),
            challenge: Some(format!(
                "Bearer realm=\"{}\", error=\"insufficient_scope\", scope=\"openid\"",
                environment.id
            )),
        }),
    }
}

/// The token of a request (RFC 6750 §2.1 and §2.2), which must come in one way only.
pub(super) fn bearer(call: &Call) -> Result<Option<String>, OAuthError> {
    let refuse = |error: error::OAuthError| OAuthError::Refused {
        error,
        challenge: None,
    };
    let form = Parameters::parse(&call.body);
    let in_form = form
        .get("access_token")
        .map_err(|error| refuse(error.into()))?;
    let in_header = authorization(call)
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match (in_header, in_form) {
        (Some(_), Some(_)) => {
            let text = "the access token must be sent in one way only";
            Err(refuse(error::OAuthError::invalid("access_token", text)))
        }
        (Some(token), None) | (None, Some(token)) => Ok(Some(token.to_owned())),
        (None, None) => Ok(None),
    }
}
