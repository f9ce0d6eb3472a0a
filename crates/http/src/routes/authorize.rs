//! Where a sign-on begins and where it ends: the authorization endpoint, and its continuation.

use axum::http::Method;
use stepgate_app::sign_on::{self, AuthorizeFailure, Begun, FlowFailure, Resumed};
use stepgate_domain::{
    flow::FlowError,
    id::Id,
    oauth::{authorization_request, error, parameters::Parameters, recipient::AuthorizeError},
    resources::environment::Environment,
};
use uuid::Uuid;

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::{flow::told, management::ApiError, oauth::OAuthError, page::PageError},
    exchange::Exchange,
    openapi::{Body, parameters, protocol},
    reply::Reply,
    sign_on as edge,
};

pub(super) fn operations(api: Api) -> Api {
    let ways = [
        (Method::GET, Takes::Nothing),
        (Method::POST, Takes::FormOrNothing),
    ];
    // A HEAD would send a code, or use one up.
    ways.into_iter().fold(api, |api, (method, takes)| {
        api.op(Operation::new(
            method.clone(),
            "/{environmentID}/as/authorize",
            takes,
            Guard::Public,
            "Ask for a sign-on",
            authorize,
        )
        .then(authorizes)
        .without_head())
            .op(Operation::new(
                method,
                "/{environmentID}/as/resume",
                takes,
                Guard::Public,
                "Exchange a finished flow for its answer",
                resume,
            )
            .then(resumes)
            .without_head())
    })
}

/// A redirect, a page that posts the answer, or the flow for `response_mode=pi.flow`.
fn answers(operation: Operation) -> Operation {
    operation
        .status(302)
        .or(200, Body::Text("text/html"))
        .or(200, Body::Json(protocol::flow))
        .limited()
        .private()
}

/// What all authorization endpoints have in common.
pub(super) fn authorizes(operation: Operation) -> Operation {
    answers(operation.takes(protocol::authorize_form)).parameters(protocol::authorize_parameters())
}

/// And all their continuations.
pub(super) fn resumes(operation: Operation) -> Operation {
    let flow = parameters::id("flowId", "The flow that has come to its end.");
    answers(operation.takes(protocol::flow_id_form)).parameters([flow])
}

/// Query and form together: a client may use either, and what is in both was given twice.
pub(super) fn parameters(call: &Call) -> Parameters {
    let query: Parameters = call.query.iter().cloned().collect();
    query.and(Parameters::parse(&call.body))
}

/// Whom a refusal is told that does not go to the client.
#[derive(Debug, Clone, Copy)]
struct Asker {
    is_person: bool,
    is_pi_flow: bool,
}

impl Asker {
    fn of(call: &Call, parameters: &Parameters) -> Self {
        // Of a repeated parameter nothing is known, and the refusal is told to the person.
        let is_pi_flow = parameters.get("response_mode").ok().flatten() == Some("pi.flow");
        Self {
            is_person: !is_pi_flow && !call.exchange.wants_plain_json,
            is_pi_flow,
        }
    }

    fn refuse(self, error: error::OAuthError) -> PageError {
        if self.is_pi_flow {
            ApiError::Authorize(error).into()
        } else if self.is_person {
            PageError::Shown {
                status: axum::http::StatusCode::BAD_REQUEST,
                message: error.description,
            }
        } else {
            PageError::Protocol(OAuthError::Refused {
                error,
                challenge: None,
            })
        }
    }
}

/// What a request gets that names no application.
pub(super) fn unaddressed(call: &Call, parameters: &Parameters) -> PageError {
    let refused = match authorization_request::client_id(parameters) {
        Err(refused) => refused,
        Ok(_) => AuthorizeError::Page(authorization_request::unknown_client()),
    };
    Asker::of(call, parameters).refuse(refused.error().clone())
}

pub(super) async fn authorize(call: Call) -> Result<Reply, PageError> {
    let parameters = parameters(&call);
    let asker = Asker::of(&call, &parameters);
    let told = |error| tell(error, asker.is_person);

    let environment = call.environment().map_err(told)?;
    if let Ok(client) = authorization_request::client_id(&parameters) {
        edge::note_client(&call, client.uuid());
    }
    let visitor = edge::visitor(&call);
    match sign_on::authorize(&call.app, environment, &parameters, &visitor).await {
        Ok(begun) => begin(&call, environment, begun).map_err(told),
        Err(AuthorizeFailure::Management(error)) => Err(told(error.into())),
        Err(AuthorizeFailure::Refused {
            error,
            allowed_origin,
        }) => {
            call.exchange.admit_page(allowed_origin.as_deref());
            refuse(&call, environment, error, asker)
        }
    }
}

fn begin(call: &Call, environment: Id<Environment>, begun: Begun) -> Result<Reply, ApiError> {
    match begun {
        Begun::Flow(shown) => edge::flow(call, environment, shown),
        Begun::Page {
            shown,
            login_page_url,
        } => {
            let page = login_page_url.as_deref();
            Ok(edge::login_page(call, environment, &shown, page))
        }
        Begun::Answer {
            answer,
            refused,
            cookie,
            allowed_origin,
        } => {
            call.exchange.admit_page(allowed_origin.as_deref());
            edge::answer(call, answer, refused.as_ref(), cookie.as_ref())
        }
    }
}

fn refuse(
    call: &Call,
    environment: Id<Environment>,
    error: AuthorizeError,
    asker: Asker,
) -> Result<Reply, PageError> {
    let exchange = &call.exchange;
    exchange.refuse(error.error());
    match error {
        AuthorizeError::Redirect { to, error } => {
            let issuer = exchange.origin.issuer(environment);
            let answer = to.with_error(&error, &exchange.correlation_id, &issuer);
            edge::answer(call, answer, Some(&error), None)
                .map_err(|error| tell(error, asker.is_person))
        }
        AuthorizeError::PiFlow(error) => Err(ApiError::Authorize(error).into()),
        AuthorizeError::Page(error) => Err(asker.refuse(error)),
    }
}

fn tell(error: ApiError, is_for_person: bool) -> PageError {
    if is_for_person {
        PageError::Failed(error)
    } else {
        PageError::Platform(error)
    }
}

/// The flow that a request to go on names.
pub(super) fn flow(call: &Call) -> Option<Uuid> {
    let parameters = parameters(call);
    let named = parameters.get("flowId").ok().flatten()?;
    named.parse::<Id<()>>().ok().map(Id::uuid)
}

pub(super) async fn resume(call: Call) -> Result<Reply, PageError> {
    let environment = call.environment();
    let flow = flow(&call);
    let (Ok(environment), Some(flow)) = (environment, flow) else {
        return Err(unfinished(&call, FlowFailure::NotFound));
    };
    let visitor = edge::visitor(&call);
    let resumed = sign_on::resume(&call.app, environment, flow, &visitor)
        .await
        .map_err(|failure| unfinished(&call, failure))?;
    match resumed {
        Resumed::Flow(shown) => edge::flow(&call, environment, shown)
            .map_err(|error| tell(error, is_person(&call.exchange))),
        Resumed::Answer {
            answer,
            refused,
            cookie,
            allowed_origin,
        } => {
            call.exchange.admit_page(allowed_origin.as_deref());
            edge::answer(&call, answer, refused.as_ref(), cookie.as_ref())
                .map_err(|error| tell(error, is_person(&call.exchange)))
        }
        Resumed::Page {
            shown,
            login_page_url,
        } => {
            let page = login_page_url.as_deref();
            Ok(edge::login_page(&call, environment, &shown, page))
        }
    }
}

/// A browser that follows a link says that it wants HTML; whoever does not is a program.
fn is_person(exchange: &Exchange) -> bool {
    exchange.wants_html && !exchange.wants_plain_json
}

/// Of a person's browser nobody else learns whether the flow is over or another browser's.
pub(super) fn unfinished(call: &Call, failure: FlowFailure) -> PageError {
    let is_over = matches!(
        failure,
        FlowFailure::NotFound
            | FlowFailure::NoSession
            | FlowFailure::Refused {
                error: FlowError::FlowExpired,
                ..
            }
    );
    let error = told(failure, &call.exchange, call.app.now());
    if is_over && is_person(&call.exchange) {
        PageError::Expired
    } else {
        tell(error, is_person(&call.exchange))
    }
}
