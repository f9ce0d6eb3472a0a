//! What is answered: by success, and by each error that an operation can give.

use axum::http::Method;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::schemas::{SchemaOf, error, oauth_error};
use crate::{
    error::ErrorForm,
    operation::{Guard, Operation, Shows, Takes},
};

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    Nothing,
    /// HAL, or plain JSON for clients that ask for it.
    Hal(SchemaOf),
    Json(SchemaOf),
    /// Of this media type.
    Text(&'static str),
}

/// An error by its status: the name of its description, and what it says.
const ERRORS: [(u16, &str, &str); 12] = [
    (
        400,
        "BadRequest",
        "The request is wrong; `details` says where.",
    ),
    (401, "Unauthorized", "There is no valid proof of who asks."),
    (403, "Forbidden", "The caller may not do this."),
    (404, "NotFound", "There is no such thing."),
    (408, "Late", "The body did not arrive in time."),
    (
        412,
        "PreconditionFailed",
        "The object has another version than `If-Match` names.",
    ),
    (413, "TooLarge", "The body is too large."),
    (
        415,
        "UnsupportedMediaType",
        "No operation here takes this media type.",
    ),
    (
        421,
        "Misdirected",
        "This server does not answer for the requested host.",
    ),
    (
        429,
        "Limited",
        "This was asked for too often; `Retry-After` says when again.",
    ),
    (500, "Unexpected", "A fault of this server."),
    (
        503,
        "Unavailable",
        "This server cannot do this now; `Retry-After` says when again.",
    ),
];

/// Whether the operation looks at `If-Match`.
pub(super) fn may_be_conditional(row: &Operation) -> bool {
    row.guard != Guard::Public && row.method != Method::GET
}

fn can_fail_with(row: &Operation, status: u16) -> bool {
    let is_guarded = row.guard != Guard::Public;
    match status {
        401 | 403 => is_guarded || row.errors == ErrorForm::OAuth || row.is_limited,
        408 | 413 | 415 => row.takes != Takes::Nothing,
        412 => may_be_conditional(row),
        429 => row.is_limited,
        _ => true,
    }
}

const fn prefix(form: ErrorForm) -> &'static str {
    match form {
        ErrorForm::Platform => "",
        ErrorForm::OAuth => "OAuth",
        ErrorForm::Page => "Page",
    }
}

/// The answers of the rows of one path and method.
pub(super) fn of(rows: &[&Operation], generator: &mut SchemaGenerator) -> Value {
    let mut answers: Map<String, Value> = Map::new();
    for row in rows {
        add(&mut answers, row, (row.status, row.body), generator);
        for &other in &row.others {
            add(&mut answers, row, other, generator);
        }
    }
    for (status, name, _) in ERRORS {
        if let Some(row) = rows.iter().find(|row| can_fail_with(row, status)) {
            let reference = format!("#/components/responses/{}{name}", prefix(row.errors));
            answers
                .entry(status.to_string())
                .or_insert_with(|| json!({ "$ref": reference }));
        }
    }
    answers.into()
}

/// Adds one answer; of two with the same status each may be given.
fn add(
    answers: &mut Map<String, Value>,
    row: &Operation,
    (status, body): (u16, Body),
    generator: &mut SchemaGenerator,
) {
    let answer = answers.entry(status.to_string()).or_insert_with(
        || json!({ "description": meaning(status), "headers": headers_of(row, status) }),
    );
    let media_types: &[&str] = match body {
        Body::Nothing => &[],
        Body::Hal(_) => &["application/hal+json", "application/json"],
        Body::Json(_) => &["application/json"],
        Body::Text(media_type) => &[media_type],
    };
    let Some(answer) = answer.as_object_mut() else {
        return;
    };
    for &media_type in media_types {
        let schema: Value = match body {
            Body::Hal(schema) | Body::Json(schema) => schema(generator).into(),
            Body::Nothing | Body::Text(_) => json!({ "type": "string" }),
        };
        let content = answer.entry("content").or_insert_with(|| json!({}));
        let Some(content) = content.as_object_mut() else {
            return;
        };
        let known = content
            .entry(media_type)
            .or_insert_with(|| json!({ "schema": schema }));
        if let Some(known) = known.get_mut("schema").filter(|known| **known != schema) {
            *known = either(known.take(), schema);
        }
    }
}

fn either(one: Value, other: Value) -> Value {
    let mut all = match one.get("anyOf") {
        Some(Value::Array(all)) => all.clone(),
        _ => vec![one],
    };
    if !all.contains(&other) {
        all.push(other);
    }
    json!({ "anyOf": all })
}

const fn meaning(status: u16) -> &'static str {
    match status {
        201 => "It is made.",
        204 => "It is done, and there is nothing to say.",
        302 => "The browser goes on to `Location`.",
        303 => "The browser gets the page at `Location`.",
        400..500 => "Not done; the page says why.",
        500.. => "Not ready; the body says why.",
        _ => "Success.",
    }
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn headers_of(row: &Operation, status: u16) -> Value {
    let mut headers = json!({ "Correlation-Id": header("CorrelationId") });
    if let Some(headers) = headers.as_object_mut() {
        if row.shows == Shows::Object && status < 300 {
            headers.insert("ETag".to_owned(), header("ETag"));
        }
        if matches!(status, 201 | 302 | 303) {
            headers.insert("Location".to_owned(), header("Location"));
        }
    }
    headers
}

pub(super) fn headers() -> Value {
    let text = |about: &str, is_required: bool| json!({ "description": about, "required": is_required, "schema": { "type": "string" } });
    json!({
        "CorrelationId": {
            "description": "By what the request is found in logs and in the audit trail.",
            "required": true,
            "schema": { "type": "string", "format": "uuid" },
        },
        "ETag": text("The version of the object, for `If-Match`.", true),
        "Location": text("Where the object, or what comes next, is.", true),
        "RetryAfter": {
            "description": "After how many seconds the request may be tried again.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WwwAuthenticate": text("How callers prove who they are (RFC 6750 §3).", false),
    })
}

/// The descriptions of errors, in each form.
pub(super) fn errors(generator: &mut SchemaGenerator) -> Value {
    let envelope: Value = error(generator).into();
    let of_oauth: Value = oauth_error(generator).into();
    let mut all = Map::new();
    for form in [ErrorForm::Platform, ErrorForm::OAuth, ErrorForm::Page] {
        for (status, name, about) in ERRORS {
            let schema = match form {
                ErrorForm::Platform => envelope.clone(),
                ErrorForm::OAuth | ErrorForm::Page => json!({ "anyOf": [of_oauth, envelope] }),
            };
            let mut content = json!({ "application/json": { "schema": schema } });
            if let Some(content) = content.as_object_mut().filter(|_| form == ErrorForm::Page) {
                let page = json!({ "schema": { "type": "string" } });
                content.insert("text/html".to_owned(), page);
            }
            let answer = json!({
                "description": about,
                "headers": headers_of_error(status),
                "content": content,
            });
            all.insert(format!("{}{name}", prefix(form)), answer);
        }
    }
    all.into()
}

fn headers_of_error(status: u16) -> Value {
    let mut headers = json!({ "Correlation-Id": header("CorrelationId") });
    let more = match status {
        401 => Some(("WWW-Authenticate", "WwwAuthenticate")),
        429 | 503 => Some(("Retry-After", "RetryAfter")),
        _ => None,
    };
    if let (Some(headers), Some((name, described))) = (headers.as_object_mut(), more) {
        headers.insert(name.to_owned(), header(described));
    }
    headers
}
