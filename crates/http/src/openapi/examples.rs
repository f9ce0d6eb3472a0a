//! One example of each named schema, made from the schema itself so that it always fits.

use serde_json::{Map, Value, json};

type Schemas = Map<String, Value>;

/// How deep an example goes: schemas may mention themselves.
const DEEPEST: usize = 16;

/// Gives every schema that has none an example.
pub(super) fn add(schemas: &mut Schemas) {
    let made: Vec<(String, Value)> = schemas
        .iter()
        .map(|(name, schema)| (name.clone(), of(schema, name, schemas, 0)))
        .collect();
    for (name, example) in made {
        if let Some(schema) = schemas.get_mut(&name).and_then(Value::as_object_mut) {
            schema.entry("examples").or_insert_with(|| json!([example]));
        }
    }
}

fn of(schema: &Value, name: &str, schemas: &Schemas, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(value) = given(schema) {
        return value;
    }
    let mut members = Map::new();
    for part in parts(schema, schemas) {
        match of(part, name, schemas, depth + 1) {
            Value::Object(more) => members.extend(more),
            simple if schema.get("properties").is_none() => return simple,
            _ => {}
        }
    }
    match type_of(schema) {
        "object" => {
            add_members(&mut members, schema, schemas, depth);
            members.into()
        }
        "array" => items(schema, name, schemas, depth),
        "boolean" => true.into(),
        "integer" | "number" => number(schema),
        "string" => text(schema, name).into(),
        _ if members.is_empty() => json!({}),
        _ => members.into(),
    }
}

/// What the schema says itself.
fn given(schema: &Value) -> Option<Value> {
    let first = |name: &str| schema.get(name)?.get(0).cloned();
    let constant = schema.get("const").cloned();
    let default = schema.get("default").filter(|it| !it.is_null()).cloned();
    constant.or_else(|| first("enum")).or(default)
}

/// The schemas that the value must fit as well: all of `allOf`, one of the others.
fn parts<'a>(schema: &'a Value, schemas: &'a Schemas) -> Vec<&'a Value> {
    let list = |name: &str| {
        let list = schema.get(name).and_then(Value::as_array);
        list.into_iter().flatten()
    };
    let reference = schema.get("$ref").and_then(Value::as_str);
    let named = reference
        .and_then(|it| it.strip_prefix("#/components/schemas/"))
        .and_then(|name| schemas.get(name));
    let chosen = |name| list(name).find(|it| it.get("type") != Some(&json!("null")));
    named
        .into_iter()
        .chain(list("allOf"))
        .chain(chosen("anyOf"))
        .chain(chosen("oneOf"))
        .collect()
}

fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::Array(types)) => types
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or_default(),
        Some(Value::String(name)) => name,
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

/// Those that are required; the others say little more.
fn add_members(members: &mut Map<String, Value>, schema: &Value, schemas: &Schemas, depth: usize) {
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if let Some(member) = schema.get("properties").and_then(|all| all.get(name)) {
            members.insert(name.to_owned(), of(member, name, schemas, depth + 1));
        }
    }
}

fn items(schema: &Value, name: &str, schemas: &Schemas, depth: usize) -> Value {
    let is_empty = schema.get("maxItems") == Some(&json!(0));
    match schema.get("items").filter(|_| !is_empty) {
        Some(item) => json!([of(item, name, schemas, depth + 1)]),
        None => json!([]),
    }
}

fn number(schema: &Value) -> Value {
    let minimum = schema.get("minimum").and_then(Value::as_i64);
    minimum.unwrap_or(1).max(1).into()
}

fn text(schema: &Value, name: &str) -> String {
    let format = schema.get("format").and_then(Value::as_str);
    match (format, name) {
        (Some("uuid"), _) => "0198c2a1-7c1e-4b54-9a3f-2d6d5b1f0e77",
        (Some("date-time"), _) => "2026-01-31T12:00:00.000Z",
        (Some("email"), _) | (_, "email") => "kim@example.com",
        (Some("iri"), _) | (_, "href" | "resumeUrl" | "issuer") => "https://id.example.com/",
        (_, "username") => "kim",
        (_, "phone" | "to") => "+4712345678",
        (_, "otp" | "code") => "123456",
        (_, "status") => "OK",
        (_, "message" | "description" | "text") => "Something that a person reads.",
        (_, "name" | "nickname" | "displayName") => "Example",
        _ => "text",
    }
    .to_owned()
}
