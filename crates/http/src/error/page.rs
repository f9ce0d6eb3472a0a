//! Errors that a person sees in a browser.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{Render, management::ApiError};
use crate::{exchange::Exchange, pages};

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
                let mut response = Response::new(Body::from(pages::error(&message, &exchange.correlation_id)));
                *response.status_mut() = status;
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                response
            }
        }
    }
}
