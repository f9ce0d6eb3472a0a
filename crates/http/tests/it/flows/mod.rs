//! Signing on: the flows API, the hosted page and the developer inbox.

mod access_log;
mod actions;
mod authorize;
mod budget;
mod cors;
mod errors;
mod hosted;
mod inbox;
mod requests;
mod resume;
