//! What is counted, for the program that collects it.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;
use stepgate_app::{App, error::ManagementError, metrics};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::management::ApiError,
    reply::{Content, Reply},
};

const PATH: &str = "/metrics";
/// Prometheus's text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A proxy on this machine is a loopback peer too, and asks for anybody.
const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

pub(super) fn operations(api: Api) -> Api {
    api.op(Operation::new(
        Method::GET,
        PATH,
        Takes::Nothing,
        Guard::Public,
        "What is counted, in Prometheus's text format",
        show,
    )
    .text("text/plain")
    .private()
    // Whoever collects them asks this machine by its address.
    .on_any_host())
}

/// The same on a listener of its own, for whoever reaches it.
pub fn router(app: &Arc<App>) -> Router {
    let app = Arc::clone(app);
    Router::new().route(PATH, get(move |_: Request| show_all(app)))
}

async fn show_all(app: Arc<App>) -> Response {
    match metrics::text(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(error = ?error, "the metrics could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Where there is no listener for it, this machine alone may ask.
async fn show(call: Call) -> Result<Reply, ApiError> {
    let is_local = call
        .remote
        .is_some_and(|peer| peer.to_canonical().is_loopback());
    if !call.app.settings.metrics || !is_local || is_proxied(&call.headers) {
        return Err(ManagementError::NotFound(None).into());
    }
    let text = metrics::text(&call.app).await?;
    Ok(Reply::new(
        StatusCode::OK,
        Content::Text(MEDIA_TYPE, text.into()),
    ))
}

fn is_proxied(headers: &HeaderMap) -> bool {
    OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}
