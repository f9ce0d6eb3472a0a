//! The secret of an application or of a custom resource.

use axum::http::{Method, StatusCode};
use serde_json::{Map, json};
use stepgate_app::client_secrets;
use stepgate_domain::{
    access::Permission,
    resource::Resource,
    resources::{
        api_resource::ApiResource,
        application::{
            Application,
            secret::{ClientSecrets, RotationDraft},
        },
    },
    schema,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::{Call, parameter},
    crud::one,
    error::management::ApiError,
    hal,
    openapi::{a, shapes},
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    api.tagged("Applications", secret_of::<Application>)
        .tagged("Resources", secret_of::<ApiResource>)
}

fn secret_of<R: Resource>(api: Api) -> Api {
    let path = format!("{}/secret", one(R::KIND));
    let guard = Guard::Permission(Permission::secret(R::KIND.area));
    let summary = |verb: &str| format!("{verb} the secret of {}", a(R::KIND.name));
    api.op(Operation::new(
        Method::GET,
        path.clone(),
        Takes::Nothing,
        guard,
        summary("Read"),
        read::<R>,
    )
    .hal(shapes::secret))
        .op(Operation::new(
            Method::POST,
            path.clone(),
            Takes::Json,
            guard,
            summary("Rotate"),
            rotate::<R>,
        )
        .request::<RotationDraft>()
        .hal(shapes::secret)
        .status(200))
        .op(Operation::new(
            Method::DELETE,
            path,
            Takes::Nothing,
            guard,
            summary("Drop the previous value of"),
            drop_previous::<R>,
        ))
}

fn answer<R: Resource>(
    call: &Call,
    (secrets, version): &(ClientSecrets, i64),
) -> Result<Reply, ApiError> {
    let environment = call.environment()?;
    let base = format!("{}/environments/{environment}", call.exchange.origin.api());
    let owner = format!(
        "{base}/{}/{}",
        R::KIND.collection,
        call.id::<R>(&parameter(R::KIND))?
    );
    let mut links = Map::new();
    links.insert("self".into(), hal::href(format!("{owner}/secret")));
    links.insert(R::KIND.name.into(), hal::href(owner));
    links.insert("environment".into(), hal::href(base));
    let mut members = Map::new();
    members.insert("environment".into(), json!({ "id": environment }));
    members.append(&mut secrets.view(call.app.now()));
    Ok(Reply::hal(StatusCode::OK, hal::with_links(links, members)).versioned(*version))
}

async fn read<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    let secrets = client_secrets::read::<R>(&call.target::<R>()?).await?;
    answer::<R>(&call, &secrets)
}

async fn rotate<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<RotationDraft>(call.json()?)?;
    let secrets = client_secrets::rotate::<R>(&call.target::<R>()?, draft).await?;
    answer::<R>(&call, &secrets)
}

async fn drop_previous<R: Resource>(call: Call) -> Result<Reply, ApiError> {
    client_secrets::drop_previous::<R>(&call.target::<R>()?).await?;
    Ok(Reply::no_content())
}
