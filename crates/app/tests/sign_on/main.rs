//! Sign-ons as the edge asks for them, on a real database with a clock that is moved by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod access_control;
mod budget;
mod endings;
mod fixture;
mod guesses;
mod hints;
mod limits;
mod main_job;
mod origins;
mod passwords;
mod sessions;
mod strangers;
mod workers;
