//! What is wrong with an input, and where.

use serde_json::{Value, json};

use crate::resource::Scope;

/// The codes that the contract lists for `details[].code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationCode {
    AccountNotUsable,
    ConstraintViolation,
    EmptyValue,
    InvalidAction,
    InvalidFilter,
    InvalidOtp,
    InvalidParameter,
    InvalidValue,
    LimitExceeded,
    LoginRequired,
    MfaAuthMethodsConflict,
    MustChangePassword,
    NoPassword,
    OutOfRange,
    PasswordLockedOut,
    QuotaExceeded,
    RequiredValue,
    SendFailed,
    SizeLimitExceeded,
    UniquenessViolation,
}

impl ViolationCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountNotUsable => "ACCOUNT_NOT_USABLE",
            Self::ConstraintViolation => "CONSTRAINT_VIOLATION",
            Self::EmptyValue => "EMPTY_VALUE",
            Self::InvalidAction => "INVALID_ACTION",
            Self::InvalidFilter => "INVALID_FILTER",
            Self::InvalidOtp => "INVALID_OTP",
            Self::InvalidParameter => "INVALID_PARAMETER",
            Self::InvalidValue => "INVALID_VALUE",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::LoginRequired => "LOGIN_REQUIRED",
            Self::MfaAuthMethodsConflict => "MFA_AUTH_METHODS_CONFLICT",
            Self::MustChangePassword => "MUST_CHANGE_PASSWORD",
            Self::NoPassword => "NO_PASSWORD",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::PasswordLockedOut => "PASSWORD_LOCKED_OUT",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::RequiredValue => "REQUIRED_VALUE",
            Self::SendFailed => "SEND_FAILED",
            Self::SizeLimitExceeded => "SIZE_LIMIT_EXCEEDED",
            Self::UniquenessViolation => "UNIQUENESS_VIOLATION",
        }
    }
}

/// One fault: the rule that is broken, the place in the body (`otp.lifeTime.duration`,
/// `items[0].id`), a sentence for people, and facts for programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    pub code: ViolationCode,
    pub target: String,
    pub message: String,
    /// `details[].innerError`; `Value::Null` when there is nothing to add.
    pub inner: Value,
    /// What the whole answer says of it, where clients compare that sentence.
    pub summary: Option<&'static str>,
}

impl Violation {
    pub fn new(code: ViolationCode, target: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            target: target.into(),
            message: message.into(),
            inner: Value::Null,
            summary: None,
        }
    }
    #[must_use]
    pub fn summed_up(mut self, sentence: &'static str) -> Self {
        self.summary = Some(sentence);
        self
    }
    #[must_use]
    pub fn with(mut self, inner: Value) -> Self {
        self.inner = inner;
        self
    }
    pub fn invalid(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ViolationCode::InvalidValue, target, message)
    }
    pub fn required(target: impl Into<String>) -> Self {
        Self::new(ViolationCode::RequiredValue, target, "must be present")
    }
    pub fn empty(target: impl Into<String>) -> Self {
        Self::new(ViolationCode::EmptyValue, target, "must not be empty")
    }
    pub fn too_long(target: impl Into<String>, maximum: u64) -> Self {
        Self::new(
            ViolationCode::SizeLimitExceeded,
            target,
            format!("must not be longer than {maximum}"),
        )
        .with(json!({ "maximumValue": maximum }))
    }
    pub fn out_of_range(target: impl Into<String>, minimum: i64, maximum: i64) -> Self {
        Self::new(
            ViolationCode::OutOfRange,
            target,
            format!("must be between {minimum} and {maximum}"),
        )
        .with(json!({ "rangeMinimumValue": minimum, "rangeMaximumValue": maximum }))
    }
    pub fn not_allowed(target: impl Into<String>, allowed: &[impl AsRef<str>]) -> Self {
        let names: Vec<&str> = allowed.iter().map(AsRef::as_ref).collect();
        Self::invalid(target, format!("must be one of {}", names.join(", "))).allowing(&names)
    }
    /// A member, or a value of one, that stands for what is not served.
    pub fn unavailable(target: impl Into<String>) -> Self {
        Self::invalid(target, "is not available")
    }
    /// Lists what would be taken: as strings, whatever the type of the member, since clients that
    /// meet anything else there lose the whole error.
    #[must_use]
    pub fn allowing(self, allowed: &[impl AsRef<str>]) -> Self {
        let names: Vec<&str> = allowed.iter().map(AsRef::as_ref).collect();
        self.with(json!({ "allowedValues": names }))
    }
    pub fn not_unique(target: impl Into<String>, within: Scope) -> Self {
        let message = match within {
            Scope::Organization => "must be unique within the organization",
            Scope::Environment => "must be unique within the environment",
        };
        Self::new(ViolationCode::UniquenessViolation, target, message)
    }
    pub fn constraint(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ViolationCode::ConstraintViolation, target, message)
    }
}
