//! Use cases: load facts, call the domain, commit the outcome together with its effects.
//!
//! Nothing here knows HTTP, and no rule lives here: rules are the domain's.

mod administrators;
pub mod app;
mod audit;
pub mod client_secrets;
pub mod clock;
pub mod configuration_cache;
mod cores;
pub mod devices;
pub mod error;
mod first_worker;
pub mod inbox;
pub mod keys;
pub mod management;
pub mod metrics;
mod opaque;
pub mod origin;
pub mod outbox;
pub mod passwords;
pub mod provisioning;
pub mod random;
pub mod refusals;
mod remembered;
pub mod role_assignments;
pub mod seal;
pub mod settings;
pub mod sign_on;
pub mod sign_on_policies;
pub mod tokens;
pub mod users;
pub mod workers;

pub use app::App;
