//! Changes that are judged by more than one object, or by facts that have to be waited for.

use stepgate_domain::{
    audit::Action,
    resource::{Built, Resource, Scope, Stored},
    time::Timestamp,
};
use stepgate_store::{
    documents::Document,
    engine::{Batch, Fault, Statement, StoreError},
};
use uuid::Uuid;

use crate::{App, error::ManagementError};

use super::{
    Caller, Place,
    audit::{Deed, event, occurred},
    prepare_replace,
    reach::read_document,
};

/// How often a write is judged anew because something it was judged by changed meanwhile.
/// Of all who try at once one gets through, so this is how many may.
const ATTEMPTS: usize = 128;

/// Judges and commits, and begins again when something that it was judged by changed meanwhile.
/// An attempt that has nothing to write is over.
pub(crate) async fn settle<T, F>(
    app: &App,
    attempt: impl FnMut() -> F,
) -> Result<T, ManagementError>
where
    F: Future<Output = Result<(Batch, T), ManagementError>>,
{
    settle_within(app, Scope::Environment, attempt).await
}

/// As [`settle`], for objects that may stand within the organization.
pub(crate) async fn settle_within<T, F>(
    app: &App,
    within: Scope,
    mut attempt: impl FnMut() -> F,
) -> Result<T, ManagementError>
where
    F: Future<Output = Result<(Batch, T), ManagementError>>,
{
    for _ in 0..ATTEMPTS {
        let (batch, outcome) = attempt().await?;
        if batch.0.is_empty() {
            return Ok(outcome);
        }
        match app.commit(batch).await {
            Ok(()) => return Ok(outcome),
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(ManagementError::of_write(error, within)),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

/// The object that a call is about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub place: Place,
    pub id: Uuid,
    /// The version that the client insists on.
    pub if_match: Option<i64>,
}

impl Target<'_> {
    /// The document, if the caller reaches it and it has the version that is insisted on.
    pub(crate) async fn document<R: Resource>(&self) -> Result<Document, ManagementError> {
        let document = read_document::<R>(self.app, self.caller, self.place, self.id).await?;
        self.matches(&document)?;
        Ok(document)
    }

    pub(crate) fn matches(&self, document: &Document) -> Result<(), ManagementError> {
        match self.if_match {
            Some(version) if version != document.version => {
                Err(ManagementError::PreconditionFailed)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The writes that replace a document, with their event.
    pub(crate) async fn replaced<R: Resource>(
        &self,
        document: &Document,
        built: impl Into<Built<R>>,
        now: Timestamp,
    ) -> Result<(Vec<Statement>, Stored<R>), ManagementError> {
        let (mut statements, stored) =
            prepare_replace(self.app, self.place, document, built.into(), now).await?;
        statements.push(event(
            self.caller,
            document.environment,
            R::KIND,
            document.id,
            Deed::Updated,
            now,
        ));
        Ok((statements, stored))
    }

    /// The event of something that has a name of its own.
    pub(crate) fn event<R: Resource>(&self, action: &Action, now: Timestamp) -> Statement {
        let environment = self.place.environment;
        occurred(self.caller, environment, R::KIND, self.id, action, now)
    }
}
