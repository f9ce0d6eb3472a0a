//! The OAuth endpoints, and what callers try who mean no good.

mod administrators;
mod bad_hints;
mod browsers;
mod client_credentials;
mod codes;
mod cors;
mod guesses;
mod hints;
mod hosts;
mod introspection;
mod metadata;
mod requests;
mod security_profile;
mod self_service;
mod strangers;
mod user_roles;
mod without_environment;
