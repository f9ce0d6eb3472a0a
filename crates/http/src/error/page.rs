//! Errors that a person sees in a browser.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{Render, management::ApiError};
use crate::{
    exchange::Exchange,
    pages::{ErrorPage, Page},
};

#[derive(Debug)]
pub enum PageError {
    /// A sentence for the person, with its status.
    Shown { status: StatusCode, message: String },
    /// The same fault for a program: JSON callers get the platform's envelope.
    Platform(ApiError),
}

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

impl Render for PageError {
    fn render(self, exchange: &Exchange) -> Response {
        match self {
            Self::Platform(error) => error.render(exchange),
            Self::Shown { status, message } => {
                let page = ErrorPage {
                    message,
                    correlation_id: Some(exchange.correlation_id.clone()),
                };
                let policy = page.content_security_policy();
                let mut response = Response::new(Body::from(
                    page.render()
                        .unwrap_or_else(|_| "The request cannot be completed.".to_owned()),
                ));
                *response.status_mut() = status;
                if let Ok(policy) = HeaderValue::from_str(policy) {
                    response
                        .headers_mut()
                        .insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                response.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                );
                response
            }
        }
    }
}
