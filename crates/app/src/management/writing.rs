//! From typed objects to the statements that store them.

use std::collections::HashMap;

use stepgate_domain::{
    email,
    resource::{Built, DefaultMark, Resource, Stored},
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{
    documents::{self, Document, Draft, space},
    engine::Statement,
};
use uuid::Uuid;

use crate::{App, error::ManagementError};

use super::{Place, typed};

/// What a change makes of an object, and the writes that belong to it.
#[derive(Debug)]
pub struct Change<R> {
    pub built: Built<R>,
    pub with: Vec<Statement>,
}

impl<R> From<Built<R>> for Change<R> {
    fn from(built: Built<R>) -> Self {
        Self {
            built,
            with: Vec::new(),
        }
    }
}

impl<R> From<R> for Change<R> {
    fn from(body: R) -> Self {
        Built::from(body).into()
    }
}

/// How the address of an object is known to the counters: by a keyed hash, never in clear, and the
/// same for all spellings of it.
pub(crate) async fn address_subject(
    app: &App,
    environment: Uuid,
    address: &str,
) -> Result<String, ManagementError> {
    let key = app.data_key(environment).await?;
    let hash = key.hash("address", &[email::comparable(address).as_bytes()]);
    Ok(format!(
        "address:{}",
        data_encoding::BASE64URL_NOPAD.encode(&hash)
    ))
}

async fn draft<R: Resource>(
    app: &App,
    place: Place,
    id: Uuid,
    built: &Built<R>,
    secrets: Option<String>,
    now: Timestamp,
) -> Result<Draft, ManagementError> {
    let parent = built
        .body
        .parent()
        .map(|(parent, _)| parent)
        .or(place.parent);
    let subject = match built.body.address() {
        Some(address) => Some(address_subject(app, place.environment, &address).await?),
        None => None,
    };
    Ok(Draft {
        kind: R::KIND,
        environment: space(R::KIND, place.environment),
        id,
        parent,
        now,
        body: serde_json::to_string(&built.body)?,
        secrets,
        subject,
        unique: Some(built.body.unique()),
        references: built.body.references(),
        terms: built.body.terms(),
        default: built.default,
    })
}

/// The statements that store a new object, and the object as it will be read back.
pub async fn prepare_insert<R: Resource>(
    app: &App,
    place: Place,
    id: Uuid,
    built: Built<R>,
    now: Timestamp,
) -> Result<(Vec<Statement>, Stored<R>), ManagementError> {
    let fresh: HashMap<String, Secret<String>> = built
        .secrets
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)))
        .collect();
    let environment = space(R::KIND, place.environment);
    let secrets = app
        .seal_members(environment, R::KIND.name, id, &fresh)
        .await?;
    let draft = draft(app, place, id, &built, secrets, now).await?;
    let stored = Stored {
        id: stepgate_domain::id::Id::from_uuid(id),
        environment: stepgate_domain::id::Id::from_uuid(environment),
        parent: draft.parent,
        version: 1,
        created_at: now,
        updated_at: now,
        is_default: built.default == DefaultMark::Set,
        members: 0,
        body: built.body,
    };
    Ok((documents::insert(draft), stored))
}

/// The statements that replace an object, and the object as it will be read back.
pub async fn prepare_replace<R: Resource>(
    app: &App,
    place: Place,
    old: &Document,
    built: Built<R>,
    now: Timestamp,
) -> Result<(Vec<Statement>, Stored<R>), ManagementError> {
    let secrets = if built.secrets.is_empty() {
        old.secrets.clone()
    } else {
        let mut members = app
            .open_members(
                old.environment,
                R::KIND.name,
                old.id,
                old.secrets.as_deref(),
            )
            .await?;
        for (name, value) in &built.secrets {
            match value {
                Some(value) => members.insert((*name).to_owned(), value.clone()),
                None => members.remove(*name),
            };
        }
        app.seal_members(old.environment, R::KIND.name, old.id, &members)
            .await?
    };
    let place = Place {
        parent: place.parent.or(old.parent),
        ..place
    };
    let mut draft = draft(app, place, old.id, &built, secrets, now).await?;
    let before = typed::<R>(old)?.body;
    // A weak mention was checked when it was written; what it names may be gone by now.
    let mentioned = before.references();
    draft
        .references
        .retain(|mention| !mention.weak || !mentioned.contains(mention));
    // A key that was taken when names were compared in another way stays with its object.
    if draft.parent == old.parent && draft.unique.as_ref() == Some(&before.unique()) {
        draft.unique = None;
    }
    let stored = Stored {
        id: stepgate_domain::id::Id::from_uuid(old.id),
        environment: stepgate_domain::id::Id::from_uuid(old.environment),
        parent: draft.parent,
        version: old.version + 1,
        created_at: old.created_at,
        updated_at: now,
        is_default: match built.default {
            DefaultMark::Keep => old.is_default,
            DefaultMark::Set => true,
            DefaultMark::Clear => false,
        },
        members: old.members,
        body: built.body,
    };
    Ok((documents::replace(draft, old), stored))
}
