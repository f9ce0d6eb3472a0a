//! The secrets of applications and custom resources: read, rotated, and the previous one dropped.

use stepgate_domain::{
    audit::Action,
    resource::{Built, DefaultMark, Resource, Stored},
    resources::application::secret::{CURRENT, ClientSecrets, PREVIOUS, RotationDraft},
};
use stepgate_store::{documents, engine::Batch};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{self, Change, Target},
    random::SystemRandom,
};

/// The secrets sealed beside a document, or `None` when it has none.
pub async fn open(
    app: &App,
    kind: &'static stepgate_domain::resource::Kind,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<ClientSecrets>, ManagementError> {
    let Some(document) = documents::read(&*app.engine, kind, environment, id, None).await? else {
        return Ok(None);
    };
    let mut members = app
        .open_members(environment, kind.name, id, document.secrets.as_deref())
        .await?;
    let previous = members.remove(PREVIOUS);
    Ok(members
        .remove(CURRENT)
        .map(|current| ClientSecrets::open(current, previous.as_ref())))
}

/// The secrets of an object, for a caller who is written down before they are shown.
pub async fn read<R: Resource>(
    target: &Target<'_>,
) -> Result<(ClientSecrets, i64), ManagementError> {
    let secrets = permitted::<R>(target).await?;
    let event = target.event::<R>(&Action::SECRET_READ, target.app.now())?;
    target.app.commit(Batch(vec![event])).await?;
    Ok(secrets)
}

/// The secrets of an object that the caller may see, or that it has none, with the version of their
/// owner, which every change of them raises.
async fn permitted<R: Resource>(
    target: &Target<'_>,
) -> Result<(ClientSecrets, i64), ManagementError> {
    let owner = management::read::<R>(target).await.map_err(generic)?;
    let secrets = open(target.app, R::KIND, target.place.environment, target.id).await?;
    let secrets = secrets.ok_or(ManagementError::NotFound(None))?;
    Ok((secrets, owner.version))
}

/// Makes a new secret; the one of now stays right as long as the draft says.
pub async fn rotate<R: Resource>(
    target: &Target<'_>,
    draft: RotationDraft,
) -> Result<(ClientSecrets, i64), ManagementError> {
    let (secrets, _) = permitted::<R>(target).await?;
    let rotated = secrets.rotate(draft, target.app.now(), &mut SystemRandom)?;
    let version = replace::<R>(target, rotated.clone()).await?;
    Ok((rotated, version))
}

pub async fn drop_previous<R: Resource>(target: &Target<'_>) -> Result<(), ManagementError> {
    let (secrets, _) = permitted::<R>(target).await?;
    replace::<R>(target, secrets.without_previous()).await?;
    Ok(())
}

async fn replace<R: Resource>(
    target: &Target<'_>,
    secrets: ClientSecrets,
) -> Result<i64, ManagementError> {
    let sealed = secrets.seal();
    let owner = management::change(target, |previous: &Stored<R>, context| {
        Ok(Change {
            built: Built {
                body: previous.body.clone(),
                default: DefaultMark::Keep,
                secrets: sealed.clone(),
            },
            with: vec![target.event::<R>(&Action::SECRET_UPDATED, context.now)?],
        })
    })
    .await?;
    Ok(owner.version)
}

/// The contract has the generic sentence for the secret of an unknown application.
fn generic(error: ManagementError) -> ManagementError {
    match error {
        ManagementError::NotFound(_) => ManagementError::NotFound(None),
        other => other,
    }
}
