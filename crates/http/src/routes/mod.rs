//! Route tables, nothing else.

mod authorize;
mod environments;
mod flows;
mod inbox;
mod management;
mod oidc;
mod roles;
mod secrets;
mod signon;
mod system;

use std::sync::Arc;

use axum::Router;
use stepgate_app::App;

use crate::api::Api;

/// Every operation of this server.
pub fn operations() -> Api {
    Api::default()
        .then(environments::operations)
        .then(management::operations)
        .then(secrets::operations)
        .then(roles::operations)
        .then(oidc::operations)
        .then(authorize::operations)
        .then(flows::operations)
        .then(signon::operations)
        .then(inbox::operations)
        .then(system::operations)
}

pub fn router(app: &Arc<App>) -> Router {
    operations().into_router(app)
}
