//! The MFA settings of an environment: born with it, replaced, reset, never gone.

use std::sync::Arc;

use stepgate_domain::{
    resource::{Resource, Stored},
    resources::mfa_settings::MfaSettings,
    schema,
};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{self, Caller, Change, Place, cached_children},
};

/// The settings as they are cached.
pub async fn current(
    app: &App,
    environment: Uuid,
) -> Result<Arc<Stored<MfaSettings>>, ManagementError> {
    let all = cached_children::<MfaSettings>(app, environment, None).await?;
    let first = all.first().cloned();
    first.map(Arc::new).ok_or(ManagementError::NotFound(None))
}

pub async fn replace(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<i64>,
    body: serde_json::Value,
) -> Result<Stored<MfaSettings>, ManagementError> {
    let draft = schema::decode::<MfaSettings>(body)?;
    changed(app, caller, environment, if_match, |previous, context| {
        Ok(MfaSettings::build(draft.clone(), Some(previous), context)?.into())
    })
    .await
}

/// Back to what a new environment has.
pub async fn reset(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<i64>,
) -> Result<Stored<MfaSettings>, ManagementError> {
    changed(app, caller, environment, if_match, |_, _| {
        Ok(MfaSettings::born().into())
    })
    .await
}

async fn changed<F>(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<i64>,
    rule: F,
) -> Result<Stored<MfaSettings>, ManagementError>
where
    F: Fn(
            &Stored<MfaSettings>,
            &mut stepgate_domain::resource::Context<'_>,
        ) -> Result<Change<MfaSettings>, ManagementError>
        + Send
        + Sync,
{
    let id = current(app, environment).await?.id.uuid();
    let place = Place {
        environment,
        parent: None,
    };
    management::change(app, caller, place, id, if_match, rule).await
}
