//! Errors of the management and flows APIs: the platform's envelope.

use std::fmt;

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value, json};
use stepgate_app::error::ManagementError;
use stepgate_domain::{
    oauth::error::{DetailCode, OAuthError},
    violation::Violation,
};

use super::{ErrorForm, Render};
use crate::{exchange::Exchange, refusal::Refusal};

const VALIDATION: &str =
    "The request could not be completed. One or more validation errors were in the request.";
const MALFORMED: &str = "The request could not be completed. The request was malformed or invalid.";
const ISSUE: &str =
    "The request could not be completed. There was an issue processing the request.";
const NO_ACCESS: &str =
    "The request could not be completed. You do not have access to this resource.";
const BUSY: &str =
    "The request could not be completed. The server cannot do this now; try again later.";
/// After how many seconds a request may be tried again that failed for now.
pub(crate) const SOON: u64 = 5;
const NOT_FOUND: &str = "The request could not be completed. The requested resource was not found.";

#[derive(Debug)]
pub enum ApiError {
    Management(ManagementError),
    /// The body is not JSON, or not whole.
    MalformedBody,
    /// A query parameter or header is wrong: 400 `INVALID_REQUEST`.
    InvalidRequest(Vec<Violation>),
    /// No token, or one that is not ours, not valid any more, or not for this.
    InvalidToken(BearerChallenge),
    /// The cookie or origin does not belong to the flow.
    NoAccess {
        status: StatusCode,
        detail: &'static str,
    },
    MethodNotAllowed {
        allowed: Vec<Method>,
    },
    UnsupportedMediaType {
        sent: String,
        supported: Vec<String>,
    },
    TooLarge {
        maximum: usize,
    },
    /// The body did not come in its time.
    Late,
    /// So many bodies are being read that there is no room for another.
    NoRoom,
    /// The Host header names none of this server's origins.
    Misdirected,
    /// An authorize request with `response_mode=pi.flow`: the envelope with the OAuth members.
    Authorize(OAuthError),
}

/// `WWW-Authenticate` (RFC 6750 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerChallenge {
    pub realm: String,
    /// An error code is only for who sent a token.
    pub token_was_sent: bool,
}

impl fmt::Display for BearerChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer realm=\"{}\"", self.realm)?;
        if self.token_was_sent {
            f.write_str(", error=\"invalid_token\"")?;
        }
        Ok(())
    }
}

impl<E: Into<ManagementError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Management(error.into())
    }
}

/// What goes on the wire besides the details.
struct Wire {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn wire(&self) -> Wire {
        let wire = |status, code, message: &str| Wire {
            status,
            code,
            message: message.to_owned(),
        };
        match self {
            Self::Management(error) => management_wire(error),
            Self::MalformedBody | Self::InvalidRequest(_) => {
                wire(StatusCode::BAD_REQUEST, "INVALID_REQUEST", MALFORMED)
            }
            Self::InvalidToken(_) => wire(StatusCode::UNAUTHORIZED, "ACCESS_FAILED", NO_ACCESS),
            Self::NoAccess { status, .. } => wire(*status, "ACCESS_FAILED", NO_ACCESS),
            Self::MethodNotAllowed { .. } => wire(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "The request could not be completed. The method is not supported by this resource.",
            ),
            Self::UnsupportedMediaType { sent, supported } => Wire {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                code: "INVALID_REQUEST",
                message: format!(
                    "The request could not be completed. Content type '{sent}' is not supported here; supported: {}.",
                    supported.join(", ")
                ),
            },
            Self::TooLarge { maximum } => Wire {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                code: "INVALID_REQUEST",
                message: format!(
                    "The request could not be completed. The body is larger than {maximum} bytes."
                ),
            },
            Self::Late => wire(
                StatusCode::REQUEST_TIMEOUT,
                "INVALID_REQUEST",
                "The request could not be completed. The body did not arrive in time.",
            ),
            Self::NoRoom => wire(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", BUSY),
            Self::Misdirected => wire(
                StatusCode::MISDIRECTED_REQUEST,
                "INVALID_REQUEST",
                "The request could not be completed. This server does not answer for the requested host.",
            ),
            Self::Authorize(error) => {
                let message = match error.detail {
                    DetailCode::InvalidValue | DetailCode::RequiredValue => VALIDATION,
                    DetailCode::LoginRequired
                    | DetailCode::AccessFailed
                    | DetailCode::QuotaExceeded
                    | DetailCode::SendFailed => ISSUE,
                };
                wire(StatusCode::BAD_REQUEST, error.detail.envelope(), message)
            }
        }
    }

    /// A fault of ours is written down; the client is told no more than its correlation id.
    pub(super) fn log(&self, exchange: &Exchange) {
        let correlation_id = &exchange.correlation_id;
        if let Self::Management(ManagementError::Internal(source)) = self {
            tracing::error!(correlation_id, error = ?source, "request failed");
        }
        if let Self::Management(ManagementError::Unavailable(source)) = self {
            tracing::error!(correlation_id, error = ?source, "request failed for now");
        }
    }

    /// The code of the envelope.
    pub(super) fn code(&self) -> &'static str {
        self.wire().code
    }

    /// What a page says of it.
    pub(super) fn sentence(&self) -> (StatusCode, String) {
        let wire = self.wire();
        (wire.status, wire.message)
    }

    /// When the client may ask again, where that is known.
    pub(super) fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::Management(ManagementError::Limited { retry_after, .. }) => {
                Some(HeaderValue::from(retry_after.as_seconds_ceil()))
            }
            Self::NoRoom | Self::Management(ManagementError::Unavailable(_)) => {
                Some(HeaderValue::from(SOON))
            }
            Self::Management(
                ManagementError::Invalid(_)
                | ManagementError::Failed(_)
                | ManagementError::NotFound(_)
                | ManagementError::Forbidden(_)
                | ManagementError::InvalidQuery(_)
                | ManagementError::PreconditionFailed
                | ManagementError::Internal(_),
            )
            | Self::MalformedBody
            | Self::InvalidRequest(_)
            | Self::InvalidToken(_)
            | Self::NoAccess { .. }
            | Self::MethodNotAllowed { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::TooLarge { .. }
            | Self::Late
            | Self::Misdirected
            | Self::Authorize(_) => None,
        }
    }

    fn details(&self) -> Vec<Value> {
        match self {
            Self::Management(ManagementError::Invalid(violations))
            | Self::InvalidRequest(violations) => violations.iter().map(detail).collect(),
            Self::Management(
                ManagementError::Failed(violation)
                | ManagementError::InvalidQuery(violation)
                | ManagementError::Limited {
                    detail: violation, ..
                },
            ) => vec![detail(violation)],
            Self::Authorize(error) => {
                let mut detail = Map::new();
                detail.insert("code".into(), error.detail.as_str().into());
                if let Some(target) = &error.target {
                    detail.insert("target".into(), target.clone().into());
                }
                detail.insert("message".into(), error.description.clone().into());
                vec![detail.into()]
            }
            Self::Management(ManagementError::Forbidden(_)) => {
                vec![
                    json!({ "code": "INSUFFICIENT_PERMISSIONS", "message": "The caller lacks the permission for this." }),
                ]
            }
            Self::InvalidToken(_) => vec![
                json!({ "code": "INVALID_TOKEN", "message": "The access token is missing, invalid or expired." }),
            ],
            Self::NoAccess { detail, .. } => vec![json!({ "code": detail, "message": NO_ACCESS })],
            Self::Management(
                ManagementError::NotFound(_)
                | ManagementError::PreconditionFailed
                | ManagementError::Unavailable(_)
                | ManagementError::Internal(_),
            )
            | Self::MalformedBody
            | Self::MethodNotAllowed { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::TooLarge { .. }
            | Self::Late
            | Self::NoRoom
            | Self::Misdirected => Vec::new(),
        }
    }
}

fn management_wire(error: &ManagementError) -> Wire {
    let wire = |status, code, message: &str| Wire {
        status,
        code,
        message: message.to_owned(),
    };
    match error {
        ManagementError::Invalid(violations) => {
            let summary = violations.iter().find_map(|violation| violation.summary);
            wire(
                StatusCode::BAD_REQUEST,
                "INVALID_DATA",
                summary.unwrap_or(VALIDATION),
            )
        }
        ManagementError::Failed(_) => wire(StatusCode::BAD_REQUEST, "REQUEST_FAILED", ISSUE),
        ManagementError::NotFound(missing) => Wire {
            status: StatusCode::NOT_FOUND,
            code: "NOT_FOUND",
            message: missing
                .as_ref()
                .and_then(|missing| {
                    let text = missing.kind.not_found?;
                    Some(text(
                        &missing.id.to_string(),
                        &missing.environment.to_string(),
                    ))
                })
                .unwrap_or_else(|| NOT_FOUND.to_owned()),
        },
        ManagementError::Limited { .. } => {
            wire(StatusCode::TOO_MANY_REQUESTS, "REQUEST_LIMITED", ISSUE)
        }
        ManagementError::InvalidQuery(_) => {
            wire(StatusCode::BAD_REQUEST, "INVALID_REQUEST", MALFORMED)
        }
        ManagementError::Forbidden(_) => wire(StatusCode::FORBIDDEN, "ACCESS_FAILED", NO_ACCESS),
        ManagementError::PreconditionFailed => wire(
            StatusCode::PRECONDITION_FAILED,
            "PRECONDITION_FAILED",
            "The request could not be completed. The resource has another version than the one that If-Match names.",
        ),
        ManagementError::Unavailable(_) => {
            wire(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", BUSY)
        }
        ManagementError::Internal(_) => wire(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNEXPECTED_ERROR",
            "The request could not be completed. An unexpected error occurred.",
        ),
    }
}

fn detail(violation: &Violation) -> Value {
    let mut detail = Map::new();
    detail.insert("code".into(), violation.code.as_str().into());
    if !violation.target.is_empty() {
        detail.insert("target".into(), violation.target.clone().into());
    }
    detail.insert("message".into(), violation.message.clone().into());
    if !violation.inner.is_null() {
        detail.insert("innerError".into(), violation.inner.clone());
    }
    Value::Object(detail)
}

impl Render for ApiError {
    const FORM: ErrorForm = ErrorForm::Platform;

    fn refusal(&self) -> Refusal {
        self.into()
    }

    fn render(self, exchange: &Exchange) -> Response {
        self.log(exchange);
        let Wire {
            status,
            code,
            message,
        } = self.wire();
        let mut body = Map::new();
        body.insert("id".into(), exchange.correlation_id.clone().into());
        body.insert("code".into(), code.into());
        body.insert("message".into(), message.into());
        let details = self.details();
        if !details.is_empty() {
            body.insert("details".into(), details.into());
        }
        if let Self::Authorize(error) = &self {
            body.insert("error".into(), error.code.as_str().into());
            body.insert("error_description".into(), error.description.clone().into());
        }
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json;charset=UTF-8"),
        );
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        match &self {
            Self::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
                    headers.insert(header::ALLOW, value);
                }
            }
            Self::InvalidToken(challenge) => {
                if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                    headers.insert(header::WWW_AUTHENTICATE, value);
                }
            }
            Self::Management(_)
            | Self::MalformedBody
            | Self::InvalidRequest(_)
            | Self::NoAccess { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::TooLarge { .. }
            | Self::Late
            | Self::NoRoom
            | Self::Misdirected
            | Self::Authorize(_) => {}
        }
        response
    }
}
