//! Route tables, nothing else.

mod authorize;
mod devices;
mod environments;
mod flows;
mod inbox;
mod licenses;
mod management;
mod metrics;
mod oidc;
mod passwords;
mod roles;
mod secrets;
mod self_service;
mod settings;
mod signon;
mod system;
mod templates;
mod users;
mod without_environment;

use std::sync::Arc;

use axum::Router;
use stepgate_app::App;

use crate::{api::Api, openapi::document, server::Limits};

/// Every operation of this server.
pub fn operations() -> Api {
    Api::default()
        .tagged("Environments", environments::operations)
        .tagged("Licenses", licenses::operations)
        .then(management::operations)
        .then(secrets::operations)
        .tagged("Roles", roles::operations)
        .tagged("OpenID Connect", oidc::operations)
        .tagged("OpenID Connect", authorize::operations)
        .tagged("OpenID Connect", without_environment::operations)
        .tagged("Flows", flows::operations)
        .tagged("Sign-on page", signon::operations)
        .tagged("Developer inbox", inbox::operations)
        .tagged("Users", users::operations)
        .tagged("Passwords", passwords::operations)
        .tagged("Devices", devices::operations)
        .tagged("Settings", settings::operations)
        .tagged("Notifications", templates::operations)
        .tagged("System", system::operations)
        .tagged("System", metrics::operations)
        .then(self_service::operations)
}

pub use metrics::router as metrics_router;

/// The description of all of them, as an `OpenAPI` 3.1 document.
pub fn openapi() -> serde_json::Value {
    document(&operations().operations)
}

pub fn router(app: &Arc<App>, limits: &Limits) -> Router {
    operations().into_router(app, limits)
}
