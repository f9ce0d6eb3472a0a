//! PasswordPolicy
