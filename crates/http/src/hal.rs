//! HAL: objects with links, and pages of them.

use serde_json::{Map, Value, json};
use stepgate_domain::{
    resource::{Kind, Link, Resource, Scope, Stored},
    time::Timestamp,
};
use uuid::Uuid;

use crate::exchange::Exchange;

/// `{"href": …}`
pub(crate) fn href(url: impl Into<String>) -> Value {
    json!({ "href": url.into() })
}

/// The collection of a kind, below `/v1`.
fn collection_path(kind: &Kind, environment: Uuid, parent: Option<Uuid>) -> String {
    let base = match kind.scope {
        Scope::Organization => String::new(),
        Scope::Environment => format!("/environments/{environment}"),
    };
    match (kind.parent.filter(|_| kind.nested), parent) {
        (Some(owner), Some(parent)) => {
            format!("{base}/{}/{parent}/{}", owner.collection, kind.collection)
        }
        _ => format!("{base}/{}", kind.collection),
    }
}

/// Where one object is, as an absolute URL.
pub(crate) fn location<R: Resource>(exchange: &Exchange, stored: &Stored<R>) -> String {
    let path = collection_path(R::KIND, stored.environment.uuid(), stored.parent);
    format!("{}{path}/{}", exchange.origin.api(), stored.id)
}

/// The object as clients see it.
pub(crate) fn object<R: Resource>(
    exchange: &Exchange,
    stored: &Stored<R>,
    now: Timestamp,
) -> Value {
    object_of(exchange, stored, R::view(stored, now))
}

/// The object with these members of its own.
pub(crate) fn object_of<R: Resource>(
    exchange: &Exchange,
    stored: &Stored<R>,
    mut own_members: Map<String, Value>,
) -> Value {
    let api = exchange.origin.api();
    let own = location(exchange, stored);
    let mut links = Map::new();
    links.insert("self".into(), href(&own));
    let mut members = Map::new();
    members.insert("id".into(), stored.id.to_string().into());
    if R::KIND.scope == Scope::Environment {
        let environment = format!("{api}/environments/{}", stored.environment);
        links.insert("environment".into(), href(&environment));
        members.insert("environment".into(), json!({ "id": stored.environment }));
    }
    if let (Some(owner), Some(parent)) = (R::KIND.parent, stored.parent) {
        let path = collection_path(owner, stored.environment.uuid(), None);
        links.insert(owner.name.into(), href(format!("{api}{path}/{parent}")));
        members.insert(owner.name.into(), json!({ "id": parent.to_string() }));
    }
    for (relation, link) in R::links(stored) {
        let url = match link {
            Link::Below(path) => format!("{own}{path}"),
            Link::Environment(path) => format!("{api}/environments/{}{path}", stored.environment),
            Link::Root(path) => format!("{api}{path}"),
        };
        links.insert(relation.into(), href(url));
    }
    members.append(&mut own_members);
    members.insert("createdAt".into(), stored.created_at.to_string().into());
    members.insert("updatedAt".into(), stored.updated_at.to_string().into());
    with_links(links, members)
}

/// `_links` first, as the platform writes it.
pub(crate) fn with_links(links: Map<String, Value>, mut members: Map<String, Value>) -> Value {
    let mut object = Map::new();
    object.insert("_links".into(), Value::Object(links));
    object.append(&mut members);
    Value::Object(object)
}

/// One page of a collection.
pub(crate) struct Collection {
    pub(crate) name: &'static str,
    pub(crate) items: Vec<Value>,
    pub(crate) count: Option<u64>,
    /// The URL of this page.
    pub(crate) own: String,
    /// The URL of the next one.
    pub(crate) next: Option<String>,
}

pub(crate) fn collection(page: Collection) -> Value {
    let mut links = Map::new();
    links.insert("self".into(), href(page.own));
    if let Some(next) = page.next {
        links.insert("next".into(), href(next));
    }
    let size = page.items.len();
    let mut members = Map::new();
    members.insert("_embedded".into(), json!({ page.name: page.items }));
    if let Some(count) = page.count {
        members.insert("count".into(), count.into());
    }
    members.insert("size".into(), size.into());
    with_links(links, members)
}

/// The URL of a collection with its query.
pub(crate) fn collection_url(
    exchange: &Exchange,
    kind: &Kind,
    environment: Uuid,
    parent: Option<Uuid>,
    query: &[(String, String)],
) -> String {
    let path = collection_path(kind, environment, parent);
    format!("{}{path}{}", exchange.origin.api(), self::query(query))
}

/// `?limit=2`, or nothing.
pub(crate) fn query(query: &[(String, String)]) -> String {
    if query.is_empty() {
        return String::new();
    }
    let start = "?".to_owned();
    let start_position = start.len();
    form_urlencoded::Serializer::for_suffix(start, start_position)
        .extend_pairs(query)
        .finish()
}
