//! Errors that a person sees in a browser.

use axum::{
    http::{StatusCode, header},
    response::Response,
};

use super::{ErrorForm, Render, management::ApiError, oauth::OAuthError};
use crate::{exchange::Exchange, pages::ErrorPage, refusal::Refusal, reply::Reply};

#[derive(Debug)]
pub enum PageError {
    /// A sentence for the person, with its status.
    Shown { status: StatusCode, message: String },
    /// The sign-on is unknown, over, or another browser's; which one, nobody is told.
    Expired,
    /// A fault that has no page of its own, for the person.
    Failed(ApiError),
    /// The same for a program: JSON callers get the platform's envelope,
    Platform(ApiError),
    /// or what OAuth has them read.
    Protocol(OAuthError),
}

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Platform(error.into())
    }
}

impl Render for PageError {
    const FORM: ErrorForm = ErrorForm::Page;

    fn refusal(&self) -> Refusal {
        match self {
            Self::Platform(error) | Self::Failed(error) => error.refusal(),
            Self::Protocol(error) => error.refusal(),
            // Whoever shows these has noted why, where there is more to say.
            Self::Shown { .. } => Refusal::new("PAGE", "page_refused"),
            Self::Expired => Refusal::new("PAGE", "flow_not_named"),
        }
    }

    fn render(self, exchange: &Exchange) -> Response {
        let traceable = |message| ErrorPage {
            message,
            correlation_id: Some(exchange.correlation_id.clone()),
        };
        let mut retry_after = None;
        let (status, page) = match self {
            Self::Platform(error) => return error.render(exchange),
            Self::Protocol(error) => return error.render(exchange),
            Self::Shown { status, message } => (status, traceable(message)),
            Self::Expired => (StatusCode::BAD_REQUEST, ErrorPage::expired()),
            Self::Failed(error) => {
                error.log(exchange);
                retry_after = error.retry_after();
                let (status, message) = error.sentence();
                (status, traceable(message))
            }
        };
        match Reply::page(status, &page) {
            Ok(reply) => {
                let mut response = reply.into_response(exchange);
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds);
                }
                response
            }
            Err(error) => error.render(exchange),
        }
    }
}
