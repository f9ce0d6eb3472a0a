//! What becomes of a request to sign on, as facts for the edge.

use serde_json::{Map, Value};
use stepgate_domain::{
    flow::{Flow, FlowError},
    ids::FlowId,
    oauth::{authorization_response, error::OAuthError, recipient::AuthorizeError},
    secret::Secret,
    time::Duration,
    violation::Violation,
};

use crate::error::ManagementError;

/// The browser's session cookie, to be set with the answer.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    pub token: Secret<String>,
    /// Seconds; `None` makes it end with the browser.
    pub max_age: Option<i64>,
    /// The flow for which it goes out under a further name. Tabs that are opened at once in a browser
    /// without a cookie each get one, and only the last would be kept.
    pub further_for: Option<FlowId>,
}

/// A flow as it is now, to be rendered as JSON or as a page.
#[derive(Debug, Clone)]
pub struct Shown {
    pub flow: Flow,
    pub cookie: Option<SessionCookie>,
    /// `authorizeResponse`, once there is one.
    pub authorize_response: Option<Map<String, Value>>,
    /// What it refuses with, if it does.
    pub refused: Option<OAuthError>,
    /// The web origin that may read the answer, with credentials.
    pub allowed_origin: Option<String>,
}

/// The answer to a valid authorization request.
#[derive(Debug)]
pub enum Begun {
    /// `pi.flow`: the flow itself.
    Flow(Shown),
    /// The browser goes on to a page: the hosted one, or the application's own.
    Page {
        shown: Shown,
        login_page_url: Option<String>,
    },
    /// The session satisfied the request at once.
    Answer {
        answer: authorization_response::Answer,
        refused: Option<OAuthError>,
        cookie: Option<SessionCookie>,
        allowed_origin: Option<String>,
    },
}

#[derive(Debug)]
pub enum Resumed {
    /// `pi.flow`: the flow with its `authorizeResponse`; or it is not finished yet.
    Flow(Shown),
    /// Redirect modes, finished: a code or an error goes to the client.
    Answer {
        answer: authorization_response::Answer,
        refused: Option<OAuthError>,
        cookie: Option<SessionCookie>,
        allowed_origin: Option<String>,
    },
    /// Redirect modes, not finished: back to the page.
    Page {
        shown: Shown,
        login_page_url: Option<String>,
    },
}

#[derive(Debug)]
pub enum AuthorizeFailure {
    /// With all that is known of where to tell it.
    Refused {
        error: AuthorizeError,
        allowed_origin: Option<String>,
    },
    /// A limit was hit, or a fault of ours.
    Management(ManagementError),
}

impl<E: Into<ManagementError>> From<E> for AuthorizeFailure {
    fn from(error: E) -> Self {
        Self::Management(error.into())
    }
}

#[derive(Debug)]
pub enum FlowFailure {
    /// Unknown, expired, consumed, or of a disabled application.
    NotFound,
    /// The cookie is missing or another session's.
    NoSession,
    /// The web origin is not one of the application's.
    OriginNotAllowed,
    /// The flow was read too often.
    TooOften {
        retry_after: Duration,
    },
    /// The engine refuses, after what had to be saved was saved.
    Refused {
        error: FlowError,
        allowed_origin: Option<String>,
    },
    /// The body breaks rules.
    Invalid {
        violations: Vec<Violation>,
        allowed_origin: Option<String>,
    },
    Management(ManagementError),
}

impl<E: Into<ManagementError>> From<E> for FlowFailure {
    fn from(error: E) -> Self {
        Self::Management(error.into())
    }
}
