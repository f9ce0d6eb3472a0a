//! Settings of which each environment has one, so that their path names none.

use axum::http::{Method, StatusCode};
use serde_json::{Map, json};
use stepgate_app::settings;
use stepgate_domain::{
    resource::{Settings, Stored},
    resources::{mfa_settings::MfaSettings, security_profile::SecurityProfile},
};

use crate::{
    api::{Api, Operation, Takes},
    call::Call,
    crud::many,
    error::management::ApiError,
    guard::{reads, writes},
    hal,
    openapi::shapes,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    api.then(of::<MfaSettings>).then(of::<SecurityProfile>)
}

fn of<S: Settings>(api: Api) -> Api {
    let kind = S::KIND;
    api.op(Operation::new(
        Method::GET,
        many(kind),
        Takes::Nothing,
        reads(kind),
        format!("Read the {}", S::TITLE),
        read::<S>,
    )
    .hal(shapes::settings::<S>))
        .op(Operation::new(
            Method::PUT,
            many(kind),
            Takes::Json,
            writes(kind),
            format!("Replace the {}", S::TITLE),
            replace::<S>,
        )
        .draft::<S>()
        .hal(shapes::settings::<S>))
        .op(Operation::new(
            Method::DELETE,
            many(kind),
            Takes::Nothing,
            writes(kind),
            format!("Reset the {}", S::TITLE),
            reset::<S>,
        ))
}

fn answer<S: Settings>(call: &Call, stored: &Stored<S>) -> Reply {
    let api = call.exchange.origin.api();
    let environment = format!("{api}/environments/{}", stored.environment);
    let mut links = Map::new();
    let own = format!("{environment}/{}", S::KIND.collection);
    links.insert("self".into(), hal::href(own));
    links.insert("environment".into(), hal::href(environment));
    let mut members = Map::new();
    members.insert("environment".into(), json!({ "id": stored.environment }));
    members.append(&mut S::view(stored, call.app.now()));
    members.insert("updatedAt".into(), json!(stored.updated_at));
    Reply::hal(StatusCode::OK, hal::with_links(links, members)).versioned(stored.version)
}

async fn read<S: Settings>(call: Call) -> Result<Reply, ApiError> {
    let stored = settings::current::<S>(&call.app, call.environment()?.uuid()).await?;
    Ok(answer(&call, &stored))
}

async fn replace<S: Settings>(call: Call) -> Result<Reply, ApiError> {
    let environment = call.environment()?.uuid();
    let (caller, body) = (call.caller()?, call.json()?);
    let stored =
        settings::replace::<S>(&call.app, caller, environment, call.if_match(), body).await?;
    Ok(answer(&call, &stored))
}

async fn reset<S: Settings>(call: Call) -> Result<Reply, ApiError> {
    let environment = call.environment()?.uuid();
    settings::reset::<S>(&call.app, call.caller()?, environment, call.if_match()).await?;
    Ok(Reply::no_content())
}
