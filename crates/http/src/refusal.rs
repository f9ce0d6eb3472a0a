//! Why a request was refused, as the log, the counts and the audit trail are told. Whoever was refused
//! is told by the renderers; what is here never goes to them, and holds nothing of what they sent but
//! the names of members and parameters.

use std::fmt::Write;

use stepgate_app::{error::ManagementError, sign_on::FlowFailure, tokens::TokenFault};
use stepgate_domain::{
    audit::Action,
    flow::FlowError,
    oauth::error::{Cause, OAuthError},
    violation::{Violation, ViolationCode},
};

use crate::error::management::ApiError;

/// How many faults of a body are written down.
const FAULTS_AT_MOST: usize = 16;
/// The longest name of a member that is written down.
const LONGEST_NAME: usize = 80;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code that the client got.
    pub code: &'static str,
    /// The check that failed: one of a closed set, by which refusals are counted.
    pub check: &'static str,
    /// What else whoever looks for the reason wants to know.
    pub detail: Option<String>,
    /// The event of this, if it has one.
    pub action: Option<Action>,
}

impl Refusal {
    pub(crate) const fn new(code: &'static str, check: &'static str) -> Self {
        Self {
            code,
            check,
            detail: None,
            action: None,
        }
    }

    #[must_use]
    pub(crate) fn with(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    fn of_violations(code: &'static str, violations: &[Violation]) -> Self {
        let check = violations
            .first()
            .map_or(code, |violation| violation.code.as_str());
        let mut detail = String::new();
        for violation in violations.iter().take(FAULTS_AT_MOST) {
            let target = written_down(&violation.target);
            let joint = if detail.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(detail, "{joint}{target}: {}", violation.code.as_str());
        }
        Self::new(code, check).with(detail)
    }
}

/// The name of a member or a parameter. Names that are not ours may be anything, a number or a
/// token too.
fn written_down(name: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphabetic() || b"_.-[]".contains(&byte);
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_ours = name.len() <= LONGEST_NAME
        && digits <= 4
        && name
            .bytes()
            .all(|byte| is_plain(byte) || byte.is_ascii_digit());
    if is_ours { name } else { "…" }
}

impl From<TokenFault> for Refusal {
    fn from(fault: TokenFault) -> Self {
        Self::new("INVALID_TOKEN", fault.check())
    }
}

impl From<&OAuthError> for Refusal {
    fn from(error: &OAuthError) -> Self {
        let code = error.code.as_str();
        let Some(cause) = error.cause else {
            return Self::new(code, code).with(error.description.clone());
        };
        Self {
            code,
            check: cause.as_str(),
            detail: error
                .target
                .as_deref()
                .map(|target| written_down(target).to_owned()),
            action: match cause {
                Cause::Client(_) => Some(Action::CLIENT_REFUSED),
                Cause::Hint(_) => Some(Action::HINT_REFUSED),
                Cause::Other(_) => None,
            },
        }
    }
}

impl From<&ManagementError> for Refusal {
    fn from(error: &ManagementError) -> Self {
        match error {
            ManagementError::Invalid(violations) => Self::of_violations("INVALID_DATA", violations),
            ManagementError::Failed(violation) => {
                Self::of_violations("REQUEST_FAILED", std::slice::from_ref(violation))
            }
            ManagementError::Limited { detail, .. } => {
                Self::of_violations("REQUEST_LIMITED", std::slice::from_ref(detail))
            }
            ManagementError::NotFound(missing) => {
                let refusal = Self::new("NOT_FOUND", "not_found");
                match missing {
                    Some(missing) => refusal.with(missing.kind.name),
                    None => refusal,
                }
            }
            ManagementError::Forbidden(denial) => Self::new("ACCESS_FAILED", denial.as_str()),
            ManagementError::InvalidQuery(violation) => {
                Self::of_violations("INVALID_REQUEST", std::slice::from_ref(violation))
            }
            ManagementError::PreconditionFailed => {
                Self::new("PRECONDITION_FAILED", "if_match_differs")
            }
            ManagementError::Unavailable(_) => Self::new("SERVICE_UNAVAILABLE", "unavailable"),
            ManagementError::Internal(_) => Self::new("UNEXPECTED_ERROR", "internal"),
        }
    }
}

impl From<&ApiError> for Refusal {
    fn from(error: &ApiError) -> Self {
        match error {
            ApiError::Management(error) => error.into(),
            ApiError::MalformedBody => Self::new("INVALID_REQUEST", "body_malformed"),
            ApiError::InvalidRequest(violations) => {
                Self::of_violations("INVALID_REQUEST", violations)
            }
            ApiError::InvalidToken(challenge) if challenge.token_was_sent => {
                Self::new("INVALID_TOKEN", "token_invalid")
            }
            ApiError::InvalidToken(_) => Self::new("INVALID_TOKEN", "token_missing"),
            ApiError::NoAccess { detail, .. } => Self::new("ACCESS_FAILED", detail),
            ApiError::MethodNotAllowed { .. } => {
                Self::new("METHOD_NOT_ALLOWED", "method_not_allowed")
            }
            ApiError::UnsupportedMediaType { .. } => {
                Self::new("INVALID_REQUEST", "media_type_unsupported")
            }
            ApiError::TooLarge { .. } => Self::new("INVALID_REQUEST", "body_too_large"),
            ApiError::Late => Self::new("INVALID_REQUEST", "body_too_slow"),
            ApiError::NoRoom => Self::new("SERVICE_UNAVAILABLE", "no_room_for_bodies"),
            ApiError::Misdirected => Self::new("INVALID_REQUEST", "host_unknown"),
            ApiError::Authorize(error) => error.into(),
        }
    }
}

impl From<&FlowFailure> for Refusal {
    fn from(failure: &FlowFailure) -> Self {
        match failure {
            FlowFailure::NotFound => Self::new("NOT_FOUND", "flow_not_found"),
            FlowFailure::NoSession => Self::new("INVALID_TOKEN", "flow_of_other_browser"),
            FlowFailure::OriginNotAllowed => Self::new("ACCESS_FAILED", "origin_not_allowed"),
            FlowFailure::TooOften { .. } => Self::new("REQUEST_LIMITED", "flow_read_too_often"),
            FlowFailure::Refused { error, .. } => error.into(),
            FlowFailure::Invalid { violations, .. } => {
                Self::of_violations("INVALID_DATA", violations)
            }
            FlowFailure::Management(error) => error.into(),
        }
    }
}

impl From<&FlowError> for Refusal {
    fn from(error: &FlowError) -> Self {
        let check = match error {
            FlowError::FlowExpired => "flow_expired",
            FlowError::InvalidAction { status, .. } => {
                return Self::new(ViolationCode::InvalidAction.as_str(), "action_not_offered")
                    .with(*status);
            }
            FlowError::InvalidOtp { .. } => "otp_wrong",
            FlowError::OtpExpired => "otp_expired",
            FlowError::LimitExceeded { .. } => "otp_attempts_used_up",
            FlowError::DeviceUnknown => "device_unknown",
            FlowError::DeviceUnusable { .. } => "device_unusable",
            FlowError::RateLimited { .. } => "message_too_soon",
            FlowError::TooManyNames { .. } => "too_many_names",
            FlowError::QuotaExceeded { .. } => "message_quota",
            FlowError::CountryDenied => "message_country",
            FlowError::SendFailed => "message_no_sender",
            FlowError::InvalidCredentials => "credentials_wrong",
            FlowError::PasswordLockedOut { .. } => "password_locked_out",
            FlowError::NoPassword => "password_absent",
            FlowError::PasswordChangeRequired => "password_change_required",
            FlowError::AccountNotUsable => "account_not_usable",
            FlowError::LoginRequired => "login_required",
            FlowError::HintRequired => "hint_required",
            FlowError::FactsMissing => "internal",
        };
        Self::new("REQUEST_FAILED", check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_may_be_a_value_is_not_written_down() {
        for ours in ["otp.lifeTime.duration", "items[12].id", "x5t", "user_id"] {
            assert_eq!(written_down(ours), ours);
        }
        let long = "a".repeat(81);
        for other in [
            "+4712345642",
            "4712345642",
            "mira@example.test",
            "a b",
            &long,
        ] {
            assert_eq!(written_down(other), "…");
        }
    }

    #[test]
    fn a_scope_that_was_sent_is_not_written_down() {
        use stepgate_domain::oauth::scope::ScopeError;
        let error = OAuthError::from(ScopeError::NotGranted("s3cret".to_owned()));
        let refusal = Refusal::from(&error);
        assert_eq!(refusal.check, "scope_not_granted");
        assert_eq!(refusal.detail.as_deref(), Some("scope"));
    }
}
