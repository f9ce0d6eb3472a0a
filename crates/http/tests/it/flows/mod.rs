//! Signing on: the flows API, the hosted page and the developer inbox.

mod access_control;
mod access_log;
mod actions;
mod addresses;
mod authorize;
mod binding;
mod budget;
mod clock;
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
mod trail;
mod waiting;
