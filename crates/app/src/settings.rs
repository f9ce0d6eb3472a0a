//! The settings of which an environment has exactly one: born with it, replaced, reset, never gone.

use std::sync::Arc;

use stepgate_domain::{
    profile::Profile,
    resource::{Context, Settings, Stored},
    resources::security_profile::SecurityProfile,
    schema,
};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{self, Caller, Change, IfMatch, Place, Target, cached_children},
};

/// The settings as they are cached.
pub async fn current<S: Settings>(
    app: &App,
    environment: Uuid,
) -> Result<Arc<Stored<S>>, ManagementError> {
    let all = cached_children::<S>(app, environment, None).await?;
    let first = all.first().cloned();
    first.map(Arc::new).ok_or(ManagementError::NotFound(None))
}

/// How strict the environment is.
pub async fn profile(app: &App, environment: Uuid) -> Result<Profile, ManagementError> {
    let settings = current::<SecurityProfile>(app, environment).await?;
    Ok(settings.body.profile)
}

pub async fn replace<S: Settings>(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<IfMatch<'_>>,
    body: serde_json::Value,
) -> Result<Stored<S>, ManagementError> {
    let draft = schema::decode::<S>(body)?;
    changed(app, caller, environment, if_match, |previous, context| {
        Ok(S::build(draft.clone(), Some(previous), context)?.into())
    })
    .await
}

/// Back to what a new environment has.
pub async fn reset<S: Settings>(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<IfMatch<'_>>,
) -> Result<Stored<S>, ManagementError> {
    changed(app, caller, environment, if_match, |_, _| {
        Ok(S::born().into())
    })
    .await
}

async fn changed<S, F>(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    if_match: Option<IfMatch<'_>>,
    rule: F,
) -> Result<Stored<S>, ManagementError>
where
    S: Settings,
    F: Fn(&Stored<S>, &mut Context<'_>) -> Result<Change<S>, ManagementError> + Send + Sync,
{
    let id = current::<S>(app, environment).await?.id.uuid();
    let place = Place::environment(environment);
    let target = Target {
        if_match,
        ..Target::new(app, caller, place, id)
    };
    management::change(&target, rule).await
}
