//! Notification templates and their predefined contents: read, not changed.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use stepgate_app::{error::ManagementError, management};
use stepgate_domain::{
    access::{Area, Permission},
    resource::Stored,
    resources::{
        environment::Environment,
        template::{TEMPLATES, Template},
    },
    violation::{Violation, ViolationCode},
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::management::ApiError,
    hal,
    openapi::{parameters::paging, shapes},
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let path = |below: &str| format!("/v1/environments/{{environmentID}}/templates{below}");
    let reads = Guard::Permission(Permission::read(Area::Notification));
    api.op(Operation::new(
        Method::GET,
        path(""),
        Takes::Nothing,
        reads,
        "List notification templates",
        list,
    )
    .page(shapes::templates)
    .parameters(paging(100)))
        .op(Operation::new(
            Method::GET,
            path("/{templateName}"),
            Takes::Nothing,
            reads,
            "Read a notification template",
            read,
        )
        .hal(shapes::template))
        .op(Operation::new(
            Method::GET,
            path("/{templateName}/contents"),
            Takes::Nothing,
            reads,
            "List the contents of a notification template",
            list_contents,
        )
        .page(shapes::template_contents)
        .parameters(paging(100)))
        .op(Operation::new(
            Method::GET,
            path("/{templateName}/contents/{contentID}"),
            Takes::Nothing,
            reads,
            "Read a content of a notification template",
            read_content,
        )
        .hal(shapes::template_content))
}

/// Templates are as old as their environment.
async fn environment(call: &Call) -> Result<std::sync::Arc<Stored<Environment>>, ApiError> {
    let id = call.environment()?.uuid();
    let found = management::cached::<Environment>(&call.app, id, id).await?;
    found.ok_or_else(|| ManagementError::NotFound(None).into())
}

fn template(call: &Call) -> Result<&'static Template, ApiError> {
    let name = call.params.get("templateName").map(String::as_str);
    name.and_then(Template::named)
        .ok_or_else(|| ManagementError::NotFound(None).into())
}

fn base(call: &Call, environment: &Stored<Environment>) -> String {
    let api = call.exchange.origin.api();
    format!("{api}/environments/{}", environment.id)
}

/// The object with its links and its environment.
fn shown(
    environment: &Stored<Environment>,
    links: &[(&str, String)],
    mut own: Map<String, Value>,
) -> Value {
    let links = links
        .iter()
        .map(|(relation, url)| ((*relation).to_owned(), hal::href(url)))
        .collect();
    let mut members = Map::new();
    members.insert("environment".into(), json!({ "id": environment.id }));
    members.append(&mut own);
    hal::with_links(links, members)
}

fn shown_template(call: &Call, environment: &Stored<Environment>, template: &Template) -> Value {
    let base = base(call, environment);
    let own = format!("{base}/templates/{}", template.name);
    let links = [
        ("contents", format!("{own}/contents")),
        ("self", own),
        ("environment", base),
    ];
    shown(environment, &links, template.view(environment.created_at))
}

/// A page of a fixed list: at most `limit` items, after the one that the cursor names.
fn page(call: &Call, name: &'static str, path: &str, items: Vec<Value>) -> Result<Reply, ApiError> {
    if call.query_value("filter").is_some() {
        let message = "Invalid Filter: no attribute is supported here";
        let fault = Violation::new(ViolationCode::InvalidFilter, "filter", message)
            .with(json!({ "supportedAttributes": [] }));
        return Err(ApiError::InvalidRequest(vec![fault]));
    }
    let count = items.len();
    let start = match call.query_value("cursor") {
        None => 0,
        Some(cursor) => items
            .iter()
            .position(|item| item.get("id").and_then(Value::as_str) == Some(cursor))
            .map(|position| position + 1)
            .ok_or_else(ManagementError::bad_cursor)?,
    };
    let limit = call
        .limit(100)?
        .map_or(count, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let items: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    let url = |query: &[(String, String)]| format!("{path}{}", hal::query(query));
    let last = items.last().and_then(|item| item.get("id")?.as_str());
    let next = last.filter(|_| start + items.len() < count).map(|last| {
        let mut query = call.query.clone();
        query.retain(|(name, _)| name != "cursor");
        query.push(("cursor".to_owned(), last.to_owned()));
        url(&query)
    });
    let page = hal::Collection {
        name,
        items,
        count: u64::try_from(count).ok(),
        own: url(&call.query),
        next,
    };
    Ok(Reply::hal(StatusCode::OK, hal::collection(page)))
}

async fn list(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let items = TEMPLATES
        .into_iter()
        .map(|template| shown_template(&call, &environment, template))
        .collect();
    let path = format!("{}/templates", base(&call, &environment));
    page(&call, "templates", &path, items)
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let body = shown_template(&call, &environment, template(&call)?);
    Ok(Reply::unchanging(body))
}

fn shown_content(
    call: &Call,
    environment: &Stored<Environment>,
    template: &Template,
    content: &stepgate_domain::resources::template::Content,
) -> Value {
    let base = base(call, environment);
    let of = format!("{base}/templates/{}", template.name);
    let own = format!("{of}/contents/{}", content.id(environment.id));
    let links = [("self", own), ("environment", base), ("template", of)];
    let view = content.view(environment.id, environment.created_at);
    shown(environment, &links, view)
}

async fn list_contents(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let template = template(&call)?;
    let items = template
        .contents()
        .iter()
        .map(|content| shown_content(&call, &environment, template, content))
        .collect();
    let base = base(&call, &environment);
    let path = format!("{base}/templates/{}/contents", template.name);
    page(&call, "contents", &path, items)
}

async fn read_content(call: Call) -> Result<Reply, ApiError> {
    let environment = environment(&call).await?;
    let template = template(&call)?;
    let id = call.id::<()>("contentID")?.uuid();
    let content = template
        .content(environment.id, id)
        .ok_or(ManagementError::NotFound(None))?;
    let body = shown_content(&call, &environment, template, content);
    Ok(Reply::unchanging(body))
}
