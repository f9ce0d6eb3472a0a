//! The `OpenAPI` 3.1 document, from the list of operations.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::api::{Guard, Operation};

/// Describes every operation that can succeed. Operations that differ only by their media type share
/// an entry.
pub(crate) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    let offered = operations.iter().filter(|operation| operation.is_offered());
    for operation in offered {
        let request = operation
            .request
            .map(|schema| json!(schema(&mut generator)));
        let response = operation
            .response
            .map(|schema| json!(schema(&mut generator)));
        let entry = paths
            .entry(operation.path.clone())
            .or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        let Some(entry) = entry.as_object_mut() else {
            continue;
        };
        let described = entry
            .entry(method)
            .or_insert_with(|| described(operation, response));
        if let Some(media_type) = operation.takes.media_type() {
            let schema = request.unwrap_or_else(|| json!({ "type": "object" }));
            if let Some(content) = described
                .pointer_mut("/requestBody/content")
                .and_then(Value::as_object_mut)
            {
                content.insert(media_type, json!({ "schema": schema }));
            } else if let Some(described) = described.as_object_mut() {
                described.insert(
                    "requestBody".into(),
                    json!({ "content": { media_type: { "schema": schema } } }),
                );
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stepgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Management, authentication and flow operations of this server.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn described(operation: &Operation, response: Option<Value>) -> Value {
    let parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let mut success = json!({ "description": "Success" });
    if let (Some(schema), Some(success)) = (response, success.as_object_mut()) {
        success.insert(
            "content".into(),
            json!({ "application/json": { "schema": schema } }),
        );
    }
    let security = match operation.guard {
        Guard::Public => json!([]),
        Guard::Permission(_) | Guard::Token => json!([{ "accessToken": [] }]),
    };
    json!({
        "summary": operation.summary,
        "parameters": parameters,
        "responses": { operation.status.to_string(): success },
        "security": security,
    })
}
