//! The document that describes the API, and the copy of it that is kept with the sources.

use std::collections::HashSet;

use serde_json::Value;

const KEPT: &str = include_str!("../../../../../docs/openapi.json");

/// Every operation of the document, with its path and method.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let kept: Value = serde_json::from_str(KEPT).unwrap();
    let made = stepgate_http::openapi();
    assert!(
        kept == made,
        "docs/openapi.json is not what the operations say; write it anew with `just openapi`, \
         and read the difference"
    );
}

#[test]
fn every_operation_has_an_id_a_heading_and_a_title() {
    let document = stepgate_http::openapi();
    let mut ids = HashSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let is_camel = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.chars().all(|letter| letter.is_ascii_alphanumeric());
        assert!(is_camel, "{name}: {id}");
        assert!(ids.insert(id), "{name}: {id} is another's");
        let tag = &operation["tags"][0];
        let tags = document["tags"].as_array().unwrap();
        assert!(tags.iter().any(|known| known["name"] == *tag), "{name}");
        let title = operation["summary"].as_str().unwrap();
        assert!(!title.contains(" a a") && !title.contains('{'), "{title}");
    }
}

/// By the schemas that operations mention.
#[test]
fn every_schema_has_an_example_that_fits() {
    let document = stepgate_http::openapi();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut root = schema.clone();
        root["components"] = serde_json::json!({ "schemas": document["components"]["schemas"] });
        let validator = jsonschema::draft202012::new(&root).unwrap();
        let fault = validator.validate(&schema["examples"][0]).err();
        assert!(fault.is_none(), "{name}: {fault:?}");
    }
}

#[test]
fn every_operation_says_what_it_answers() {
    let document = stepgate_http::openapi();
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        for (status, answer) in answers {
            let is_described = matches!(status.as_str(), "204" | "302" | "303")
                || answer.get("content").is_some()
                || answer.get("$ref").is_some();
            assert!(is_described, "{name} {status}");
        }
    }
}
