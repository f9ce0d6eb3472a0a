//! One line for each request: what was asked for, what became of it, and how long that took. Never a
//! query, a body, a cookie or a token.

use axum::{extract::Request, http::Method, response::Response};
use tokio::time::Instant;

use crate::{api::Operation, exchange::Exchange};

/// How much of a path that nobody serves is written down.
const UNKNOWN_PATH_CHARACTERS: usize = 100;

#[derive(Debug)]
pub(crate) struct AccessLogEntry {
    method: Method,
    /// As it is in the list of operations; of a path that is not there, its beginning.
    path: String,
    began: Instant,
}

impl AccessLogEntry {
    pub(crate) fn begin(operations: &[Operation], request: &Request) -> Self {
        let unknown = || {
            let path = request.uri().path().chars();
            path.take(UNKNOWN_PATH_CHARACTERS).collect()
        };
        Self {
            method: request.method().clone(),
            path: operations
                .first()
                .map_or_else(unknown, |operation| operation.path.clone()),
            began: Instant::now(),
        }
    }

    pub(crate) fn end(self, response: &Response, exchange: &Exchange) {
        let took = self.began.elapsed();
        tracing::info!(
            method = self.method.as_str(),
            path = %self.path,
            status = response.status().as_u16(),
            remote = exchange.remote.map(tracing::field::display),
            milliseconds = took.as_secs_f64() * 1000.0,
            correlation_id = exchange.correlation_id,
            "answered"
        );
    }
}
