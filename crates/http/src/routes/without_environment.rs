//! The provider's endpoints without an environment in their path, as some clients call them. The
//! environment is that of the client or of what is sent; all that is answered names it.

use axum::http::Method;
use stepgate_app::{
    error::ManagementError,
    sign_on::{self, FlowFailure},
    tokens,
};
use stepgate_domain::{
    id::Id,
    oauth::{
        client_authentication::{ClientCredentials, CredentialFault},
        parameters::Parameters,
    },
    resources::environment::Environment,
};

use super::{authorize, oidc};
use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::{
        Render,
        management::{ApiError, BearerChallenge},
        oauth::OAuthError,
        page::PageError,
    },
    openapi::{Parameter, parameters, protocol},
    reply::Reply,
};

/// The realm of challenges where no environment is named.
const REALM: &str = "as";

pub(super) fn operations(api: Api) -> Api {
    let ways = [
        (Method::GET, Takes::Nothing),
        (Method::POST, Takes::FormOrNothing),
    ];
    let api = api
        .op(of(Method::POST, "/as/token", Takes::Form, token)
            .takes(protocol::token_form)
            .json(protocol::token)
            .proved_by("clientSecret"))
        .op(of(Method::POST, "/as/introspect", Takes::Form, introspect)
            .takes(protocol::introspection_form)
            .json(protocol::introspection)
            .proved_by("clientSecret"))
        .op(of(Method::GET, "/as/jwks", Takes::Nothing, jwks)
            .json(protocol::jwks)
            .parameters([client()]))
        .op(of(
            Method::GET,
            "/as/.well-known/openid-configuration",
            Takes::Nothing,
            discovery,
        )
        .json(protocol::metadata)
        .parameters([client()]));
    ways.into_iter().fold(api, |api, (method, takes)| {
        api.op(of(method.clone(), "/as/userinfo", takes, userinfo)
            .takes(protocol::access_token_form)
            .json(protocol::claims)
            .proved_by("accessToken")
            .with_cookie_sent())
            .op(of(method.clone(), "/as/authorize", takes, authorize)
                .then(authorize::authorizes)
                .without_head())
            .op(of(method, "/as/resume", takes, resume)
                .then(authorize::resumes)
                .without_head())
    })
}

/// By which the environment is found.
fn client() -> Parameter {
    parameters::id("client_id", "The id of an application of the environment.").required()
}

fn of<H, F, E>(method: Method, path: &str, takes: Takes, handler: H) -> Operation
where
    H: Fn(Call) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, E>> + Send + 'static,
    E: Render + Send + 'static,
{
    let summary = format!("{path} in the environment of the client");
    Operation::new(method, path, takes, Guard::Public, summary, handler)
}

/// The same request with the environment in its path.
fn within(mut call: Call, environment: Id<Environment>) -> Call {
    let name = "environmentID".to_owned();
    call.params.insert(name, environment.to_string());
    call
}

/// Whose environment is meant, however the credentials were sent.
fn credentials(call: &Call) -> Result<ClientCredentials, OAuthError> {
    let form = Parameters::parse(&call.body);
    ClientCredentials::read(oidc::authorization(call), &form)
        .map_err(|error| OAuthError::of(REALM, error.into()))
}

/// Credentials that name nobody are wrong, like any others.
fn wrong(credentials: &ClientCredentials) -> OAuthError {
    OAuthError::of(
        REALM,
        credentials.invalid(CredentialFault::UnknownClient).into(),
    )
}

async fn token(call: Call) -> Result<Reply, OAuthError> {
    let credentials = credentials(&call)?;
    match tokens::environment_of_client(&call.app, &credentials.client_id).await? {
        Some(environment) => oidc::token(within(call, environment)).await,
        None => Err(wrong(&credentials)),
    }
}

async fn introspect(call: Call) -> Result<Reply, OAuthError> {
    let credentials = credentials(&call)?;
    match tokens::environment_of_introspector(&call.app, &credentials.client_id).await? {
        Some(environment) => oidc::introspect(within(call, environment)).await,
        None => Err(wrong(&credentials)),
    }
}

/// By a parameter that is ours: no client sends one to these.
async fn by_query(call: Call) -> Result<Call, ApiError> {
    let client = call.query_value("client_id").unwrap_or_default();
    match tokens::environment_of_client(&call.app, client).await? {
        Some(environment) => Ok(within(call, environment)),
        None => Err(ManagementError::NotFound(None).into()),
    }
}

async fn jwks(call: Call) -> Result<Reply, ApiError> {
    oidc::jwks(by_query(call).await?).await
}

async fn discovery(call: Call) -> Result<Reply, ApiError> {
    oidc::discovery(by_query(call).await?).await
}

async fn userinfo(call: Call) -> Result<Reply, OAuthError> {
    let refuse = |token_was_sent| {
        OAuthError::from(ApiError::InvalidToken(BearerChallenge {
            realm: REALM.to_owned(),
            token_was_sent,
        }))
    };
    let token = oidc::bearer(&call)?.ok_or_else(|| refuse(false))?;
    match tokens::environment_of_token(&call.app, &token).await? {
        Ok(environment) => oidc::userinfo(within(call, environment)).await,
        Err(fault) => {
            call.exchange.refuse(fault);
            Err(refuse(true))
        }
    }
}

async fn authorize(call: Call) -> Result<Reply, PageError> {
    let parameters = authorize::parameters(&call);
    let client = parameters.get("client_id").ok().flatten();
    match tokens::environment_of_client(&call.app, client.unwrap_or_default()).await {
        Ok(Some(environment)) => authorize::authorize(within(call, environment)).await,
        Ok(None) => Err(authorize::unaddressed(&call, &parameters)),
        Err(error) => Err(ApiError::from(error).into()),
    }
}

async fn resume(call: Call) -> Result<Reply, PageError> {
    let environment = match authorize::flow(&call) {
        Some(flow) => sign_on::environment_of_flow(&call.app, flow)
            .await
            .map_err(ApiError::from)?,
        None => None,
    };
    match environment {
        Some(environment) => authorize::resume(within(call, environment)).await,
        None => Err(authorize::unfinished(&call, FlowFailure::NotFound)),
    }
}
