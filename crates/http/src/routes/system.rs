//! Health, readiness and the description of the API.

use std::sync::OnceLock;

use axum::{
    body::Bytes,
    http::{Method, StatusCode, header},
};
use serde_json::json;

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::management::{ApiError, SOON},
    openapi::{Body, shapes},
    reply::{Content, Reply},
};

pub(super) fn operations(api: Api) -> Api {
    let public = |path: &str, summary: &str| (path.to_owned(), summary.to_owned());
    let (health, alive) = public("/healthz", "Whether the process answers");
    let (readiness, ready_summary) = public("/readyz", "Whether the store answers and can write");
    let (description, describe_summary) =
        public("/openapi.json", "This API as an OpenAPI 3.1 document");
    let document = OnceLock::new();
    api.op(Operation::new(
        Method::GET,
        health,
        Takes::Nothing,
        Guard::Public,
        alive,
        healthy,
    )
    .json(shapes::health)
    .on_any_host())
        .op(Operation::new(
            Method::GET,
            readiness,
            Takes::Nothing,
            Guard::Public,
            ready_summary,
            ready,
        )
        .json(shapes::readiness)
        .or(503, Body::Json(shapes::readiness))
        .on_any_host())
        .op(Operation::new(
            Method::GET,
            description,
            Takes::Nothing,
            Guard::Public,
            describe_summary,
            move |_: Call| {
                let reply = describe(&document);
                async move { Ok::<_, ApiError>(reply) }
            },
        )
        .json(shapes::document))
}

async fn healthy(_: Call) -> Result<Reply, ApiError> {
    Ok(Reply::json(&json!({ "status": "ok" }))?)
}

async fn ready(call: Call) -> Result<Reply, ApiError> {
    if let Some(trouble) = call.app.engine.health().trouble() {
        let mut reply = Reply::json(&json!({ "status": "not ready", "reason": trouble.as_str() }))?
            .with(header::RETRY_AFTER, &SOON.to_string());
        reply.status = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(reply);
    }
    // A read, so that "ready" means that the store answers.
    let durability = call.app.engine.durability().await?;
    Ok(Reply::json(&json!({
        "status": "ready",
        "store": { "engine": durability.engine, "synchronous": durability.synchronous },
    }))?)
}

/// Made when it is asked for first.
fn describe(document: &OnceLock<Bytes>) -> Reply {
    let document = document.get_or_init(|| super::openapi().to_string().into());
    Reply::new(
        StatusCode::OK,
        Content::Text("application/json", document.clone()),
    )
}
