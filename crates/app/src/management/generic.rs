//! The use cases that every managed type has.

use serde_json::Value;
use stepgate_domain::{
    access::Reach,
    id::Id,
    resource::{Built, Context, Kind, OrderAttribute, Paging, Resource, Stored},
    resources::environment::Environment,
    schema,
    scim::Filter,
};
use stepgate_store::{
    documents::{self, Document, ListError, ListQuery, Order, space},
    engine::{Batch, Fault, Statement, StoreError},
};
use uuid::Uuid;

use crate::{
    App,
    error::{ManagementError, Missing},
    random::SystemRandom,
};

use super::{
    Caller, Change, Place,
    audit::{Deed, event},
    loading::{fetch_children, typed},
    prepare_insert, prepare_replace,
};

/// How often a write is judged anew because something it was judged by changed meanwhile.
/// Of all who try at once one gets through, so this is how many may.
pub(super) const ATTEMPTS: usize = 128;

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

fn missing(kind: &'static Kind, place: Place, id: Uuid) -> ManagementError {
    ManagementError::NotFound(Some(Missing {
        kind,
        id,
        environment: place.environment,
    }))
}

/// Whether the reach of a call takes in this object, or the owner through which it is reached.
pub(crate) fn within(reach: &Reach, kind: &Kind, id: Uuid, parent: Option<Uuid>) -> bool {
    let named = |allowed: &[Uuid], id: Uuid| allowed.contains(&id);
    match reach {
        Reach::Everything => true,
        Reach::Environments(allowed) => kind.name != "environment" || named(allowed, id),
        Reach::Populations(allowed) => match kind.name {
            "population" => named(allowed, id),
            "user" => parent.is_some_and(|population| named(allowed, population)),
            _ => true,
        },
        Reach::Applications(allowed) => match kind.name {
            "application" => named(allowed, id),
            _ => parent.is_some_and(|application| named(allowed, application)),
        },
    }
}

/// The owner in the path must exist, here, and within the caller's reach.
async fn owner<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
) -> Result<Option<Document>, ManagementError> {
    let (Some(kind), Some(parent)) = (R::KIND.parent.filter(|_| R::KIND.nested), place.parent)
    else {
        return Ok(None);
    };
    let document = documents::read(&*app.engine, kind, place.environment, parent, None).await?;
    match document {
        Some(document) if within(&caller.reach, kind, document.id, document.parent) => {
            Ok(Some(document))
        }
        Some(_) | None => Err(missing(kind, place, parent)),
    }
}

/// Raises the revision that guards a set: the owner's in the path, or the environment's.
async fn raise_guard<R: Resource>(
    app: &App,
    place: Place,
    owner: Option<&Document>,
) -> Result<Vec<Statement>, ManagementError> {
    let now = app.now();
    if let (Some(owner), Some(kind)) = (owner, R::KIND.parent) {
        return Ok(documents::raise(
            kind,
            owner.environment,
            owner.id,
            owner.version,
            now,
        ));
    }
    let kind = Environment::KIND;
    let document = documents::read(
        &*app.engine,
        kind,
        place.environment,
        place.environment,
        None,
    )
    .await?
    .ok_or_else(|| missing(kind, place, place.environment))?;
    Ok(documents::raise(
        kind,
        document.environment,
        document.id,
        document.version,
        now,
    ))
}

pub(super) async fn read_document<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
) -> Result<Document, ManagementError> {
    owner::<R>(app, caller, place).await?;
    let document = documents::read(
        &*app.engine,
        R::KIND,
        place.environment,
        id,
        R::COUNTED_MEMBERS,
    )
    .await?;
    match document {
        Some(document)
            if within(&caller.reach, R::KIND, id, document.parent)
                && (!R::KIND.nested || document.parent == place.parent) =>
        {
            Ok(document)
        }
        Some(_) | None => Err(missing(R::KIND, place, id)),
    }
}

pub async fn read<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
) -> Result<Stored<R>, ManagementError> {
    Ok(typed(&read_document::<R>(app, caller, place, id).await?)?)
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
            ListError::Store(error) => error.into(),
            ListError::Cursor => ManagementError::BadCursor,
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
    app: &App,
    place: Place,
    id: Uuid,
    owner: Option<&Document>,
    build: impl FnOnce(&mut Context<'_>) -> T,
) -> Result<T, ManagementError> {
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
    let mut context = Context {
        now: app.now(),
        entropy: &mut SystemRandom,
        environment: Id::from_uuid(place.environment),
        id,
        parent: place.parent,
        defaults: &default_of,
        parent_body: parent_body.as_ref(),
    };
    Ok(build(&mut context))
}

pub async fn create<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    body: Value,
) -> Result<Stored<R>, ManagementError> {
    let id = app.new_id::<R>().uuid();
    let draft = schema::decode::<R::Draft>(body)?;
    let parent = owner::<R>(app, caller, place).await?;
    let built = with_context::<R, _>(app, place, id, parent.as_ref(), |context| {
        R::build(draft, None, context)
    })
    .await??;
    insert(app, caller, place, id, built.into()).await
}

/// Stores a new object that has been built, with what belongs to it.
pub async fn insert<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    change: Change<R>,
) -> Result<Stored<R>, ManagementError> {
    let now = app.now();
    let reached = change
        .built
        .body
        .parent()
        .map(|(parent, _)| parent)
        .or(place.parent);
    if !within(&caller.reach, R::KIND, id, reached) {
        return Err(ManagementError::Forbidden);
    }
    let default = change.built.default;
    let secrets = change.built.secrets.clone();
    let body = change.built.body.clone();
    for _ in 0..ATTEMPTS {
        let mut batch = Batch::default();
        let parent = owner::<R>(app, caller, place).await?;
        if R::GUARDED_SET {
            let siblings = fetch_children::<R>(app, place.environment, place.parent).await?;
            body.may_join(&siblings)?;
            batch.extend(raise_guard::<R>(app, place, parent.as_ref()).await?);
        }
        let built = Built {
            body: body.clone(),
            default,
            secrets: secrets.clone(),
        };
        let (statements, stored) = prepare_insert(app, place, id, built, now).await?;
        batch.extend(statements);
        batch.extend(change.with.iter().cloned());
        batch.push(event(
            caller,
            space(R::KIND, place.environment),
            R::KIND,
            id,
            Deed::Created,
            now,
        ));
        match app.commit(batch).await {
            Ok(()) => {
                forget::<R>(app, place, id, stored.parent);
                return Ok(stored);
            }
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

fn forget<R: Resource>(app: &App, place: Place, id: Uuid, parent: Option<Uuid>) {
    app.cache
        .invalidate(space(R::KIND, place.environment), R::KIND.name, id, parent);
    if let Some(owner) = R::KIND.parent.filter(|_| R::GUARDED_SET)
        && let Some(owner_id) = parent
    {
        app.cache
            .invalidate(space(owner, place.environment), owner.name, owner_id, None);
    }
}

/// Changes one object by a rule: reads it, applies the rule, writes it if nothing changed
/// meanwhile, and otherwise begins again.
///
/// `if_match` is the version that the client insists on.
pub async fn change<R, F>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    rule: F,
) -> Result<Stored<R>, ManagementError>
where
    R: Resource,
    F: Fn(&Stored<R>, &mut Context<'_>) -> Result<Change<R>, ManagementError> + Send + Sync,
{
    for _ in 0..ATTEMPTS {
        let now = app.now();
        let document = read_document::<R>(app, caller, place, id).await?;
        if if_match.is_some_and(|version| version != document.version) {
            return Err(ManagementError::PreconditionFailed);
        }
        let previous = typed::<R>(&document)?;
        let parent = owner::<R>(app, caller, place).await?;
        let change = with_context::<R, _>(app, place, id, parent.as_ref(), |context| {
            rule(&previous, context)
        })
        .await??;
        let new_parent = change
            .built
            .body
            .parent()
            .map(|(parent, _)| parent)
            .or(document.parent);
        if !within(&caller.reach, R::KIND, id, new_parent) {
            return Err(ManagementError::Forbidden);
        }
        let (statements, stored) =
            prepare_replace(app, place, &document, change.built, now).await?;
        let mut batch = Batch::default();
        batch.extend(statements);
        batch.extend(change.with);
        batch.push(event(
            caller,
            document.environment,
            R::KIND,
            id,
            Deed::Updated,
            now,
        ));
        match app.commit(batch).await {
            Ok(()) => {
                forget::<R>(app, place, id, stored.parent);
                return Ok(stored);
            }
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

pub async fn replace<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    body: Value,
) -> Result<Stored<R>, ManagementError> {
    change(app, caller, place, id, if_match, |previous, context| {
        let draft = schema::decode::<R::Draft>(body.clone())?;
        Ok(R::build(draft, Some(previous), context)?.into())
    })
    .await
}

/// RFC 7396 on the members that clients write, then the same path as a replacement.
pub async fn patch<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    patch: Value,
) -> Result<Stored<R>, ManagementError> {
    change(app, caller, place, id, if_match, |previous, context| {
        let mut merged = Value::Object(R::view(previous, context.now));
        schema::merge_patch(&mut merged, patch.clone());
        let draft = schema::decode::<R::Draft>(merged)?;
        Ok(R::build(draft, Some(previous), context)?.into())
    })
    .await
}

pub async fn remove<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
) -> Result<(), ManagementError> {
    remove_with::<R>(app, caller, place, id, if_match, Vec::new()).await
}

/// Deletes an object together with writes that belong to its end.
pub async fn remove_with<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    with: Vec<Statement>,
) -> Result<(), ManagementError> {
    for _ in 0..ATTEMPTS {
        let now = app.now();
        let document = read_document::<R>(app, caller, place, id).await?;
        if if_match.is_some_and(|version| version != document.version) {
            return Err(ManagementError::PreconditionFailed);
        }
        let stored = typed::<R>(&document)?;
        let mut batch = Batch::default();
        let siblings = if R::GUARDED_SET {
            let parent = owner::<R>(app, caller, place).await?;
            batch.extend(raise_guard::<R>(app, place, parent.as_ref()).await?);
            fetch_children::<R>(app, place.environment, place.parent).await?
        } else {
            Vec::new()
        };
        R::may_leave(&stored, &siblings)?;
        batch.extend(documents::delete(R::KIND, &document, now));
        batch.extend(with.iter().cloned());
        batch.push(event(
            caller,
            document.environment,
            R::KIND,
            id,
            Deed::Deleted,
            now,
        ));
        match app.commit(batch).await {
            Ok(()) => {
                forget::<R>(app, place, id, document.parent);
                return Ok(());
            }
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}
