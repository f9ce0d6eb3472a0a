//! The whole server, asked over HTTP: a real port, a real store in a directory of its own, and a
//! clock that the tests move.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod flows;
mod identity;
mod operations;
mod server;
mod support;
