//! A sign-on policy goes, and with it its assignments: their applications fall back to the default.

use stepgate_domain::{
    resource::Resource,
    resources::{sign_on_policy::SignOnPolicy, sign_on_policy_assignment::SignOnPolicyAssignment},
};
use stepgate_store::{documents, engine::Batch};

use crate::{
    error::ManagementError,
    management::{Place, Target, forget, settle},
};

/// Each assignment is withdrawn as it would be at its application: with an event, and only by
/// callers who may.
pub async fn remove(target: &Target<'_>) -> Result<(), ManagementError> {
    let Target {
        app, caller, place, ..
    } = *target;
    let (policy, assignment) = (SignOnPolicy::KIND, SignOnPolicyAssignment::KIND);
    let freed = settle(app, || async {
        let now = app.now();
        let (document, stored) = target.load::<SignOnPolicy>().await?;
        SignOnPolicy::may_leave(&stored, &[])?;
        let (engine, environment) = (&*app.engine, document.environment);
        let mut batch = Batch::default();
        let mut freed = Vec::new();
        for found in documents::mentioning(engine, assignment, environment, document.id).await? {
            let at_application = Place {
                parent: found.parent,
                ..place
            };
            let withdrawn = Target::new(app, caller, at_application, found.id);
            let (found, stored) = withdrawn.load::<SignOnPolicyAssignment>().await?;
            batch.extend(withdrawn.removed(&found, &stored, now)?);
            freed.push((found.id, found.parent));
        }
        batch.push(documents::unmentioned(policy, &document, assignment));
        batch.extend(target.removed(&document, &stored, now)?);
        Ok((batch, freed))
    })
    .await?;
    for (id, application) in freed {
        let withdrawn = Target { id, ..*target };
        forget::<SignOnPolicyAssignment>(&withdrawn, application);
    }
    forget::<SignOnPolicy>(target, None);
    Ok(())
}
