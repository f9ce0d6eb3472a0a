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

use crate::{api::Api, server::Limits};

/// Every operation of this server.
pub fn operations() -> Api {
    Api::default()
        .then(environments::operations)
        .then(licenses::operations)
        .then(management::operations)
        .then(secrets::operations)
        .then(roles::operations)
        .then(oidc::operations)
        .then(authorize::operations)
        .then(without_environment::operations)
        .then(flows::operations)
        .then(signon::operations)
        .then(inbox::operations)
        .then(users::operations)
        .then(passwords::operations)
        .then(devices::operations)
        .then(settings::operations)
        .then(templates::operations)
        .then(system::operations)
        .then(metrics::operations)
        .then(self_service::operations)
}

pub use metrics::router as metrics_router;

pub fn router(app: &Arc<App>, limits: &Limits) -> Router {
    operations().into_router(app, limits)
}
