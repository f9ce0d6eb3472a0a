//! Routes, wire shapes, error renderers and pages. Nothing here decides anything.

mod access_log;
pub mod api;
mod bodies;
pub mod call;
pub mod cookies;
mod crud;
mod entity_tags;
pub mod error;
mod exchange;
mod guard;
mod hal;
mod headers;
pub mod host;
mod openapi;
mod operation;
pub mod pages;
mod preflight;
pub mod refusal;
mod reply;
pub mod routes;
pub mod server;
mod sign_on;

pub use routes::{metrics_router, openapi, router};
