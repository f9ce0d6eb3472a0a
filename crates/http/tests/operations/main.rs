//! What holds for every operation, because it comes from the one list of them, and what clients
//! of the platform ask of each resource.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod applications;
mod conventions;
mod guards;
mod links;
mod organizations;
mod policies;
mod provider;
mod robustness;
mod support;
