//! What the endpoints of a sign-on share: who calls, and how a flow or an answer goes back.

use axum::http::{StatusCode, header};
use stepgate_app::{
    error::ManagementError,
    sign_on::{SessionCookie, Shown, Visitor},
};
use stepgate_domain::{
    flow::view,
    id::Id,
    oauth::{authorization_response::Answer, error::OAuthError},
    resources::environment::Environment,
    secret::Secret,
};
use url::Url;
use uuid::Uuid;

use crate::{
    call::Call, cookies, error::management::ApiError, exchange::KnownCaller, pages::FormPostPage,
    reply::Reply,
};

/// Notes the application that a request is about.
pub(crate) fn note_client(call: &Call, client: Uuid) {
    call.exchange.note_caller(KnownCaller {
        client: Some(client),
        ..KnownCaller::default()
    });
}

pub(crate) fn visitor(call: &Call) -> Visitor {
    let exchange = &call.exchange;
    Visitor {
        origin: exchange.origin.clone(),
        session_tokens: cookies::session_tokens(&call.headers),
        remote_ip: call.remote,
        web_origin: exchange.page_origin().map(str::to_owned),
        correlation_id: exchange.correlation_id.clone(),
    }
}

/// The flow that a path or a parameter names; what is no id names none.
pub(crate) fn flow_id(text: &str) -> Result<Uuid, ApiError> {
    text.parse::<Id<()>>()
        .map(Id::uuid)
        .map_err(|_| ManagementError::NotFound(None).into())
}

/// Where the authentication endpoints of the environment are.
pub(crate) fn base(call: &Call, environment: Id<Environment>) -> String {
    call.exchange.origin.authentication(environment)
}

/// The flow itself, as JSON.
pub(crate) fn flow(
    call: &Call,
    environment: Id<Environment>,
    shown: Shown,
) -> Result<Reply, ApiError> {
    let exchange = &call.exchange;
    exchange.admit_page(shown.allowed_origin.as_deref());
    note_client(call, shown.flow.application.id.uuid());
    if let Some(error) = &shown.refused {
        exchange.refuse(error);
    }
    let mut view = view::view(&shown.flow, &base(call, environment), call.app.now());
    view.authorize_response = shown.authorize_response;
    Ok(Reply::json(&view)?.with_session(&exchange.origin, shown.cookie.as_ref()))
}

/// On to the page where the person signs on: the application's own, or the hosted one.
pub(crate) fn login_page(
    call: &Call,
    environment: Id<Environment>,
    shown: &Shown,
    application_page: Option<&str>,
) -> Reply {
    let exchange = &call.exchange;
    exchange.admit_page(shown.allowed_origin.as_deref());
    let flow = shown.flow.id;
    let own = application_page.and_then(|page| Url::parse(page).ok());
    let location = match own {
        Some(mut page) => {
            page.query_pairs_mut()
                .append_pair("environmentId", &environment.to_string())
                .append_pair("flowId", &flow.to_string());
            page.into()
        }
        None => hosted_page(call, environment, flow.uuid()),
    };
    Reply::found(&location).with_session(&exchange.origin, shown.cookie.as_ref())
}

pub(crate) fn hosted_page(call: &Call, environment: Id<Environment>, flow: Uuid) -> String {
    format!("{}/signon/?flowId={flow}", base(call, environment))
}

/// A code or an error, through the browser to the client.
pub(crate) fn answer(
    call: &Call,
    answer: Answer,
    refused: Option<&OAuthError>,
    cookie: Option<&SessionCookie>,
) -> Result<Reply, ApiError> {
    if let Some(error) = refused {
        call.exchange.refuse(error);
    }
    let reply = match answer {
        Answer::Location(location) => Reply::found(&location),
        Answer::Form { action, fields } => {
            let secret = |(name, value): (&str, String)| (name.to_owned(), Secret::new(value));
            let page = FormPostPage {
                redirect_uri: action,
                parameters: fields.into_iter().map(secret).collect(),
            };
            Reply::page(StatusCode::OK, &page)?
        }
    };
    Ok(reply
        .with_session(&call.exchange.origin, cookie)
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::PRAGMA, "no-cache"))
}
