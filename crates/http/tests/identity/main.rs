//! Users, passwords, devices and what rules them, over HTTP: a real server on a port of its own, a
//! real store, and a clock that the tests move.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod accounts;
mod devices;
mod pairing;
mod passwords;
mod reach;
mod roles;
mod settings;
mod support;
mod users;
