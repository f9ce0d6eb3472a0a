//! Environments: plain changes by the one mechanism, birth and death by their own use cases.

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value};
use stepgate_app::{error::ManagementError, management, provisioning};
use stepgate_domain::{
    access::{Access, Permission},
    resource::{Resource, Stored},
    resources::environment::{
        Environment, StatusDraft, TypeDraft,
        bill_of_materials::{BillOfMaterials, BillOfMaterialsDraft},
    },
    schema,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    crud::{self, many, one},
    error::management::ApiError,
    exchange::Exchange,
    guard::{reads, writes},
    hal,
    openapi::shapes,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let kind = Environment::KIND;
    let (many, one) = (many(kind), one(kind));
    let below = |path: &str| format!("{one}{path}");
    api.op(Operation::new(
        Method::GET,
        many.clone(),
        Takes::Nothing,
        Guard::Token,
        "List environments",
        list,
    )
    .lists::<Environment>()
    .expands("billOfMaterials"))
        .op(Operation::new(
            Method::POST,
            many,
            Takes::Json,
            Guard::Permission(Permission::write(kind.area)),
            "Create an environment",
            create,
        )
        .draft::<Environment>()
        .response::<Environment>())
        .op(Operation::new(
            Method::GET,
            one.clone(),
            Takes::Nothing,
            reads(kind),
            "Read an environment",
            read,
        )
        .response::<Environment>()
        .expands("billOfMaterials"))
        .op(Operation::new(
            Method::PUT,
            one.clone(),
            Takes::Json,
            writes(kind),
            "Replace an environment",
            crud::replace::<Environment>,
        )
        .draft::<Environment>()
        .response::<Environment>())
        .op(Operation::new(
            Method::DELETE,
            one.clone(),
            Takes::Nothing,
            writes(kind),
            "Delete an environment",
            remove,
        ))
        .op(Operation::new(
            Method::PUT,
            below("/type"),
            Takes::Json,
            writes(kind),
            "Change the type of an environment",
            set_type,
        )
        .request::<TypeDraft>()
        .response::<Environment>())
        .op(Operation::new(
            Method::PUT,
            below("/status"),
            Takes::Json,
            writes(kind),
            "Change the status of an environment",
            set_status,
        )
        .request::<StatusDraft>()
        .response::<Environment>())
        .op(Operation::new(
            Method::GET,
            below("/billOfMaterials"),
            Takes::Nothing,
            reads(kind),
            "Read a bill of materials",
            read_bill,
        )
        .hal(shapes::bill_of_materials))
        .op(Operation::new(
            Method::PUT,
            below("/billOfMaterials"),
            Takes::Json,
            writes(kind),
            "Replace a bill of materials",
            replace_bill,
        )
        .request::<BillOfMaterialsDraft>()
        .hal(shapes::bill_of_materials))
}

/// A caller without a role on the organization sees the environments in which it has one.
async fn list(mut call: Call) -> Result<Reply, ApiError> {
    if let Some(caller) = &mut call.caller {
        caller.access = Access::Read;
        caller.reach = management::environments_within_reach(&caller.actor);
    }
    let expand = call.expands("billOfMaterials");
    crud::list_with::<Environment>(call, move |exchange, stored, now| {
        if expand {
            expanded(exchange, stored)
        } else {
            hal::object(exchange, stored, now)
        }
    })
    .await
}

fn expanded(exchange: &Exchange, stored: &Stored<Environment>) -> Value {
    hal::object_of(exchange, stored, Environment::expanded(stored))
}

async fn create(call: Call) -> Result<Reply, ApiError> {
    call.place_of_new::<Environment>()?;
    let stored = provisioning::create_environment(&call.app, call.caller()?, call.json()?).await?;
    let body = expanded(&call.exchange, &stored);
    Ok(Reply::hal(StatusCode::CREATED, body)
        .versioned(stored.version)
        .with(header::LOCATION, &hal::location(&call.exchange, &stored)))
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let stored = stored(&call).await?;
    let now = call.app.now();
    let expand = call.expands("billOfMaterials");
    let body = if expand {
        expanded(&call.exchange, &stored)
    } else {
        hal::object(&call.exchange, &stored, now)
    };
    Ok(Reply::hal(StatusCode::OK, body).versioned(stored.version))
}

async fn stored(call: &Call) -> Result<Stored<Environment>, ApiError> {
    Ok(management::read(&call.target::<Environment>()?).await?)
}

async fn remove(call: Call) -> Result<Reply, ApiError> {
    provisioning::delete_environment(&call.target::<Environment>()?).await?;
    Ok(Reply::no_content())
}

async fn changed(
    call: &Call,
    rule: impl Fn(Environment) -> Result<Environment, ManagementError> + Send + Sync,
) -> Result<Stored<Environment>, ApiError> {
    let target = call.target::<Environment>()?;
    Ok(management::change_with(&target, Vec::new(), |environment, _| rule(environment)).await?)
}

async fn set_type(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<TypeDraft>(call.json()?)?;
    let stored = changed(&call, |environment| Ok(environment.with_type(draft))).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn set_status(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<StatusDraft>(call.json()?)?;
    let stored = provisioning::set_status(&call.target::<Environment>()?, draft).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

fn bill(call: &Call, stored: &Stored<Environment>) -> Result<Reply, ApiError> {
    let environment = hal::location(&call.exchange, stored);
    let mut links = Map::new();
    links.insert(
        "self".into(),
        hal::href(format!("{environment}/billOfMaterials")),
    );
    links.insert("environment".into(), hal::href(environment));
    let members = match serde_json::to_value(&*stored.body.bill_of_materials)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Ok(Reply::hal(StatusCode::OK, hal::with_links(links, members)).versioned(stored.version))
}

async fn read_bill(call: Call) -> Result<Reply, ApiError> {
    let stored = stored(&call).await?;
    bill(&call, &stored)
}

async fn replace_bill(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<BillOfMaterialsDraft>(call.json()?)?;
    let now = call.app.now();
    let stored = changed(&call, |environment| {
        let entropy = &mut stepgate_app::random::SystemRandom;
        let bill = BillOfMaterials::build(
            draft.clone(),
            Some(&environment.bill_of_materials),
            now,
            entropy,
        )?;
        Ok(Environment {
            bill_of_materials: bill.into(),
            ..environment
        })
    })
    .await?;
    bill(&call, &stored)
}
