//! MfaSettings
