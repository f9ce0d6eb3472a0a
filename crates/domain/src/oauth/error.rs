//! The facts of an OAuth error, for its three renderings: redirect, OAuth JSON, platform envelope.

/// The values of `error` (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 8707).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthErrorCode {
    AccessDenied,
    InsufficientScope,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    InteractionRequired,
    LoginRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    ServerError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

impl OAuthErrorCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }

    /// How `error_description` begins.
    const fn sentence(self) -> &'static str {
        match self {
            Self::InvalidClient => "Request denied",
            Self::InvalidRequest
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType => {
                "The request could not be completed. One or more validation errors were in the request."
            }
            Self::AccessDenied
            | Self::InsufficientScope
            | Self::InvalidGrant
            | Self::InvalidToken
            | Self::InteractionRequired
            | Self::LoginRequired
            | Self::ServerError
            | Self::TemporarilyUnavailable
            | Self::UnauthorizedClient => {
                "The request could not be completed. There was an issue processing the request."
            }
        }
    }
}

/// `details[0].code` where the error is told in the platform's envelope (`response_mode=pi.flow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DetailCode {
    InvalidValue,
    RequiredValue,
    LoginRequired,
    AccessFailed,
    QuotaExceeded,
    SendFailed,
}

impl DetailCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidValue => "INVALID_VALUE",
            Self::RequiredValue => "REQUIRED_VALUE",
            Self::LoginRequired => "LOGIN_REQUIRED",
            Self::AccessFailed => "ACCESS_FAILED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::SendFailed => "SEND_FAILED",
        }
    }

    /// The envelope's own `code` above such a detail.
    pub const fn envelope(self) -> &'static str {
        match self {
            Self::InvalidValue | Self::RequiredValue => "INVALID_DATA",
            Self::LoginRequired | Self::AccessFailed | Self::QuotaExceeded | Self::SendFailed => {
                "REQUEST_FAILED"
            }
        }
    }
}

/// Which check failed: for the log, the counts and the audit trail. Nobody who is refused is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The client did not prove who it is.
    Client(&'static str),
    /// A `login_hint_token` does not vouch for anybody.
    Hint(&'static str),
    Other(&'static str),
}

impl Cause {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client(check) | Self::Hint(check) | Self::Other(check) => check,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", .code.as_str())]
pub struct OAuthError {
    pub code: OAuthErrorCode,
    /// What is wrong, without the general sentence before it, in the characters that
    /// `error_description` may have. A value that was sent is in it only where there is a cause as
    /// well.
    pub description: String,
    /// The parameter that is at fault.
    pub target: Option<String>,
    pub detail: DetailCode,
    /// None: code and description say it all.
    pub cause: Option<Cause>,
}

impl OAuthError {
    pub fn new(code: OAuthErrorCode, description: impl Into<String>) -> Self {
        let detail = match code {
            OAuthErrorCode::LoginRequired | OAuthErrorCode::InteractionRequired => {
                DetailCode::LoginRequired
            }
            OAuthErrorCode::AccessDenied
            | OAuthErrorCode::InsufficientScope
            | OAuthErrorCode::InvalidToken
            | OAuthErrorCode::ServerError
            | OAuthErrorCode::TemporarilyUnavailable => DetailCode::AccessFailed,
            OAuthErrorCode::InvalidClient
            | OAuthErrorCode::InvalidGrant
            | OAuthErrorCode::InvalidRequest
            | OAuthErrorCode::InvalidScope
            | OAuthErrorCode::InvalidTarget
            | OAuthErrorCode::RequestNotSupported
            | OAuthErrorCode::RequestUriNotSupported
            | OAuthErrorCode::UnauthorizedClient
            | OAuthErrorCode::UnsupportedGrantType
            | OAuthErrorCode::UnsupportedResponseType => DetailCode::InvalidValue,
        };
        Self {
            code,
            description: description.into().replace(is_not_described, "?"),
            target: None,
            detail,
            cause: None,
        }
    }

    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    #[must_use]
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// `invalid_request` because of the parameter `target`.
    pub fn invalid(target: &str, description: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description).at(target)
    }

    /// `invalid_request` because the parameter `target` is absent.
    pub fn required(target: &str) -> Self {
        let error = Self::invalid(target, format!("{target} must be present"));
        Self {
            detail: DetailCode::RequiredValue,
            ..error
        }
    }

    /// `error_description` as it is sent.
    pub fn described(&self, correlation_id: &str) -> String {
        format!(
            "{}: {} (Correlation ID: {correlation_id})",
            self.code.sentence(),
            self.description
        )
    }
}

/// What no `error_description` may have (RFC 6749 §5.2).
const fn is_not_described(character: char) -> bool {
    !matches!(character, ' ' | '!' | '#'..='[' | ']'..='~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_the_characters_of_rfc_6749_only() {
        let error = OAuthError::invalid("x", "\"a\\b\" caf\u{e9}\u{0}\r\n[~] is not 'it'!");
        assert_eq!(error.description, "?a?b? caf????[~] is not 'it'!");
    }

    #[test]
    fn the_description_is_a_sentence_the_fact_and_the_correlation_id() {
        let error = OAuthError::new(
            OAuthErrorCode::InvalidScope,
            "May not request scopes for multiple resources",
        );
        assert_eq!(
            error.described("5d0c7c1e"),
            "The request could not be completed. One or more validation errors were in the request.: \
             May not request scopes for multiple resources (Correlation ID: 5d0c7c1e)"
        );
        let error = OAuthError::new(OAuthErrorCode::InvalidClient, "Invalid client credentials");
        assert_eq!(
            error.described("x"),
            "Request denied: Invalid client credentials (Correlation ID: x)"
        );
    }

    #[test]
    fn an_absent_parameter_is_a_required_value() {
        let error = OAuthError::required("response_type");
        assert_eq!(error.detail.as_str(), "REQUIRED_VALUE");
        assert_eq!(error.detail.envelope(), "INVALID_DATA");
        assert_eq!(error.target.as_deref(), Some("response_type"));
    }
}
