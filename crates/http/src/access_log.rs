//! One line for each request: what was asked for, by whom, what became of it and why, and how long that
//! took. Never a query, a body, a cookie or a token. What is logged is counted as well, and refusals
//! that belong to the audit trail are handed over to it: every answer comes by here.

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, http::StatusCode, response::Response};
use stepgate_app::{App, refusals::Refused};
use stepgate_domain::{audit::Action, id::Id, resources::environment::Environment};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    api::Operation,
    exchange::{Exchange, KnownCaller},
    refusal::Refusal,
};

/// How much of a path that nobody serves is written down.
const UNKNOWN_PATH_CHARACTERS: usize = 100;
/// What requests are counted under that name no operation.
const NO_OPERATION: &str = "none";

#[derive(Debug)]
pub(crate) struct AccessLogEntry {
    method: axum::http::Method,
    /// As it is in the list of operations; of a path that is not there, its beginning.
    path: String,
    /// Method and path as they are in the list of operations.
    operation: Option<Arc<str>>,
    environment: Option<Uuid>,
    began: Instant,
}

impl AccessLogEntry {
    pub(crate) fn begin(
        operations: &[Operation],
        params: &[(String, String)],
        request: &Request,
    ) -> Self {
        let unknown = || {
            let path = request.uri().path().chars();
            path.take(UNKNOWN_PATH_CHARACTERS).collect()
        };
        let method = request.method();
        let named = params.iter().find(|(name, _)| name == "environmentID");
        Self {
            method: method.clone(),
            path: operations
                .first()
                .map_or_else(unknown, |operation| operation.path.clone()),
            operation: operations
                .iter()
                .find(|operation| operation.answers(method))
                .map(|operation| Arc::clone(&operation.label)),
            environment: named
                .and_then(|(_, id)| id.parse::<Id<Environment>>().ok())
                .map(Id::uuid),
            began: Instant::now(),
        }
    }

    pub(crate) fn end(self, app: &App, response: &Response, exchange: &Exchange) {
        let took = self.began.elapsed();
        let status = response.status();
        let caller = exchange.caller();
        let refusal = exchange.take_refusal();
        let environment = self.environment.or(caller.home);
        let operation = self.operation.clone();
        let operation = operation.unwrap_or_else(|| Arc::from(NO_OPERATION));
        app.metrics.answered(&operation, status.as_u16(), took);
        let Some(refusal) = refusal else {
            tracing::info!(
                method = self.method.as_str(),
                path = %self.path,
                environment = environment.map(tracing::field::display),
                client = caller.client.map(tracing::field::display),
                remote = exchange.remote.map(tracing::field::display),
                status = status.as_u16(),
                milliseconds = milliseconds(took),
                correlation_id = exchange.correlation_id,
                "answered"
            );
            return;
        };
        tracing::info!(
            method = self.method.as_str(),
            path = %self.path,
            environment = environment.map(tracing::field::display),
            client = caller.client.map(tracing::field::display),
            remote = exchange.remote.map(tracing::field::display),
            status = status.as_u16(),
            milliseconds = milliseconds(took),
            correlation_id = exchange.correlation_id,
            error = refusal.code,
            reason = refusal.check,
            detail = refusal.detail,
            "answered"
        );
        app.metrics.refused(refusal.check);
        if let Some(action) = event(&refusal, status) {
            let KnownCaller { client, user, home } = caller;
            let refused = Refused {
                action,
                check: refusal.check,
                operation: operation.to_string(),
                environment,
                client,
                home,
                user,
                correlation_id: exchange.correlation_id.clone(),
                remote_ip: exchange.remote,
            };
            app.refusals.note(refused, app.now());
        }
    }
}

/// The event of a refusal: of every 403, and of what has one of its own.
fn event(refusal: &Refusal, status: StatusCode) -> Option<Action> {
    let denied = (status == StatusCode::FORBIDDEN).then_some(Action::ACCESS_DENIED);
    refusal.action.clone().or(denied)
}

/// To the microsecond.
fn milliseconds(took: Duration) -> f64 {
    let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}
