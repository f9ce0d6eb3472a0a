//! The password of a user: its state, and the verbs on it.

use axum::http::{Method, StatusCode};
use serde_json::{Map, json};
use stepgate_app::users::password::{self, Occasion, PasswordState};
use stepgate_domain::{
    access::{Area, Permission},
    password::{CheckDraft, ResetDraft, SetDraft, SetValueDraft, state_links, state_view},
    resource::{Link, Resource},
    resources::user::User,
    schema,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    crud::one,
    error::management::ApiError,
    hal,
    openapi::shapes,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let path = || format!("{}/password", one(User::KIND));
    let writes = Guard::Permission(Permission::write(Area::Password));
    let reads = Guard::Permission(Permission::read(Area::Password));
    let set_of = |method: Method, takes| {
        Operation::new(method, path(), takes, writes, "Set a password", set)
            .request::<SetDraft>()
            .hal(shapes::password)
            .status(200)
    };
    api.op(Operation::new(
        Method::GET,
        path(),
        Takes::Nothing,
        reads,
        "Read the state of a password",
        read,
    )
    .hal(shapes::password)
    .expands("passwordPolicy"))
        .op(set_of(Method::PUT, Takes::Vendor("password.set")))
        .op(set_of(Method::POST, Takes::Vendor("password.set")))
        .op(set_of(Method::POST, Takes::Json))
        .op(Operation::new(
            Method::PUT,
            path(),
            Takes::Vendor("password.setValue"),
            writes,
            "Set or unset a password",
            set_value,
        )
        .request::<SetValueDraft>()
        .hal(shapes::password))
        .op(Operation::new(
            Method::PUT,
            path(),
            Takes::Vendor("password.reset"),
            writes,
            "Reset a password",
            reset,
        )
        .request::<ResetDraft>()
        .hal(shapes::password))
        .op(Operation::new(
            Method::POST,
            path(),
            Takes::Vendor("password.check"),
            writes,
            "Check a password",
            check,
        )
        .request::<CheckDraft>()
        .hal(shapes::password))
        .op(Operation::new(
            Method::POST,
            path(),
            Takes::Vendor("password.unlock"),
            writes,
            "Unlock a password",
            unlock,
        )
        .hal(shapes::password))
        .op(Operation::new(
            Method::POST,
            path(),
            Takes::Vendor("password.forceChange"),
            writes,
            "Demand another password",
            force_change,
        )
        .hal(shapes::password))
}

fn answer(call: &Call, state: &PasswordState) -> Reply {
    let api = call.exchange.origin.api();
    let user = hal::location(&call.exchange, &state.user);
    let environment = format!("{api}/environments/{}", state.user.environment);
    let mut links = Map::new();
    links.insert("self".into(), hal::href(format!("{user}/password")));
    links.insert("environment".into(), hal::href(&environment));
    links.insert("user".into(), hal::href(&user));
    for (relation, link) in state_links(&state.policy) {
        let url = match link {
            Link::Below(path) => format!("{user}{path}"),
            Link::Environment(path) => format!("{environment}{path}"),
            Link::Root(path) => format!("{api}{path}"),
        };
        links.insert(relation.into(), hal::href(url));
    }
    let now = call.app.now();
    let mut members = Map::new();
    members.insert(
        "environment".into(),
        json!({ "id": state.user.environment }),
    );
    members.extend(state_view(&state.user, &state.policy, &state.failures, now));
    if call.expands("passwordPolicy") {
        let policy = hal::object(&call.exchange, &*state.policy, now);
        members.insert("_embedded".into(), json!({ "passwordPolicy": policy }));
    }
    Reply::hal(StatusCode::OK, hal::with_links(links, members)).versioned(state.user.version)
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let state = password::state(&call.target::<User>()?).await?;
    Ok(answer(&call, &state))
}

async fn set(call: Call) -> Result<Reply, ApiError> {
    let wanted = schema::decode::<SetDraft>(call.json()?)?.wanted()?;
    let state = password::set(&call.target::<User>()?, Some(&wanted), Occasion::Set).await?;
    Ok(answer(&call, &state))
}

async fn set_value(call: Call) -> Result<Reply, ApiError> {
    let wanted = schema::decode::<SetValueDraft>(call.json()?)?.wanted()?;
    let target = call.target::<User>()?;
    let state = password::set(&target, wanted.as_ref(), Occasion::Set).await?;
    Ok(answer(&call, &state))
}

async fn reset(call: Call) -> Result<Reply, ApiError> {
    let wanted = schema::decode::<ResetDraft>(call.json()?)?.wanted()?;
    let state = password::set(&call.target::<User>()?, Some(&wanted), Occasion::Reset).await?;
    Ok(answer(&call, &state))
}

async fn check(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<CheckDraft>(call.json()?)?;
    let state = password::check(&call.target::<User>()?, &draft).await?;
    Ok(answer(&call, &state))
}

async fn unlock(call: Call) -> Result<Reply, ApiError> {
    let state = password::unlock(&call.target::<User>()?).await?;
    Ok(answer(&call, &state))
}

async fn force_change(call: Call) -> Result<Reply, ApiError> {
    let state = password::force_change(&call.target::<User>()?).await?;
    Ok(answer(&call, &state))
}
