//! The devices of a user: paired, proved, ordered, blocked, removed.

use axum::http::{Method, StatusCode, header};
use serde_json::json;
use stepgate_app::{devices, management::ListRequest};
use stepgate_domain::{
    id::Ref,
    resource::{Resource, Stored},
    resources::device::{ActivateDraft, Device, NicknameDraft, ReorderDraft},
    schema,
};

use crate::{
    api::{Api, Operation, Takes},
    call::Call,
    crud::{self, list_request, many, one},
    error::management::ApiError,
    guard::{reads, writes},
    hal,
    openapi::shapes,
    reply::Reply,
};

const REORDER: Takes = Takes::Vendor("devices.reorder");
const DROP_ORDER: Takes = Takes::Vendor("devices.order.remove");

pub(super) fn operations(api: Api) -> Api {
    let kind = Device::KIND;
    api.op(Operation::new(
        Method::GET,
        many(kind),
        Takes::Nothing,
        reads(kind),
        "List devices",
        list,
    )
    .lists::<Device>()
    .page(shapes::user_devices)
    .expands("order"))
        .op(Operation::new(
            Method::POST,
            many(kind),
            Takes::Json,
            writes(kind),
            "Pair a device",
            create,
        )
        .draft::<Device>()
        .response::<Device>()
        .limited())
        .op(Operation::new(
            Method::POST,
            many(kind),
            REORDER,
            writes(kind),
            "Order the devices",
            reorder,
        )
        .request::<ReorderDraft>()
        .page(shapes::user_devices))
        .op(Operation::new(
            Method::POST,
            many(kind),
            DROP_ORDER,
            writes(kind),
            "Drop the order of the devices",
            drop_order,
        )
        .page(shapes::user_devices))
        .op(Operation::new(
            Method::DELETE,
            many(kind),
            DROP_ORDER,
            writes(kind),
            "Drop the order of the devices",
            delete_order,
        ))
        .then(single)
}

fn single(api: Api) -> Api {
    let kind = Device::KIND;
    api.op(Operation::new(
        Method::GET,
        one(kind),
        Takes::Nothing,
        reads(kind),
        "Read a device",
        crud::read::<Device>,
    )
    .response::<Device>())
        .op(Operation::new(
            Method::DELETE,
            one(kind),
            Takes::Nothing,
            writes(kind),
            "Remove a device",
            remove,
        ))
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("device.activate"),
            writes(kind),
            "Prove a device",
            activate,
        )
        .request::<ActivateDraft>()
        .response::<Device>())
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("device.sendActivationCode"),
            writes(kind),
            "Send another pairing code",
            send_activation_code,
        )
        .response::<Device>()
        .limited())
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("device.block"),
            writes(kind),
            "Block a device",
            block,
        )
        .response::<Device>())
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("device.unblock"),
            writes(kind),
            "Unblock a device",
            unblock,
        )
        .response::<Device>())
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("device.unlock"),
            writes(kind),
            "Unlock a device",
            unlock,
        )
        .response::<Device>())
        .op(Operation::new(
            Method::PUT,
            format!("{}/nickname", one(kind)),
            Takes::Json,
            writes(kind),
            "Give a device another nickname",
            rename,
        )
        .request::<NicknameDraft>()
        .response::<Device>())
}

async fn list(call: Call) -> Result<Reply, ApiError> {
    let request = list_request::<Device>(&call)?;
    listed(&call, request).await
}

async fn listed(call: &Call, request: ListRequest) -> Result<Reply, ApiError> {
    let place = call.place::<Device>()?;
    let (listing, order) = devices::list(&call.app, call.caller()?, place, request).await?;
    let now = call.app.now();
    let with_order = call
        .query_value("expand")
        .is_some_and(|names| names.split(',').any(|name| name.trim() == "order"));
    let beside = order.filter(|_| with_order).map(|order| {
        let order: Vec<Ref<Device>> = order.into_iter().map(Ref::from).collect();
        ("order", json!(order))
    });
    let shown = |stored: &Stored<Device>| hal::object(&call.exchange, stored, now);
    Ok(crud::listed_beside(call, place, listing, shown, beside))
}

async fn create(call: Call) -> Result<Reply, ApiError> {
    let place = call.place_of_new::<Device>()?;
    let stored = devices::create(&call.app, call.caller()?, place, call.json()?).await?;
    Ok(crud::object(&call, StatusCode::CREATED, &stored)
        .with(header::LOCATION, &hal::location(&call.exchange, &stored)))
}

async fn reorder(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<ReorderDraft>(call.json()?)?;
    let place = call.place::<Device>()?;
    let caller = call.caller()?;
    devices::reorder(&call.app, caller, place, call.if_match(), &draft).await?;
    listed(&call, ListRequest::default()).await
}

async fn without_order(call: &Call) -> Result<(), ApiError> {
    let (caller, place) = (call.caller()?, call.place::<Device>()?);
    devices::drop_order(&call.app, caller, place, call.if_match()).await?;
    Ok(())
}

async fn drop_order(call: Call) -> Result<Reply, ApiError> {
    without_order(&call).await?;
    listed(&call, ListRequest::default()).await
}

async fn delete_order(call: Call) -> Result<Reply, ApiError> {
    without_order(&call).await?;
    Ok(Reply::no_content())
}

async fn remove(call: Call) -> Result<Reply, ApiError> {
    devices::remove(&call.target::<Device>()?).await?;
    Ok(Reply::no_content())
}

async fn activate(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<ActivateDraft>(call.json()?)?;
    let stored = devices::activate(&call.target::<Device>()?, &draft).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn send_activation_code(call: Call) -> Result<Reply, ApiError> {
    let stored = devices::send_activation_code(&call.target::<Device>()?).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn block(call: Call) -> Result<Reply, ApiError> {
    let stored = devices::block(&call.target::<Device>()?).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn unblock(call: Call) -> Result<Reply, ApiError> {
    let stored = devices::unblock(&call.target::<Device>()?).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn unlock(call: Call) -> Result<Reply, ApiError> {
    let stored = devices::unlock(&call.target::<Device>()?).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn rename(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<NicknameDraft>(call.json()?)?;
    let stored = devices::rename(&call.target::<Device>()?, &draft).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}
