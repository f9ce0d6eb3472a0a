//! Errors of the OAuth endpoints (RFC 6749 §5.2), with the platform's wording.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use super::{Render, management::ApiError};
use crate::exchange::Exchange;

#[derive(Debug)]
pub enum OAuthError {
    /// 400, 401 or 403 with `error` and `error_description`.
    Refused {
        status: StatusCode,
        error: &'static str,
        /// The sentence before the specific text.
        prefix: &'static str,
        description: String,
        /// `WWW-Authenticate`, when the client tried HTTP authentication.
        challenge: Option<String>,
    },
    /// 404, 405, 413, 415 and 5xx keep the platform's envelope (see docs/compatibility.md).
    Platform(ApiError),
}

impl<E: Into<ApiError>> From<E> for OAuthError {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

impl Render for OAuthError {
    fn render(self, exchange: &Exchange) -> Response {
        match self {
            Self::Platform(error) => error.render(exchange),
            Self::Refused {
                status,
                error,
                prefix,
                description,
                challenge,
            } => {
                let description = format!(
                    "{prefix}{description} (Correlation ID: {})",
                    exchange.correlation_id
                );
                let body = json!({ "error": error, "error_description": description });
                let mut response = Response::new(Body::from(body.to_string()));
                *response.status_mut() = status;
                response.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                );
                if let Some(challenge) =
                    challenge.and_then(|value| HeaderValue::from_str(&value).ok())
                {
                    response
                        .headers_mut()
                        .insert(header::WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }
}
