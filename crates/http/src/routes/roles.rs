//! Built-in roles, and their assignment to applications and users.

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use stepgate_app::{error::ManagementError, role_assignments};
use stepgate_domain::{
    access::{Area, Permission, Role},
    resource::{FilterAttribute, FilterSource, Resource},
    resources::{
        application::Application,
        role_assignment::{Holder, RoleAssignment},
        user::User,
    },
    scim::Operator,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    crud::{self, many, one, read_only},
    error::management::ApiError,
    guard::writes,
    hal,
    openapi::{a, parameters::filter, shapes},
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let within = Guard::Permission(Permission::read(Area::Role));
    api.op(Operation::new(
        Method::GET,
        "/v1/roles",
        Takes::Nothing,
        Guard::Token,
        "List roles",
        list,
    )
    .page(shapes::roles)
    .parameters([filter(FILTER)]))
        .op(Operation::new(
            Method::GET,
            "/v1/roles/{roleID}",
            Takes::Nothing,
            Guard::Token,
            "Read a role",
            read,
        )
        .hal(shapes::role))
        .op(Operation::new(
            Method::GET,
            "/v1/environments/{environmentID}/roles",
            Takes::Nothing,
            within,
            "List the roles of an environment",
            list,
        )
        .page(shapes::roles)
        .parameters([filter(FILTER)]))
        .op(Operation::new(
            Method::GET,
            "/v1/environments/{environmentID}/roles/{roleID}",
            Takes::Nothing,
            within,
            "Read a role of an environment",
            read,
        )
        .hal(shapes::role))
        .then(assignments_of::<Application>)
        .then(assignments_of::<User>)
}

/// The same of every holder. An assignment is not changed but withdrawn.
fn assignments_of<H: Holder>(api: Api) -> Api {
    let kind = RoleAssignment::<H>::KIND;
    let owner = kind.parent.map_or_else(String::new, |owner| a(owner.name));
    api.then(read_only::<RoleAssignment<H>>)
        .op(Operation::new(
            Method::POST,
            many(kind),
            Takes::Json,
            writes(kind),
            format!("Assign a role to {owner}"),
            assign::<H>,
        )
        .draft::<RoleAssignment<H>>()
        .response::<RoleAssignment<H>>())
        .op(Operation::new(
            Method::DELETE,
            one(kind),
            Takes::Nothing,
            writes(kind),
            format!("Withdraw a role from {owner}"),
            crud::remove::<RoleAssignment<H>>,
        ))
}

async fn assign<H: Holder>(call: Call) -> Result<Reply, ApiError> {
    let place = call.place_of_new::<RoleAssignment<H>>()?;
    let (caller, body) = (call.caller()?, call.json()?);
    let stored = role_assignments::create::<H>(&call.app, caller, place, body).await?;
    let reply = crud::object(&call, StatusCode::CREATED, &stored);
    Ok(reply.with(header::LOCATION, &hal::location(&call.exchange, &stored)))
}

fn shown(call: &Call, role: Role) -> Value {
    let mut links = Map::new();
    links.insert(
        "self".into(),
        hal::href(format!(
            "{}/roles/{}",
            call.exchange.origin.api(),
            role.id()
        )),
    );
    let applicable: Vec<&str> = role
        .applicable_to()
        .iter()
        .map(|scope| scope.as_str())
        .collect();
    let permissions: Vec<Value> = role
        .permissions()
        .flat_map(Permission::ids)
        .map(|id| {
            json!({ "id": id.to_string(), "classifier": id.classifier, "description": id.to_string() })
        })
        .collect();
    let can_assign: Vec<Value> = role
        .can_assign()
        .iter()
        .map(|other| json!({ "id": other.id().to_string() }))
        .collect();
    let members = json!({
        "id": role.id().to_string(),
        "name": role.name(),
        "description": role.name(),
        "type": TYPE,
        "applicableTo": applicable,
        "permissions": permissions,
        "canAssign": can_assign,
    });
    match members {
        Value::Object(members) => hal::with_links(links, members),
        other => other,
    }
}

/// All roles are the platform's: roles of an environment's own are not offered.
const TYPE: &str = "PLATFORM";
const FILTER: &[FilterAttribute] = &[FilterAttribute {
    name: "type",
    operators: &[Operator::Eq],
    source: FilterSource::Term,
}];

async fn list(call: Call) -> Result<Reply, ApiError> {
    let filter = crud::filter(&call, FILTER)?;
    let is_found = filter.is_none_or(|filter| {
        filter.matches(&|attribute: &str| match attribute {
            "type" => vec![TYPE.to_lowercase()],
            _ => Vec::new(),
        })
    });
    let items: Vec<Value> = Role::ALL
        .into_iter()
        .filter(|_| is_found)
        .map(|role| shown(&call, role))
        .collect();
    let mut own = match call.params.get("environmentID") {
        Some(environment) => format!(
            "{}/environments/{environment}/roles",
            call.exchange.origin.api()
        ),
        None => format!("{}/roles", call.exchange.origin.api()),
    };
    // There is one page, whatever is asked for.
    let mut query = call.query.clone();
    query.retain(|(name, _)| name != "limit" && name != "cursor");
    own.push_str(&hal::query(&query));
    let count = u64::try_from(items.len()).ok();
    Ok(Reply::hal(
        StatusCode::OK,
        hal::collection(hal::Collection {
            name: "roles",
            items,
            count,
            own,
            next: None,
        }),
    ))
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let id = call.id::<Role>("roleID")?;
    let role = Role::from_id(id.uuid()).ok_or(ManagementError::NotFound(None))?;
    Ok(Reply::unchanging(shown(&call, role)))
}
