//! The whole server, asked over HTTP: a real port, a real store in a directory of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod browsers;
mod client_credentials;
mod codes;
mod cors;
mod guesses;
mod hints;
mod introspection;
mod metadata;
mod requests;
mod security_profile;
mod self_service;
mod strangers;
mod support;
mod user_roles;
