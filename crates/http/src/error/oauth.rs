//! Errors of the OAuth endpoints (RFC 6749 §5.2), with the platform's wording.

use std::fmt;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;
use stepgate_app::tokens::TokenError;
use stepgate_domain::oauth::error::{self, OAuthErrorCode};

use super::{ErrorForm, Render, management::ApiError};
use crate::{exchange::Exchange, refusal::Refusal};

#[derive(Debug)]
pub enum OAuthError {
    /// `error` and `error_description`.
    Refused {
        error: error::OAuthError,
        /// `WWW-Authenticate`, when HTTP authentication was tried.
        challenge: Option<String>,
    },
    /// 404, 405, 413, 415 and 5xx keep the platform's envelope (see docs/compatibility.md).
    Platform(ApiError),
}

impl OAuthError {
    /// The error of a request to a token or introspection endpoint. The realm is the environment,
    /// where one was named.
    pub(crate) fn of(realm: impl fmt::Display, error: TokenError) -> Self {
        match error {
            TokenError::Refused(error) => Self::Refused {
                error,
                challenge: None,
            },
            TokenError::Client(error) => Self::Refused {
                challenge: error
                    .challenges()
                    .then(|| format!("Basic realm=\"{realm}\"")),
                error: error.into(),
            },
            TokenError::Failed(error) => Self::Platform(error.into()),
        }
    }
}

impl<E: Into<ApiError>> From<E> for OAuthError {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

const fn status(code: OAuthErrorCode) -> StatusCode {
    match code {
        OAuthErrorCode::InvalidClient | OAuthErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        OAuthErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        OAuthErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        OAuthErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        OAuthErrorCode::AccessDenied
        | OAuthErrorCode::InvalidGrant
        | OAuthErrorCode::InvalidRequest
        | OAuthErrorCode::InvalidScope
        | OAuthErrorCode::InvalidTarget
        | OAuthErrorCode::InteractionRequired
        | OAuthErrorCode::LoginRequired
        | OAuthErrorCode::RequestNotSupported
        | OAuthErrorCode::RequestUriNotSupported
        | OAuthErrorCode::UnauthorizedClient
        | OAuthErrorCode::UnsupportedGrantType
        | OAuthErrorCode::UnsupportedResponseType => StatusCode::BAD_REQUEST,
    }
}

impl Render for OAuthError {
    const FORM: ErrorForm = ErrorForm::OAuth;

    fn refusal(&self) -> Refusal {
        match self {
            Self::Platform(error) => error.refusal(),
            Self::Refused { error, .. } => error.into(),
        }
    }

    fn render(self, exchange: &Exchange) -> Response {
        match self {
            Self::Platform(error) => error.render(exchange),
            Self::Refused { error, challenge } => {
                let body = json!({
                    "error": error.code.as_str(),
                    "error_description": error.described(&exchange.correlation_id),
                });
                let mut response = Response::new(Body::from(body.to_string()));
                *response.status_mut() = status(error.code);
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
