//! Names that stand for something else already.

use stepgate_domain::{
    resource::{Resource, Stored},
    violation::Violation,
};
use stepgate_store::documents;

use super::Target;
use crate::error::ManagementError;

/// Refuses a new name that is a UUID in any spelling if the object chooses it itself, or if it is the
/// id of one of its kind; somebody else may choose another UUID, as legacy directories do. Refuses the
/// audience of the management API.
pub(super) async fn judge<R: Resource>(
    target: &Target<'_>,
    previous: Option<&Stored<R>>,
    body: &R,
) -> Result<(), ManagementError> {
    let app = target.app;
    let before = previous.map(|previous| &previous.body);
    if let Some(audience) = body.audience()
        && before.and_then(Resource::audience) != Some(audience)
        && app.settings.origins.is_api_audience(audience)
    {
        let message = "must not be the audience of the management API";
        return Err(Violation::invalid("audience", message).into());
    }
    let Some((uuid, member)) = body.taken_for() else {
        return Ok(());
    };
    if before.and_then(Resource::taken_for) == Some((uuid, member)) {
        return Ok(());
    }
    let environment = target.place.environment;
    let is_refused = target.caller.actor.user == Some(target.id)
        || documents::read(&*app.engine, R::KIND, environment, uuid, None)
            .await?
            .is_some();
    if is_refused {
        return Err(Violation::invalid(member, "must not look like an id").into());
    }
    Ok(())
}
