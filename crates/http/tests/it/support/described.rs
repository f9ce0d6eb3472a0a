//! Every answer of every test is held against the document that describes the API.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::{Method, Request};
use serde_json::{Map, Value, json};

use super::Answer;

static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::load);

struct Document {
    whole: Value,
    /// The schemas, without room for members that they do not name.
    schemas: Value,
    /// By the text of the schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// What was asked, as far as the description tells requests apart.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    is_overridden: bool,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            path: request.url().path().to_owned(),
            is_overridden: request.headers().contains_key("x-http-method-override"),
        }
    }

    /// Ends the test unless the description says that this may be answered.
    pub(crate) fn admits(&self, answer: &Answer) {
        let has_body = self.method != Method::HEAD && self.method != Method::OPTIONS;
        if has_body && !self.is_overridden {
            let faults = DOCUMENT.faults(self, answer);
            assert!(
                faults.is_empty(),
                "the description of the API does not admit this answer to {} {}: {}\n{} {}",
                self.method,
                self.path,
                faults.join("\n"),
                answer.status,
                answer.text,
            );
        }
    }
}

impl Document {
    fn load() -> Self {
        let document = stepgate_http::openapi();
        let mut schemas = document["components"]["schemas"].clone();
        let mut parts = HashSet::new();
        collect_parts(&schemas, &mut parts);
        for (name, schema) in schemas.as_object_mut().unwrap() {
            if parts.contains(&format!("#/components/schemas/{name}")) {
                close_below(schema);
            } else {
                close(schema);
            }
        }
        Self {
            whole: document,
            schemas,
            validators: Mutex::default(),
        }
    }

    fn faults(&self, asked: &Asked, answer: &Answer) -> Vec<String> {
        let operation = self
            .path(&asked.path)
            .and_then(|path| path.get(asked.method.as_str().to_lowercase()));
        let Some(operation) = operation else {
            let error = json!({ "anyOf": [
                { "$ref": "#/components/schemas/Error" },
                { "$ref": "#/components/schemas/OAuthError" },
            ] });
            return self.faults_of_body(&error, &answer.body);
        };
        let Some(response) = operation["responses"].get(answer.status.to_string()) else {
            return vec!["no such status".to_owned()];
        };
        let response = self.followed(response);
        let mut faults = self.missing_headers(response, answer);
        let Some(content) = response.get("content") else {
            if !answer.text.is_empty() {
                faults.push("no body is described".to_owned());
            }
            return faults;
        };
        let sent = answer.header("content-type").unwrap_or_default();
        let media_type = sent.split(';').next().unwrap_or_default();
        match content.get(media_type) {
            None if media_type.is_empty() && answer.text.is_empty() && answer.status == 302 => {}
            None => faults.push(format!("no such media type: {media_type:?}")),
            Some(described) if media_type.ends_with("json") => {
                faults.extend(self.faults_of_body(&described["schema"], &answer.body));
            }
            Some(_) => {}
        }
        faults
    }

    /// Of the paths that could be meant, the one that says most of it literally.
    fn path(&self, asked: &str) -> Option<&Value> {
        let asked: Vec<&str> = asked.split('/').collect();
        let paths = self.whole["paths"].as_object().unwrap();
        let matching = paths.iter().filter_map(|(template, path)| {
            let template: Vec<&str> = template.split('/').collect();
            let is_match = template.len() == asked.len()
                && template.iter().zip(&asked).all(|(wanted, segment)| {
                    wanted == segment || (wanted.starts_with('{') && !segment.is_empty())
                });
            let literal = template.iter().filter(|it| !it.starts_with('{')).count();
            is_match.then_some((literal, path))
        });
        matching
            .max_by_key(|(literal, _)| *literal)
            .map(|(_, path)| path)
    }

    fn followed<'a>(&'a self, described: &'a Value) -> &'a Value {
        match described["$ref"].as_str() {
            Some(reference) => self
                .whole
                .pointer(reference.strip_prefix('#').unwrap())
                .unwrap(),
            None => described,
        }
    }

    fn missing_headers(&self, response: &Value, answer: &Answer) -> Vec<String> {
        let headers = response["headers"].as_object().into_iter().flatten();
        headers
            .filter(|(name, described)| {
                self.followed(described)["required"] == true && answer.header(name).is_none()
            })
            .map(|(name, _)| format!("no header {name}"))
            .collect()
    }

    fn faults_of_body(&self, schema: &Value, body: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let faults = validator.iter_errors(body);
        faults
            .map(|fault| format!("at {:?}: {fault}", fault.instance_path().to_string()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let known = validators.entry(schema.to_string());
        let made = known.or_insert_with(|| {
            let mut root = schema.clone();
            root["components"] = json!({ "schemas": self.schemas });
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&root).unwrap())
        });
        made.clone()
    }
}

/// The schemas of parts of objects whose other members stand elsewhere.
fn collect_parts(schema: &Value, parts: &mut HashSet<String>) {
    if schema.get("properties").is_some() {
        let composing = COMPOSING.iter().filter_map(|name| schema[*name].as_array());
        for part in composing.flatten() {
            parts.extend(part["$ref"].as_str().map(str::to_owned));
        }
    }
    let below: Vec<&Value> = match schema {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    for one in below {
        collect_parts(one, parts);
    }
}

/// Leaves no room for members that the schema does not name.
fn close(schema: &mut Value) {
    let Value::Object(members) = schema else {
        return;
    };
    let has_properties = members.contains_key("properties");
    let is_composed = COMPOSING.iter().any(|name| members.contains_key(*name));
    if has_properties && !members.contains_key("additionalProperties") {
        let keyword = if is_composed {
            "unevaluatedProperties"
        } else {
            "additionalProperties"
        };
        members.insert(keyword.to_owned(), false.into());
    }
    for name in ["properties", "$defs"] {
        let below = members.get_mut(name).and_then(Value::as_object_mut);
        below.into_iter().flatten().for_each(|(_, it)| close(it));
    }
    for name in ["items", "additionalProperties"] {
        if let Some(below) = members.get_mut(name) {
            close(below);
        }
    }
    for name in COMPOSING {
        let below = members.get_mut(name).and_then(Value::as_array_mut);
        for one in below.into_iter().flatten() {
            if has_properties {
                close_below(one);
            } else {
                close(one);
            }
        }
    }
}

const COMPOSING: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Of one part of an object, whose other members stand elsewhere.
fn close_below(part: &mut Value) {
    let members: Option<&mut Map<String, Value>> =
        part.get_mut("properties").and_then(Value::as_object_mut);
    members.into_iter().flatten().for_each(|(_, it)| close(it));
    for name in COMPOSING {
        let below = part.get_mut(name).and_then(Value::as_array_mut);
        below.into_iter().flatten().for_each(close_below);
    }
}
