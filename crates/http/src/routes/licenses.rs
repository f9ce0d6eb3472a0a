//! The display name of a licence: all of it that clients write.

use axum::http::{Method, StatusCode};
use serde_json::{Map, json};
use stepgate_app::management;
use stepgate_domain::{
    resource::{Resource, Stored},
    resources::license::{License, LicenseDraft},
};

use crate::{
    api::{Api, Operation, Takes},
    call::Call,
    crud::{one, read_only},
    error::management::ApiError,
    guard::{reads, writes},
    hal,
    openapi::shapes,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let kind = License::KIND;
    let name = format!("{}/name", one(kind));
    api.then(read_only::<License>)
        .op(Operation::new(
            Method::GET,
            name.clone(),
            Takes::Nothing,
            reads(kind),
            "Read the name of a license",
            read,
        )
        .hal(shapes::license_name))
        .op(Operation::new(
            Method::PUT,
            name,
            Takes::Json,
            writes(kind),
            "Replace the name of a license",
            replace,
        )
        .request::<LicenseDraft>()
        .hal(shapes::license_name))
}

fn answer(call: &Call, stored: &Stored<License>) -> Reply {
    let license = hal::location(&call.exchange, stored);
    let mut links = Map::new();
    links.insert("self".into(), hal::href(format!("{license}/name")));
    links.insert("license".into(), hal::href(license));
    let mut members = Map::new();
    members.insert("name".into(), json!(stored.body.name));
    Reply::hal(StatusCode::OK, hal::with_links(links, members)).versioned(stored.version)
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let stored = management::read::<License>(&call.target::<License>()?).await?;
    Ok(answer(&call, &stored))
}

async fn replace(call: Call) -> Result<Reply, ApiError> {
    let target = call.target::<License>()?;
    let stored = management::replace::<License>(&target, call.json()?).await?;
    Ok(answer(&call, &stored))
}
