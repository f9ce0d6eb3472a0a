//! The six operations that every managed type has, as plain functions over the type.

use axum::http::{Method, StatusCode, header};
use serde_json::Value;
use stepgate_app::management::{self, ListRequest, Listing, Place};
use stepgate_domain::{
    resource::{FilterAttribute, Kind, OrderAttribute, Paging, Resource, Scope, Stored},
    scim::{Filter, FilterError},
    time::Timestamp,
    violation::{Violation, ViolationCode},
};

use crate::{
    api::{Api, Operation, Takes},
    call::{Call, parameter},
    error::management::ApiError,
    exchange::Exchange,
    guard::{reads, writes},
    hal,
    openapi::{a, of_owner, words},
    reply::Reply,
};

/// The path of a kind's collection, with parameters.
pub(crate) fn many(kind: &Kind) -> String {
    let base = match kind.scope {
        Scope::Organization => "/v1".to_owned(),
        Scope::Environment => "/v1/environments/{environmentID}".to_owned(),
    };
    match kind.parent.filter(|_| kind.nested) {
        Some(owner) => format!(
            "{base}/{}/{{{}}}/{}",
            owner.collection,
            parameter(owner),
            kind.collection
        ),
        None => format!("{base}/{}", kind.collection),
    }
}

/// The path of one object.
pub(crate) fn one(kind: &Kind) -> String {
    format!("{}/{{{}}}", many(kind), parameter(kind))
}

/// List, create, read, replace, patch where the contract lists it, and delete.
pub(crate) fn crud<R: Resource>(api: Api) -> Api {
    crud_created_with::<R>(api, StatusCode::CREATED)
}

/// As [`crud`], for collections of which the contract says what their creation answers.
pub(crate) fn crud_created_with<R: Resource>(api: Api, status: StatusCode) -> Api {
    permanent::<R>(api, status).op(deletion::<R, _, _>(remove::<R>))
}

/// As [`crud_created_with`], without their deletion.
pub(crate) fn permanent<R: Resource>(api: Api, status: StatusCode) -> Api {
    let api = read_only::<R>(api).then(writable::<R>);
    let kind = R::KIND;
    api.op(Operation::new(
        Method::POST,
        many(kind),
        Takes::Json,
        writes(kind),
        format!("Create {}{}", a(kind.name), of_owner(kind)),
        move |call| create::<R>(call, status),
    )
    .draft::<R>()
    .response::<R>()
    .status(status.as_u16()))
}

pub(crate) fn deletion<R, H, F>(remove: H) -> Operation
where
    R: Resource,
    H: Fn(Call) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
{
    let kind = R::KIND;
    let summary = format!("Delete {}{}", a(kind.name), of_owner(kind));
    let path = one(kind);
    Operation::new(
        Method::DELETE,
        path,
        Takes::Nothing,
        writes(kind),
        summary,
        remove,
    )
}

/// List and read.
pub(crate) fn read_only<R: Resource>(api: Api) -> Api {
    let kind = R::KIND;
    api.op(Operation::new(
        Method::GET,
        many(kind),
        Takes::Nothing,
        reads(kind),
        format!("List {}{}", words(kind.collection), of_owner(kind)),
        list::<R>,
    )
    .lists::<R>())
        .op(Operation::new(
            Method::GET,
            one(kind),
            Takes::Nothing,
            reads(kind),
            format!("Read {}{}", a(kind.name), of_owner(kind)),
            read::<R>,
        )
        .response::<R>())
}

/// Replace, and patch where the contract lists it.
pub(crate) fn writable<R: Resource>(api: Api) -> Api {
    let kind = R::KIND;
    let api = api.op(Operation::new(
        Method::PUT,
        one(kind),
        Takes::Json,
        writes(kind),
        format!("Replace {}{}", a(kind.name), of_owner(kind)),
        replace::<R>,
    )
    .draft::<R>()
    .response::<R>());
    if R::PATCHABLE {
        api.op(Operation::new(
            Method::PATCH,
            one(kind),
            Takes::Json,
            writes(kind),
            format!("Change members of {}{}", a(kind.name), of_owner(kind)),
            patch::<R>,
        )
        .patch::<R>()
        .response::<R>())
    } else {
        api
    }
}

/// One object with its ETag.
pub(crate) fn object<R: Resource>(call: &Call, status: StatusCode, stored: &Stored<R>) -> Reply {
    Reply::hal(status, hal::object(&call.exchange, stored, call.app.now()))
        .versioned(stored.version)
}

pub(crate) async fn list<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    list_with::<R>(call, hal::object).await
}

/// A list whose items are shown in a way of their own.
pub(crate) async fn list_with<R: Resource>(
    call: Call,
    show: impl Fn(&Exchange, &Stored<R>, Timestamp) -> Value,
) -> Result<Reply, ApiError> {
    let place = call.place::<R>()?;
    let request = list_request::<R>(&call)?;
    let listing = management::list::<R>(&call.app, call.caller()?, place, request).await?;
    let now = call.app.now();
    Ok(listed(&call, place, listing, |stored| {
        show(&call.exchange, stored, now)
    }))
}

/// One page of a collection.
pub(crate) fn listed<R: Resource>(
    call: &Call,
    place: Place,
    listing: Listing<R>,
    show: impl Fn(&Stored<R>) -> Value,
) -> Reply {
    listed_beside(call, place, listing, show, None)
}

/// One page of a collection, and what is embedded beside it.
pub(crate) fn listed_beside<R: Resource>(
    call: &Call,
    place: Place,
    listing: Listing<R>,
    show: impl Fn(&Stored<R>) -> Value,
    beside: Option<(&'static str, Value)>,
) -> Reply {
    let url = |query: &[(String, String)]| {
        let (exchange, kind) = (&call.exchange, R::KIND);
        hal::collection_url(exchange, kind, place.environment, place.parent, query)
    };
    let next = listing.next.map(|cursor| {
        let mut query = call.query.clone();
        query.retain(|(name, _)| name != "cursor");
        query.push(("cursor".to_owned(), cursor));
        url(&query)
    });
    let page = hal::Collection {
        name: R::KIND.collection,
        items: listing.items.iter().map(show).collect(),
        count: listing.count,
        own: url(&call.query),
        next,
    };
    let mut body = hal::collection(page);
    if let (Some((name, value)), Some(Value::Object(embedded))) =
        (beside, body.get_mut("_embedded"))
    {
        embedded.insert(name.to_owned(), value);
    }
    Reply::hal(StatusCode::OK, body)
}

pub(crate) fn list_request<R: Resource>(call: &Call) -> Result<ListRequest, ApiError> {
    let maximum = match R::PAGING {
        Paging::Whole => 1_000,
        Paging::Pages { maximum, .. } => maximum,
    };
    let mut order = Vec::new();
    if let Some(text) = call.query_value("order").filter(|_| !R::ORDER.is_empty()) {
        for text in text.split(',').map(str::trim) {
            let (name, descending) = text
                .strip_prefix('-')
                .map_or((text, false), |name| (name, true));
            let attribute = R::ORDER
                .iter()
                .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    let supported: Vec<&str> =
                        R::ORDER.iter().map(|attribute| attribute.name).collect();
                    ApiError::InvalidRequest(vec![
                        Violation::new(
                            ViolationCode::InvalidParameter,
                            "order",
                            "names an attribute that cannot be ordered by",
                        )
                        .with(serde_json::json!({ "supportedAttributes": supported })),
                    ])
                })?;
            // Each once: the second mention of an attribute orders nothing.
            if order
                .iter()
                .any(|(known, _): &(OrderAttribute, bool)| known.name == attribute.name)
            {
                return Err(ApiError::InvalidRequest(vec![Violation::new(
                    ViolationCode::InvalidParameter,
                    "order",
                    "names an attribute twice",
                )]));
            }
            order.push((*attribute, descending));
        }
    }
    Ok(ListRequest {
        filter: filter(call, R::FILTER)?,
        order,
        after: call.query_value("cursor").map(str::to_owned),
        limit: call.limit(maximum)?,
    })
}

/// The filter of the query. Collections that have none ignore it.
pub(crate) fn filter(
    call: &Call,
    attributes: &[FilterAttribute],
) -> Result<Option<Filter>, ApiError> {
    let text = call.query_value("filter");
    let Some(text) = text.filter(|_| !attributes.is_empty()) else {
        return Ok(None);
    };
    Filter::parse(text)
        .and_then(|filter| filter.validate(attributes))
        .map(Some)
        .map_err(|error| ApiError::InvalidRequest(vec![filter_violation(&error)]))
}

fn filter_violation(error: &FilterError) -> Violation {
    let inner = match error {
        FilterError::Attribute { supported, .. } => {
            serde_json::json!({ "supportedAttributes": supported })
        }
        FilterError::Operator { supported, .. } => {
            serde_json::json!({ "supportedOperators": supported })
        }
        FilterError::Boolean { .. } => serde_json::json!({ "allowedValues": ["true", "false"] }),
        FilterError::Syntax { .. }
        | FilterError::Time { .. }
        | FilterError::TooComplex
        | FilterError::TooCostly { .. } => serde_json::Value::Null,
    };
    Violation::new(
        ViolationCode::InvalidFilter,
        "filter",
        format!("Invalid Filter: {error}"),
    )
    .with(inner)
}

async fn create<R: Resource>(call: Call, status: StatusCode) -> Result<Reply, ApiError> {
    let place = call.place_of_new::<R>()?;
    let stored = management::create::<R>(&call.app, call.caller()?, place, call.json()?).await?;
    Ok(object(&call, status, &stored)
        .with(header::LOCATION, &hal::location(&call.exchange, &stored)))
}

pub(crate) async fn read<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    let stored = management::read::<R>(&call.target::<R>()?).await?;
    Ok(object(&call, StatusCode::OK, &stored))
}

pub(crate) async fn replace<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    let stored = management::replace::<R>(&call.target::<R>()?, call.json()?).await?;
    Ok(object(&call, StatusCode::OK, &stored))
}

pub(crate) async fn patch<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    let stored = management::patch::<R>(&call.target::<R>()?, call.json()?).await?;
    Ok(object(&call, StatusCode::OK, &stored))
}

pub(crate) async fn remove<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    management::remove::<R>(&call.target::<R>()?).await?;
    Ok(Reply::no_content())
}
