//! What a call is about: who asks, for which object, and on what condition.

use serde_json::Value;
use stepgate_domain::{
    audit::{Action, changed_members},
    resource::{Built, Resource, Stored},
    time::Timestamp,
};
use stepgate_store::{
    documents::{self, Document},
    engine::Statement,
};
use uuid::Uuid;

use crate::{App, error::ManagementError};

use super::{
    Caller, Place,
    audit::{Deed, Details, event},
    prepare_insert, prepare_replace,
    reach::read_document,
    typed,
};

/// The versions of which the object must have one.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch<'a>(pub &'a [i64]);

impl IfMatch<'_> {
    pub fn permits(self, version: i64) -> Result<(), ManagementError> {
        if self.0.contains(&version) {
            Ok(())
        } else {
            Err(ManagementError::PreconditionFailed)
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub place: Place,
    pub id: Uuid,
    /// What the client insists on.
    pub if_match: Option<IfMatch<'a>>,
}

impl<'a> Target<'a> {
    /// An object at whatever version it is.
    pub const fn new(app: &'a App, caller: &'a Caller, place: Place, id: Uuid) -> Self {
        Self {
            app,
            caller,
            place,
            id,
            if_match: None,
        }
    }

    /// The document and what it holds, if the caller reaches it and it has the version that is
    /// insisted on.
    pub(crate) async fn load<R: Resource>(&self) -> Result<(Document, Stored<R>), ManagementError> {
        let document = read_document::<R>(self).await?;
        self.matches(&document)?;
        let stored = typed::<R>(&document)?;
        Ok((document, stored))
    }

    pub(crate) fn matches(&self, document: &Document) -> Result<(), ManagementError> {
        self.if_match
            .map_or(Ok(()), |if_match| if_match.permits(document.version))
    }

    /// The writes that store a new object, with their event.
    pub(crate) async fn inserted<R: Resource>(
        &self,
        built: impl Into<Built<R>>,
        now: Timestamp,
    ) -> Result<(Vec<Statement>, Stored<R>), ManagementError> {
        let (mut statements, stored) =
            prepare_insert(self.app, self.place, self.id, built.into(), now).await?;
        let details = Details {
            title: stored.body.title(),
            ..Details::default()
        };
        statements.push(self.detailed::<R>(Deed::Created, details, now)?);
        Ok((statements, stored))
    }

    /// The writes that replace a document, with their event.
    pub(crate) async fn replaced<R: Resource>(
        &self,
        document: &Document,
        built: impl Into<Built<R>>,
        now: Timestamp,
    ) -> Result<(Vec<Statement>, Stored<R>), ManagementError> {
        let built = built.into();
        let secrets: Vec<&str> = built.secrets.iter().map(|(name, _)| *name).collect();
        let (mut statements, stored) =
            prepare_replace(self.app, self.place, document, built, now).await?;
        let before: Value = serde_json::from_str(&document.body)?;
        let mut changed = changed_members(&before, &serde_json::to_value(&stored.body)?);
        changed.extend(secrets.into_iter().map(str::to_owned));
        if stored.is_default != document.is_default {
            changed.push("default".to_owned());
        }
        let details = Details {
            title: stored.body.title(),
            changed,
        };
        statements.push(self.detailed::<R>(Deed::Updated, details, now)?);
        Ok((statements, stored))
    }

    /// The writes that delete a document, with their event.
    pub(crate) fn removed<R: Resource>(
        &self,
        document: &Document,
        stored: &Stored<R>,
        now: Timestamp,
    ) -> Result<Vec<Statement>, ManagementError> {
        let mut statements = documents::delete(R::KIND, document, now);
        let details = Details {
            title: stored.body.title(),
            ..Details::default()
        };
        statements.push(self.detailed::<R>(Deed::Deleted, details, now)?);
        Ok(statements)
    }

    /// The event of something that has a name of its own.
    pub(crate) fn event<R: Resource>(
        &self,
        action: &Action,
        now: Timestamp,
    ) -> Result<Statement, ManagementError> {
        Ok(event::<R>(self, action, Details::default(), now)?)
    }

    /// The event of what can be done with anything.
    fn detailed<R: Resource>(
        &self,
        deed: Deed,
        details: Details,
        now: Timestamp,
    ) -> Result<Statement, ManagementError> {
        Ok(event::<R>(self, &Action::of(R::KIND, deed), details, now)?)
    }
}
