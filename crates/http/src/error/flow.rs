//! Why a flow did not go on, in the platform's envelope.

use axum::http::StatusCode;
use serde_json::json;
use stepgate_app::{error::ManagementError, sign_on::FlowFailure};
use stepgate_domain::{
    authenticator::sending::Denied,
    flow::{FlowError, view::UsableStatusView},
    time::Timestamp,
    violation::{Violation, ViolationCode},
};

use super::management::ApiError;
use crate::{exchange::Exchange, refusal::Refusal};

/// What the client is told, and lets the pages read it that may.
pub(crate) fn told(failure: FlowFailure, exchange: &Exchange, now: Timestamp) -> ApiError {
    let refusal = Refusal::from(&failure);
    let error = error(failure, exchange, now);
    exchange.refuse(Refusal {
        code: error.code(),
        ..refusal
    });
    error
}

fn error(failure: FlowFailure, exchange: &Exchange, now: Timestamp) -> ApiError {
    match failure {
        FlowFailure::NotFound => {
            // No application is known whose pages these could be, and there is nothing to read but
            // that the flow is over.
            exchange.admit_any_page();
            ManagementError::NotFound(None).into()
        }
        FlowFailure::NoSession => {
            // The page was judged before the cookie.
            exchange.admit_any_page();
            ApiError::NoAccess {
                status: StatusCode::UNAUTHORIZED,
                detail: "INVALID_TOKEN",
            }
        }
        FlowFailure::OriginNotAllowed => ApiError::NoAccess {
            status: StatusCode::FORBIDDEN,
            detail: "ACCESS_FAILED",
        },
        FlowFailure::TooOften { retry_after } => {
            // Judged before anything was looked up, and there is nothing to read but that.
            exchange.admit_any_page();
            let message = "The flow is read too often";
            let detail = Violation::new(ViolationCode::LimitExceeded, "", message)
                .with(json!({ "retryAfter": retry_after.as_seconds_ceil() }));
            ManagementError::Limited {
                detail,
                retry_after,
            }
            .into()
        }
        FlowFailure::Refused {
            error,
            allowed_origin,
        } => {
            exchange.admit_page(allowed_origin.as_deref());
            refused(error, now)
        }
        FlowFailure::Invalid {
            violations,
            allowed_origin,
        } => {
            exchange.admit_page(allowed_origin.as_deref());
            violations.into()
        }
        FlowFailure::Management(error) => error.into(),
    }
}

/// The rows of the flows API's table of errors.
fn refused(error: FlowError, now: Timestamp) -> ApiError {
    let failed = |code, target: &str, message: &str| {
        ManagementError::Failed(Violation::new(code, target, message)).into()
    };
    let not_sent = |denied: Denied| Violation::new(denied.code(), "device.id", denied.message());
    let invalid_code = |message| Violation::new(ViolationCode::InvalidOtp, "otp", message);
    match error {
        FlowError::FlowExpired => ManagementError::NotFound(None).into(),
        FlowError::InvalidAction { status, .. } => failed(
            ViolationCode::InvalidAction,
            "",
            &format!("Action not allowed in status {status}"),
        ),
        FlowError::InvalidOtp { attempts_remaining } => invalid_code("Invalid OTP")
            .with(json!({ "attemptsRemaining": attempts_remaining }))
            .into(),
        FlowError::OtpExpired => invalid_code("OTP has expired").into(),
        FlowError::LimitExceeded {
            cool_down_expires_at,
        } => {
            let inner = match cool_down_expires_at {
                Some(until) => {
                    json!({ "attemptsRemaining": 0, "coolDownExpiresAt": until.as_millis() })
                }
                None => json!({ "attemptsRemaining": 0 }),
            };
            let message = "No attempts are left for this code";
            ManagementError::Failed(
                Violation::new(ViolationCode::LimitExceeded, "otp", message).with(inner),
            )
            .into()
        }
        FlowError::DeviceUnknown => {
            Violation::invalid("device.id", "is not a device of this flow").into()
        }
        FlowError::DeviceUnusable { status } => {
            Violation::invalid("device.id", "is a device that cannot be used now")
                .with(json!({ "usableStatus": UsableStatusView::from(status) }))
                .into()
        }
        FlowError::RateLimited {
            retry_after,
            cool_down_expires_at,
            channel,
        } => {
            let denied = Denied::TooSoon {
                until: cool_down_expires_at,
            };
            let judged_at = cool_down_expires_at.minus(retry_after);
            ManagementError::Limited {
                detail: not_sent(denied).with(denied.facts(Some(channel), judged_at).into()),
                retry_after,
            }
            .into()
        }
        FlowError::TooManyNames { retry_after } => {
            let message = "Too many usernames were tried from here";
            let detail = Violation::new(ViolationCode::LimitExceeded, "username", message)
                .with(json!({ "retryAfter": retry_after.as_seconds_ceil() }));
            ManagementError::Limited {
                detail,
                retry_after,
            }
            .into()
        }
        FlowError::QuotaExceeded { limit, resets_at } => {
            let denied = Denied::QuotaExceeded { limit, resets_at };
            ManagementError::Failed(not_sent(denied).with(denied.facts(None, now).into())).into()
        }
        FlowError::CountryDenied => ManagementError::Failed(not_sent(Denied::CountryDenied)).into(),
        FlowError::SendFailed => ManagementError::Failed(not_sent(Denied::NoSender)).into(),
        FlowError::InvalidCredentials => {
            Violation::invalid("username", "Invalid username and/or password.").into()
        }
        FlowError::PasswordLockedOut { until } => {
            let message = "Too many wrong passwords";
            let violation = Violation::new(ViolationCode::PasswordLockedOut, "password", message);
            match until {
                Some(until) => violation
                    .with(json!({ "secondsUntilUnlock": until.since(now).as_seconds_ceil() })),
                None => violation,
            }
            .into()
        }
        FlowError::NoPassword => Violation::new(
            ViolationCode::NoPassword,
            "password",
            "The user has no password",
        )
        .into(),
        FlowError::PasswordChangeRequired => failed(
            ViolationCode::MustChangePassword,
            "password",
            "The password has to be changed before it can be used",
        ),
        FlowError::AccountNotUsable => Violation::new(
            ViolationCode::AccountNotUsable,
            "username",
            "The account cannot be used to sign on",
        )
        .into(),
        FlowError::LoginRequired => failed(
            ViolationCode::LoginRequired,
            "prompt",
            "The user has to sign on",
        ),
        FlowError::HintRequired => failed(
            ViolationCode::InvalidAction,
            "login_hint_token",
            "Without a signed hint nobody signs on here by a second factor alone",
        ),
        FlowError::FactsMissing => {
            ManagementError::Internal("the facts of a flow are incomplete".into()).into()
        }
    }
}
