//! Checks a body against the JSON Schema of the type it is meant for, and reports every fault at
//! once, with its place: serde stops at the first and does not say where.
//!
//! Interprets the keywords that schemars derives; [`unknown_keywords`] tells when a type uses others.

use std::{
    any::TypeId,
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use regex_lite::Regex;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::violation::Violation;

mod check;
mod format;
mod union;

/// All faults of `body`, whose place in the request is `base_target` (empty for a whole body). A
/// member that is null counts as absent, and members that the type does not know are ignored.
pub fn check<T: JsonSchema + 'static>(body: &Value, base_target: &str) -> Vec<Violation> {
    let schema = compiled::<T>();
    let mut faults = Vec::new();
    if body.is_object() || !schema.is_object() {
        schema.check(&schema.root, body, base_target, &mut faults);
    } else {
        faults.push(Violation::invalid(base_target, "must be a JSON object"));
    }
    faults
}

/// Checks, and then reads. Numbers with a fraction where the type wants integers are truncated.
pub fn decode<T: JsonSchema + DeserializeOwned + 'static>(
    mut body: Value,
) -> Result<T, Vec<Violation>> {
    let faults = check::<T>(&body, "");
    if !faults.is_empty() {
        return Err(faults);
    }
    let schema = compiled::<T>();
    schema.normalize(&schema.root, &mut body);
    // serde's own message may quote the value, which may be a password.
    serde_json::from_value(body)
        .map_err(|_| vec![Violation::invalid("", "does not have the expected form")])
}

/// Applies a JSON Merge Patch (RFC 7396 §2).
pub fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            merge_patch(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Keywords in the schema of `T` that [`check`] does not enforce. A draft must have none.
pub fn unknown_keywords<T: JsonSchema + 'static>() -> Vec<String> {
    let mut unknown = Vec::new();
    collect_unknown(&compiled::<T>().root, &mut unknown);
    unknown
}

const ENFORCED: [&str; 19] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "required",
];
/// Say nothing that a body could break. Sets drop duplicates by themselves (`uniqueItems`).
const HARMLESS: [&str; 10] = [
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];

fn collect_unknown(schema: &Value, unknown: &mut Vec<String>) {
    let Value::Object(members) = schema else {
        return;
    };
    for (keyword, value) in members {
        match keyword.as_str() {
            "properties" | "$defs" => {
                value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .for_each(|(_, schema)| collect_unknown(schema, unknown));
            }
            "items" | "additionalProperties" => collect_unknown(value, unknown),
            "allOf" | "anyOf" | "oneOf" => {
                value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|schema| collect_unknown(schema, unknown));
            }
            "pattern"
                if value
                    .as_str()
                    .is_none_or(|pattern| Regex::new(pattern).is_err()) =>
            {
                unknown.push(format!("pattern {value}"));
            }
            known
                if ENFORCED.contains(&known)
                    || HARMLESS.contains(&known)
                    || known.starts_with("x-") => {}
            other => unknown.push(other.to_owned()),
        }
    }
}

/// The schema of one type, ready for use.
struct Compiled {
    root: Value,
    patterns: HashMap<String, Regex>,
    members: HashSet<String>,
}

/// Takes away what the schema of the type does not name.
pub fn retain_members<T: JsonSchema + 'static>(members: &mut Map<String, Value>) {
    let schema = compiled::<T>();
    members.retain(|name, _| schema.members.contains(name));
}

/// The members that the schema names, in whichever form of the object.
fn collect_members(root: &Value, schema: &Value, members: &mut HashSet<String>) {
    let named = schema.get("properties").and_then(Value::as_object);
    members.extend(named.into_iter().flat_map(Map::keys).cloned());
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let forms = schema.get(keyword).and_then(Value::as_array);
        for form in forms.into_iter().flatten() {
            collect_members(root, form, members);
        }
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        collect_members(root, resolved(root, reference), members);
    }
}

fn resolved<'a>(root: &'a Value, reference: &str) -> &'a Value {
    reference
        .strip_prefix('#')
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(&Value::Bool(true))
}

fn compiled<T: JsonSchema + 'static>() -> Arc<Compiled> {
    static CACHE: OnceLock<RwLock<HashMap<TypeId, Arc<Compiled>>>> = OnceLock::new();
    let cache = CACHE.get_or_init(RwLock::default);
    let key = TypeId::of::<T>();
    if let Some(found) = cache
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
    {
        return Arc::clone(found);
    }
    let root = SchemaGenerator::default()
        .into_root_schema_for::<T>()
        .to_value();
    let mut patterns = HashMap::new();
    collect_patterns(&root, &mut patterns);
    let mut members = HashSet::new();
    collect_members(&root, &root, &mut members);
    let made = Arc::new(Compiled {
        root,
        patterns,
        members,
    });
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(cache.entry(key).or_insert(made))
}

fn collect_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            if let Some(pattern) = members.get("pattern").and_then(Value::as_str)
                && let Ok(regex) = Regex::new(pattern)
            {
                patterns.insert(pattern.to_owned(), regex);
            }
            members
                .values()
                .for_each(|member| collect_patterns(member, patterns));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_patterns(item, patterns)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Compiled {
    fn is_object(&self) -> bool {
        check::types(&self.root).contains(&"object")
    }

    fn resolve(&self, reference: &str) -> &Value {
        resolved(&self.root, reference)
    }
}

#[cfg(test)]
mod tests;
