//! The MFA settings: one for each environment, so its path names none.

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, json};
use stepgate_app::mfa_settings;
use stepgate_domain::{
    resource::{Resource, Stored},
    resources::mfa_settings::MfaSettings,
};

use crate::{
    api::{Api, Operation, Takes},
    call::Call,
    crud::many,
    error::management::ApiError,
    guard::{reads, writes},
    hal,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let kind = MfaSettings::KIND;
    api.op(Operation::new(
        Method::GET,
        many(kind),
        Takes::Nothing,
        reads(kind),
        "Read the MFA settings",
        read,
    )
    .response::<MfaSettings>())
        .op(Operation::new(
            Method::PUT,
            many(kind),
            Takes::Json,
            writes(kind),
            "Replace the MFA settings",
            replace,
        )
        .request::<MfaSettings>()
        .response::<MfaSettings>())
        .op(Operation::new(
            Method::DELETE,
            many(kind),
            Takes::Nothing,
            writes(kind),
            "Reset the MFA settings",
            reset,
        ))
}

fn answer(call: &Call, stored: &Stored<MfaSettings>) -> Reply {
    let api = call.exchange.origin.api();
    let environment = format!("{api}/environments/{}", stored.environment);
    let mut links = Map::new();
    let own = format!("{environment}/{}", MfaSettings::KIND.collection);
    links.insert("self".into(), hal::href(own));
    links.insert("environment".into(), hal::href(environment));
    let mut members = Map::new();
    members.insert("environment".into(), json!({ "id": stored.environment }));
    members.append(&mut MfaSettings::view(stored, call.app.now()));
    members.insert("updatedAt".into(), json!(stored.updated_at));
    Reply::hal(StatusCode::OK, hal::with_links(links, members))
        .with(header::ETAG, &format!("\"{}\"", stored.version))
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let stored = mfa_settings::current(&call.app, call.environment()?.uuid()).await?;
    Ok(answer(&call, &stored))
}

async fn replace(call: Call) -> Result<Reply, ApiError> {
    let environment = call.environment()?.uuid();
    let (caller, body) = (call.caller()?, call.json()?);
    let stored =
        mfa_settings::replace(&call.app, caller, environment, call.if_match(), body).await?;
    Ok(answer(&call, &stored))
}

async fn reset(call: Call) -> Result<Reply, ApiError> {
    let environment = call.environment()?.uuid();
    mfa_settings::reset(&call.app, call.caller()?, environment, call.if_match()).await?;
    Ok(Reply::no_content())
}
