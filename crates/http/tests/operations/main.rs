//! What holds for every operation, because it comes from the one list of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod conventions;
mod guards;
mod robustness;
mod support;
