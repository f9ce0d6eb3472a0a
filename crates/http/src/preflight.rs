//! What a preflight may be told. It carries no body, no token and no cookie, so it hardly ever tells
//! for which application its page asks.

use axum::http::request::Parts;
use stepgate_app::{App, sign_on, tokens};
use stepgate_domain::{id::Id, oauth::cors::EndpointKind, resources::environment::Environment};

use crate::{api, error::management::ApiError, exchange::Exchange};

/// Judges the page by the application that the query names, else by all of the environment's.
pub(crate) async fn judge(
    app: &App,
    exchange: &Exchange,
    kind: EndpointKind,
    params: &[(String, String)],
    parts: &Parts,
) -> Result<(), ApiError> {
    if kind == EndpointKind::Cookieless {
        return Ok(());
    }
    let query = api::query(parts);
    let value = |pairs: &'_ [(String, String)], name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    let client_id = value(&query, "client_id");
    let environment: Option<Id<Environment>> = match value(params, "environmentID") {
        Some(environment) => environment.parse().ok(),
        None => match (&client_id, value(&query, "flowId")) {
            (Some(client), _) => tokens::environment_of_client(app, client).await?,
            (None, Some(flow)) => match flow.parse::<Id<()>>() {
                Ok(flow) => sign_on::environment_of_flow(app, flow.uuid()).await?,
                Err(_) => None,
            },
            (None, None) => None,
        },
    };
    let Some(environment) = environment else {
        exchange.judge_page(None, kind);
        return Ok(());
    };
    let named = match client_id {
        Some(client) => tokens::named_client(app, environment.uuid(), &client).await?,
        None => None,
    };
    match named {
        Some(client) => {
            exchange.judge_page(Some(&client), kind);
        }
        None => judge_unnamed(app, exchange, environment, kind).await?,
    }
    Ok(())
}

/// By all of the environment's applications.
pub(crate) async fn judge_unnamed(
    app: &App,
    exchange: &Exchange,
    environment: Id<Environment>,
    kind: EndpointKind,
) -> Result<(), ApiError> {
    if let Some(origin) = exchange.page_origin() {
        let admission = tokens::judge_unnamed_page(app, environment.uuid(), kind, origin).await?;
        exchange.admit(admission);
    }
    Ok(())
}
