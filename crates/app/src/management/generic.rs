//! The use cases that every managed type has.

use serde_json::Value;
use stepgate_domain::{
    id::Id,
    profile::Profile,
    resource::{Context, Kind, OrderAttribute, Paging, Resource, Stored},
    schema,
    scim::Filter,
    violation::{Violation, ViolationCode},
};
use stepgate_store::{
    documents::{self, Document, ListError, ListQuery, Order},
    engine::StoreError,
};
use uuid::Uuid;

use crate::{App, error::ManagementError, random::SystemRandom, settings};

use super::{
    Caller, Place, Target, change, insert,
    loading::typed,
    reach::{owner, read_document},
};

/// What a client asks of a collection, checked.
#[derive(Debug, Default)]
pub struct ListRequest {
    pub filter: Option<Filter>,
    /// The attributes to order by, and whether descending.
    pub order: Vec<(OrderAttribute, bool)>,
    pub after: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Debug)]
pub struct Listing<R> {
    pub items: Vec<Stored<R>>,
    /// Cursor of the next page.
    pub next: Option<String>,
    pub count: Option<u64>,
}

pub async fn read<R: Resource>(target: &Target<'_>) -> Result<Stored<R>, ManagementError> {
    Ok(typed(&read_document::<R>(target).await?)?)
}

pub async fn list<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    request: ListRequest,
) -> Result<Listing<R>, ManagementError> {
    owner::<R>(app, caller, place).await?;
    let whole = R::PAGING == Paging::Whole && request.limit.is_none();
    let order: Vec<Order<'_>> = request
        .order
        .iter()
        .map(|(attribute, descending)| Order {
            attribute: attribute.name,
            source: attribute.source,
            descending: *descending,
        })
        .collect();
    let query = ListQuery {
        kind: R::KIND,
        environment: place.environment,
        parent: place.parent,
        reach: &caller.reach,
        filter: request.filter.as_ref(),
        attributes: R::FILTER,
        order: &order,
        after: request.after.as_deref(),
        limit: match R::PAGING {
            Paging::Whole => request.limit,
            Paging::Pages { default, .. } => Some(request.limit.unwrap_or(default)),
        },
        counted: R::COUNTED_MEMBERS,
    };
    let page = documents::list(&*app.engine, query)
        .await
        .map_err(|error| match error {
            ListError::Store(StoreError::TooLong) if request.filter.is_some() => {
                ManagementError::InvalidQuery(Violation::new(
                    ViolationCode::InvalidFilter,
                    "filter",
                    "Invalid Filter: takes longer to answer than any query may",
                ))
            }
            ListError::Store(error) => error.into(),
            ListError::Cursor => ManagementError::bad_cursor(),
        })?;
    let mut items = page
        .documents
        .iter()
        .map(typed)
        .collect::<Result<Vec<Stored<R>>, _>>()?;
    if whole {
        R::arrange(&mut items);
    }
    let count = if whole {
        u64::try_from(items.len()).ok()
    } else {
        page.count
    };
    Ok(Listing {
        items,
        next: page.next,
        count,
    })
}

/// The ids of the defaults that a type wants to know.
async fn defaults<R: Resource>(
    app: &App,
    place: Place,
) -> Result<Vec<(&'static str, Uuid)>, StoreError> {
    let mut found = Vec::new();
    for kind in R::NEEDS_DEFAULTS {
        if let Some(document) = documents::default_of(&*app.engine, kind, place.environment).await?
        {
            found.push((kind.name, document.id));
        }
    }
    Ok(found)
}

/// Builds with everything that the type asked for.
pub(crate) async fn with_context<R: Resource, T>(
    target: &Target<'_>,
    owner: Option<&Document>,
    build: impl FnOnce(&mut Context<'_>) -> T,
) -> Result<T, ManagementError> {
    let Target { app, place, id, .. } = *target;
    let defaults = defaults::<R>(app, place).await?;
    let default_of = |kind: &Kind| {
        defaults
            .iter()
            .find(|(name, _)| *name == kind.name)
            .map(|(_, id)| *id)
    };
    let parent_body: Option<Value> = match owner {
        Some(owner) if R::NEEDS_PARENT => Some(serde_json::from_str(&owner.body)?),
        Some(_) | None => None,
    };
    let profile = if R::NEEDS_PROFILE {
        settings::profile(app, place.environment).await?
    } else {
        Profile::default()
    };
    let mut context = Context {
        now: app.now(),
        entropy: &mut SystemRandom,
        environment: Id::from_uuid(place.environment),
        id,
        parent: place.parent,
        defaults: &default_of,
        parent_body: parent_body.as_ref(),
        profile,
        client_address_is_known: app.settings.client_address_is_known,
    };
    Ok(build(&mut context))
}

pub async fn create<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    body: Value,
) -> Result<Stored<R>, ManagementError> {
    let target = Target::new(app, caller, place, app.new_id::<R>().uuid());
    let parent = owner::<R>(app, caller, place).await?;
    let draft = schema::decode::<R::Draft>(body)?;
    let built = with_context::<R, _>(&target, parent.as_ref(), |context| {
        R::build(draft, None, context)
    })
    .await??;
    insert(&target, built.into()).await
}

pub async fn replace<R: Resource>(
    target: &Target<'_>,
    body: Value,
) -> Result<Stored<R>, ManagementError> {
    change(target, |previous, context| {
        let draft = schema::decode::<R::Draft>(body.clone())?;
        Ok(R::build(draft, Some(previous), context)?.into())
    })
    .await
}

/// RFC 7396 on the members that clients write, then the same path as a replacement.
pub async fn patch<R: Resource>(
    target: &Target<'_>,
    patch: Value,
) -> Result<Stored<R>, ManagementError> {
    change(target, |previous, context| {
        let mut merged = Value::Object(R::view(previous, context.now));
        schema::merge_patch(&mut merged, patch.clone());
        let draft = schema::decode::<R::Draft>(merged)?;
        Ok(R::build(draft, Some(previous), context)?.into())
    })
    .await
}
