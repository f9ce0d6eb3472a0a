//! Who may do something to a flow: the checks before any of its facts are looked at.

use std::sync::Arc;

use stepgate_domain::{
    flow::Flow,
    id::Id,
    oauth::{
        client::Client,
        cors::{self, Admission, EndpointKind},
    },
    resource::Stored,
    resources::{application::Application, environment::Environment},
    time::Remembered,
};
use stepgate_store::flows::StoredFlow;

use super::{FlowFailure, Visitor, browser};
use crate::{
    App,
    error::ManagementError,
    management::cached,
    seal::DataKey,
    tokens::{client, serving_environment},
};

/// A flow that the visitor may see and act on.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) flow: Flow,
    pub(super) version: i64,
    pub(super) key: Arc<DataKey>,
    pub(super) application: Arc<Stored<Application>>,
    pub(super) allowed_origin: Option<String>,
}

/// Only for an environment that is there and not about to go.
pub(super) async fn environment_key(
    app: &App,
    environment: Id<Environment>,
) -> Result<Option<Arc<DataKey>>, ManagementError> {
    match serving_environment(app, environment).await? {
        Some(_) => Ok(Some(app.data_key(environment.uuid()).await?)),
        None => Ok(None),
    }
}

/// In this order: the flow is there, its application is enabled, the page that calls is trusted, and
/// the visitor is the one who began it.
pub(super) async fn admit(
    app: &App,
    key: Arc<DataKey>,
    stored: Option<StoredFlow>,
    visitor: &Visitor,
) -> Result<Admitted, FlowFailure> {
    let now = app.now();
    let stored = stored.ok_or(FlowFailure::NotFound)?;
    let mut flow: Flow = serde_json::from_str(&stored.body)?;
    if flow.is_ahead(now) {
        flow = flow.believed_at(now);
    }
    if flow.is_expired(now) {
        return Err(FlowFailure::NotFound);
    }
    let application = flow.application.id.uuid();
    let (Some(client), Some(application)) = (
        client(app, stored.environment, application).await?,
        cached::<Application>(app, stored.environment, application).await?,
    ) else {
        return Err(FlowFailure::NotFound);
    };
    if !client.is_usable() {
        return Err(FlowFailure::NotFound);
    }
    let allowed_origin =
        allowed_origin(&client, visitor).map_err(|OriginRefused| FlowFailure::OriginNotAllowed)?;
    if !browser::is_bound(&key, &flow, visitor) {
        return Err(FlowFailure::NoSession);
    }
    Ok(Admitted {
        flow,
        version: stored.version,
        key,
        application,
        allowed_origin,
    })
}

/// A page that the application does not name.
#[derive(Debug)]
pub(super) struct OriginRefused;

/// The web origin to be echoed. Our own pages need no echo.
pub(super) fn allowed_origin(
    client: &Client,
    visitor: &Visitor,
) -> Result<Option<String>, OriginRefused> {
    let Some(origin) = visitor.web_origin.as_deref() else {
        return Ok(None);
    };
    if visitor.origin.is_of(origin) {
        return Ok(None);
    }
    match cors::judge(Some(client), EndpointKind::Cookie, origin) {
        Admission::Echo { .. } => Ok(Some(origin.to_owned())),
        Admission::AnyOrigin | Admission::Refused => Err(OriginRefused),
    }
}
