//! The `OpenAPI` 3.1 document, from the list of operations.

mod answers;
mod examples;
mod names;
pub(crate) mod parameters;
pub(crate) mod protocol;
pub(crate) mod schemas;
pub(crate) mod shapes;

use std::collections::HashSet;

use axum::http::Method;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use self::names::Verb;
use crate::operation::{Guard, Operation, Shows, Takes};

pub(crate) use self::{answers::Body, parameters::Parameter};
pub(crate) use self::{
    names::{a, of_owner, words},
    schemas::SchemaOf,
};

const ABOUT: &str = "Management, authentication and flow operations of this server. Bodies named \
    `application/vnd.pingidentity.…+json` are told apart by that name alone.";

/// The rows of one path and method: they differ by the media type that they take.
struct Described<'a> {
    rows: Vec<&'a Operation>,
}

/// Describes every operation that can succeed.
pub(crate) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .with_transform(schemas::widely_read);
    let mut generator = settings.into_generator();
    let mut ids = HashSet::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in described(operations) {
        let row = operation.first();
        let entry = paths.entry(row.path.clone()).or_insert_with(|| json!({}));
        let method = row.method.as_str().to_ascii_lowercase();
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(method, operation.value(&mut generator, &mut ids));
        }
    }
    let responses = answers::errors(&mut generator);
    let mut schemas = generator.take_definitions(true);
    examples::add(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stepgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(operations),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": answers::headers(),
            "parameters": { "IfMatch": if_match() },
            "securitySchemes": {
                "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "clientSecret": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

/// Those that are offered, in their order, with those of the same path and method.
fn described(operations: &[Operation]) -> Vec<Described<'_>> {
    let mut all: Vec<Described<'_>> = Vec::new();
    for row in operations.iter().filter(|row| row.is_offered()) {
        let same = all.iter_mut().find(|known| {
            let first = known.first();
            first.path == row.path && first.method == row.method
        });
        match same {
            Some(known) => known.rows.push(row),
            None => all.push(Described { rows: vec![row] }),
        }
    }
    all
}

fn tags(operations: &[Operation]) -> Value {
    let mut tags: Vec<&str> = Vec::new();
    for tag in operations.iter().filter_map(|operation| operation.tag) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.into_iter().map(|tag| json!({ "name": tag })).collect()
}

fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` that the object must still have; else the answer is 412.",
        "schema": { "type": "string" },
    })
}

impl<'a> Described<'a> {
    fn first(&self) -> &'a Operation {
        // There is one: it is made with it.
        #[expect(clippy::indexing_slicing, reason = "never empty")]
        self.rows[0]
    }

    fn value(&self, generator: &mut SchemaGenerator, ids: &mut HashSet<String>) -> Value {
        let row = self.first();
        let mut described = json!({
            "operationId": self.id(ids),
            "tags": [row.tag.unwrap_or("Other")],
            "summary": self.summary(),
            "description": self.description(),
            "parameters": self.parameters(),
        });
        let members = described.as_object_mut();
        if let (Some(members), Some(body)) = (members, self.request_body(generator)) {
            members.insert("requestBody".to_owned(), body);
        }
        if let Some(members) = described.as_object_mut() {
            let answers = answers::of(&self.rows, generator);
            members.insert("responses".to_owned(), answers);
            members.insert("security".to_owned(), self.security());
        }
        described
    }

    /// The shorter of two names is the first one's.
    fn id(&self, ids: &mut HashSet<String>) -> String {
        let row = self.first();
        let verb = if self.rows.iter().any(|row| row.makes.is_some()) {
            Verb::Create
        } else if row.method == Method::GET && row.shows == Shows::Page {
            Verb::List
        } else {
            Verb::Other
        };
        let keeps = row.tag == Some("Environments");
        let name = |keeps| names::operation_id(&row.method, &row.path, verb, keeps);
        let short = name(keeps);
        let id = if ids.contains(&short) {
            name(true)
        } else {
            short
        };
        ids.insert(id.clone());
        id
    }

    /// What the rows do, each once.
    fn each<'s>(&'s self, of: impl Fn(&'s Operation) -> &'s str) -> Vec<&'s str> {
        let mut all = Vec::new();
        for row in &self.rows {
            let one = of(row);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    fn summary(&self) -> String {
        let summaries = self.each(|row| &row.summary);
        let mut summary = summaries.first().copied().unwrap_or_default().to_owned();
        for other in summaries.iter().skip(1) {
            let mut letters = other.chars();
            let first = letters.next().into_iter().flat_map(char::to_lowercase);
            summary += ", or ";
            summary.extend(first);
            summary += letters.as_str();
        }
        summary
    }

    fn description(&self) -> String {
        let mut lines = Vec::new();
        for row in &self.rows {
            let media_type = row.takes.media_type();
            if let Some(media_type) = media_type.filter(|_| self.rows.len() > 1) {
                lines.push(format!("* `{media_type}`: {}.", row.summary));
            }
        }
        let permissions = self.rows.iter().filter_map(|row| match row.guard {
            Guard::Permission(permission) => Some(permission),
            Guard::Token | Guard::Public => None,
        });
        if let Some(permission) = permissions.into_iter().next() {
            let ids: Vec<String> = permission.ids().map(|id| format!("`{id}`")).collect();
            lines.push(format!("Needs a role with {}.", ids.join(", ")));
        }
        for scope in self.each(|row| row.own_scope.unwrap_or_default()) {
            if !scope.is_empty() {
                lines.push(format!(
                    "Users may, of their own account, with scope `{scope}`."
                ));
            }
        }
        if lines.is_empty() {
            lines.push(format!("{}.", self.summary()));
        }
        lines.join("\n")
    }

    fn parameters(&self) -> Value {
        let row = self.first();
        let in_path = row
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = in_path
            .map(|name| {
                let schema = if name.ends_with("ID") {
                    schemas::id()
                } else {
                    json!({ "type": "string" })
                };
                json!({ "name": name, "in": "path", "required": true, "schema": schema })
            })
            .collect();
        parameters.extend(row.parameters.iter().map(Parameter::described));
        if self.is_guarded_write() {
            parameters.push(json!({ "$ref": "#/components/parameters/IfMatch" }));
        }
        parameters.into()
    }

    fn is_guarded_write(&self) -> bool {
        self.rows.iter().any(|row| answers::may_be_conditional(row))
    }

    fn request_body(&self, generator: &mut SchemaGenerator) -> Option<Value> {
        let mut content = Map::new();
        for row in &self.rows {
            if let Some(media_type) = row.takes.media_type() {
                let schema = match row.request {
                    Some(schema) => schema(generator),
                    None => schemas::nothing(generator),
                };
                content.insert(media_type, json!({ "schema": schema }));
            }
        }
        let is_required = self
            .rows
            .iter()
            .all(|row| row.request.is_some() && row.takes != Takes::FormOrNothing);
        (!content.is_empty()).then(|| json!({ "required": is_required, "content": content }))
    }

    fn security(&self) -> Value {
        let row = self.first();
        match (row.scheme, row.guard) {
            (Some("clientSecret"), _) => json!([{ "clientSecret": [] }, {}]),
            (None, Guard::Public) => json!([]),
            (Some(_), _) | (None, Guard::Permission(_) | Guard::Token) => {
                json!([{ "accessToken": [] }])
            }
        }
    }
}
