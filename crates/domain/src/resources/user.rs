//! User
