//! From stored documents to typed objects.

use std::sync::Arc;

use stepgate_domain::{
    access::Reach,
    id::Id,
    resource::{Resource, Stored},
};
use stepgate_store::{
    documents::{self, Document, ListError, ListQuery, space},
    engine::StoreError,
};
use uuid::Uuid;

use crate::{App, configuration_cache::Entry};

/// The typed form of a document.
pub fn typed<R: Resource>(document: &Document) -> Result<Stored<R>, StoreError> {
    let body = serde_json::from_str(&document.body).map_err(|error| {
        StoreError::Decode(format!("{} {}: {error}", R::KIND.name, document.id))
    })?;
    Ok(Stored {
        id: Id::from_uuid(document.id),
        environment: Id::from_uuid(document.environment),
        parent: document.parent,
        version: document.version,
        created_at: document.created_at,
        updated_at: document.updated_at,
        is_default: document.is_default,
        members: document.members,
        body,
    })
}

/// The object as it is stored now, past the cache.
pub async fn fetch<R: Resource>(
    app: &App,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<Stored<R>>, StoreError> {
    let document =
        documents::read(&*app.engine, R::KIND, environment, id, R::COUNTED_MEMBERS).await?;
    document.as_ref().map(typed).transpose()
}

/// A configuration object, from memory when it is there.
pub async fn cached<R: Resource>(
    app: &App,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<Arc<Stored<R>>>, StoreError> {
    let key = space(R::KIND, environment);
    let found = app
        .cache
        .get::<Option<Arc<Stored<R>>>, StoreError, _>(
            key,
            R::KIND.name,
            Entry::Document(id),
            || async { Ok(fetch::<R>(app, environment, id).await?.map(Arc::new)) },
        )
        .await?;
    Ok((*found).clone())
}

/// All configuration objects of a kind, of the environment or of one owner, in their own order.
pub async fn cached_children<R: Resource>(
    app: &App,
    environment: Uuid,
    parent: Option<Uuid>,
) -> Result<Arc<Vec<Stored<R>>>, StoreError> {
    let key = space(R::KIND, environment);
    app.cache
        .get(key, R::KIND.name, Entry::Collection(parent), || {
            fetch_children::<R>(app, environment, parent)
        })
        .await
}

/// The default object of a kind.
pub async fn cached_default<R: Resource>(
    app: &App,
    environment: Uuid,
) -> Result<Option<Arc<Stored<R>>>, StoreError> {
    let key = space(R::KIND, environment);
    let found = app
        .cache
        .get::<Option<Arc<Stored<R>>>, StoreError, _>(key, R::KIND.name, Entry::Default, || async {
            let document = documents::default_of(&*app.engine, R::KIND, key).await?;
            document
                .as_ref()
                .map(typed)
                .transpose()
                .map(|stored| stored.map(Arc::new))
        })
        .await?;
    Ok((*found).clone())
}

/// A whole small collection: the siblings of a guarded set, or configuration for the cache.
pub(crate) async fn fetch_children<R: Resource>(
    app: &App,
    environment: Uuid,
    parent: Option<Uuid>,
) -> Result<Vec<Stored<R>>, StoreError> {
    let query = ListQuery {
        parent,
        counted: R::COUNTED_MEMBERS,
        ..ListQuery::new(R::KIND, environment, &Reach::Everything)
    };
    let page = documents::list(&*app.engine, query)
        .await
        .map_err(|error| match error {
            ListError::Store(error) => error,
            ListError::Cursor => StoreError::Decode("a cursor where none was sent".to_owned()),
        })?;
    let mut items = page
        .documents
        .iter()
        .map(typed)
        .collect::<Result<Vec<Stored<R>>, _>>()?;
    R::arrange(&mut items);
    Ok(items)
}
