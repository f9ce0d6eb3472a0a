//! Signing on over HTTP: a real server on a port of its own, a real store, the developer inbox, and
//! a clock that the tests move.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod access_control;
mod access_log;
mod actions;
mod authorize;
mod budget;
mod cors;
mod errors;
mod hosted;
mod inbox;
mod media_types;
mod own_pages;
mod passwords;
mod polling;
mod requests;
mod resume;
mod sessions;
mod support;
