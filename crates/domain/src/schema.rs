//! Checks a body against the JSON Schema of the type it is meant for, and reports every fault at
//! once, with its place: serde stops at the first and does not say where.
//!
//! Interprets the keywords that schemars derives; [`unknown_keywords`] tells when a type uses others.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use regex_lite::Regex;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::violation::{Violation, ViolationCode};

mod format;

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
    let made = Arc::new(Compiled { root, patterns });
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
        types(&self.root).contains(&"object")
    }

    fn resolve(&self, reference: &str) -> &Value {
        reference
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .unwrap_or(&Value::Bool(true))
    }

    fn check(&self, schema: &Value, value: &Value, target: &str, faults: &mut Vec<Violation>) {
        let Value::Object(keywords) = schema else {
            if schema == &Value::Bool(false) {
                faults.push(Violation::invalid(target, "must not be present"));
            }
            return;
        };
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            self.check(self.resolve(reference), value, target, faults);
        }
        for part in list(keywords, "allOf") {
            self.check(part, value, target, faults);
        }
        for union in ["anyOf", "oneOf"] {
            let branches = list(keywords, union);
            if !branches.is_empty() {
                self.check_union(branches, value, target, faults);
            }
        }
        if let Some(allowed) = constants(schema) {
            if !allowed.contains(value) {
                faults.push(not_among(target, &allowed));
            }
            return;
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
            faults.push(Violation::invalid(target, type_message(&types)));
            return;
        }
        match value {
            Value::Object(members) => self.check_object(keywords, members, target, faults),
            Value::Array(items) => self.check_array(keywords, items, target, faults),
            Value::String(text) => self.check_string(keywords, text, target, faults),
            Value::Number(_) => format::check_number(schema, value, target, faults),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn check_object(
        &self,
        keywords: &Map<String, Value>,
        members: &Map<String, Value>,
        target: &str,
        faults: &mut Vec<Violation>,
    ) {
        let properties = keywords.get("properties").and_then(Value::as_object);
        for name in list(keywords, "required").iter().filter_map(Value::as_str) {
            if members.get(name).is_none_or(Value::is_null) {
                faults.push(Violation::required(join(target, name)));
            }
        }
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                self.check(schema, value, &join(target, name), faults);
            } else if let Some(schema) = keywords.get("additionalProperties") {
                self.check(schema, value, &join(target, name), faults);
            }
        }
    }

    fn check_array(
        &self,
        keywords: &Map<String, Value>,
        items: &[Value],
        target: &str,
        faults: &mut Vec<Violation>,
    ) {
        let count = items.len() as u64;
        if let Some(minimum) = keywords.get("minItems").and_then(Value::as_u64)
            && count < minimum
        {
            faults.push(if count == 0 {
                Violation::empty(target)
            } else {
                Violation::invalid(target, format!("must have at least {minimum} items"))
            });
        }
        if let Some(maximum) = keywords.get("maxItems").and_then(Value::as_u64)
            && count > maximum
        {
            faults.push(Violation::too_long(target, maximum));
        }
        if let Some(schema) = keywords.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.check(schema, item, &format!("{target}[{index}]"), faults);
            }
        }
    }

    fn check_string(
        &self,
        keywords: &Map<String, Value>,
        text: &str,
        target: &str,
        faults: &mut Vec<Violation>,
    ) {
        let length = text.chars().count() as u64;
        if let Some(minimum) = keywords.get("minLength").and_then(Value::as_u64)
            && length < minimum
        {
            faults.push(if length == 0 {
                Violation::empty(target)
            } else {
                Violation::invalid(target, format!("must have at least {minimum} characters"))
            });
            return;
        }
        if let Some(maximum) = keywords.get("maxLength").and_then(Value::as_u64)
            && length > maximum
        {
            faults.push(Violation::too_long(target, maximum));
            return;
        }
        if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str)
            && !self
                .patterns
                .get(pattern)
                .is_some_and(|regex| regex.is_match(text))
        {
            let fault = Violation::invalid(target, "does not have the allowed form");
            faults.push(fault.with(json!({ "allowedPattern": pattern })));
        }
        if let Some(name) = keywords.get("format").and_then(Value::as_str)
            && let Some(message) = format::fault(name, text)
        {
            faults.push(Violation::invalid(target, message));
        }
    }

    /// Of the branches that are not null: the one that the value's tag names, or the one that fits.
    fn check_union(
        &self,
        branches: &[Value],
        value: &Value,
        target: &str,
        faults: &mut Vec<Violation>,
    ) {
        if value.is_null() && branches.iter().any(|branch| self.allows_null(branch)) {
            return;
        }
        if let Some(allowed) = branches.iter().map(constants).collect::<Option<Vec<_>>>() {
            let allowed: Vec<_> = allowed.concat();
            if !allowed.contains(value) {
                faults.push(not_among(target, &allowed));
            }
            return;
        }
        let branches: Vec<_> = branches
            .iter()
            .filter(|branch| !is_null_type(branch))
            .collect();
        if let Some((tag, allowed)) = self.tag(&branches)
            && let Some(members) = value.as_object()
            && self.tagged(&branches, value).is_none()
        {
            faults.push(match members.get(tag) {
                None | Some(Value::Null) => Violation::required(join(target, tag)),
                Some(_) => not_among(&join(target, tag), &allowed),
            });
            return;
        }
        if let [only] = branches.as_slice() {
            self.check(only, value, target, faults);
        } else if let Some(branch) = self.tagged(&branches, value) {
            self.check(branch, value, target, faults);
        } else if self.fitting(&branches, value).is_none() {
            faults.push(Violation::invalid(target, "has none of the allowed forms"));
        }
    }

    /// The member whose constant tells the branches apart, and its values.
    fn tag<'s>(&'s self, branches: &[&'s Value]) -> Option<(&'s str, Vec<Value>)> {
        if branches.len() < 2 {
            return None;
        }
        let properties = |branch: &&'s Value| {
            self.target(branch)
                .get("properties")
                .and_then(Value::as_object)
        };
        let first = properties(branches.first()?)?;
        first.keys().find_map(|name| {
            let values = branches
                .iter()
                .map(|branch| constants(properties(branch)?.get(name)?));
            Some((name.as_str(), values.collect::<Option<Vec<_>>>()?.concat()))
        })
    }

    fn tagged<'s>(&'s self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
        let (tag, _) = self.tag(branches)?;
        let given = value.get(tag)?;
        branches.iter().copied().find(|branch| {
            let constant = self
                .target(branch)
                .get("properties")
                .and_then(|all| constants(all.get(tag)?));
            constant.is_some_and(|allowed| allowed.contains(given))
        })
    }

    fn fitting<'s>(&self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
        branches.iter().copied().find(|branch| {
            let mut faults = Vec::new();
            self.check(branch, value, "", &mut faults);
            faults.is_empty()
        })
    }

    fn target<'s>(&'s self, schema: &'s Value) -> &'s Value {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .map_or(schema, |reference| self.resolve(reference))
    }

    fn allows_null(&self, schema: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, &Value::Null, "", &mut faults);
        faults.is_empty()
    }

    /// Brings a body without faults into the form that serde reads.
    fn normalize(&self, schema: &Value, value: &mut Value) {
        let Value::Object(keywords) = schema else {
            return;
        };
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            self.normalize(self.resolve(reference), value);
        }
        for part in list(keywords, "allOf") {
            self.normalize(part, value);
        }
        for union in ["anyOf", "oneOf"] {
            let branches: Vec<_> = list(keywords, union)
                .iter()
                .filter(|branch| !is_null_type(branch))
                .collect();
            if let Some(branch) = self
                .tagged(&branches, value)
                .or_else(|| self.fitting(&branches, value))
            {
                self.normalize(branch, value);
            }
        }
        match value {
            Value::Object(members) => {
                let properties = keywords.get("properties").and_then(Value::as_object);
                let others = keywords.get("additionalProperties");
                members.retain(|name, value| {
                    let known = properties.and_then(|properties| properties.get(name));
                    let keep = !value.is_null()
                        || known.is_none() && others.is_some_and(|others| self.allows_null(others));
                    if let Some(schema) = known.or(others) {
                        self.normalize(schema, value);
                    }
                    keep
                });
            }
            Value::Array(items) => {
                if let Some(schema) = keywords.get("items") {
                    items
                        .iter_mut()
                        .for_each(|item| self.normalize(schema, item));
                }
            }
            Value::Number(_) if types(schema).contains(&"integer") => format::truncate(value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn list<'s>(keywords: &'s Map<String, Value>, name: &str) -> &'s [Value] {
    keywords
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn join(target: &str, member: &str) -> String {
    if target.is_empty() {
        member.to_owned()
    } else {
        format!("{target}.{member}")
    }
}

/// The values that the schema is limited to, when it lists them.
fn constants(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        (None, _) => None,
    }
}

fn not_among(target: &str, allowed: &[Value]) -> Violation {
    let allowed: Vec<_> = allowed.iter().filter(|value| !value.is_null()).collect();
    let names: Vec<_> = allowed
        .iter()
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect();
    Violation::new(
        ViolationCode::InvalidValue,
        target,
        format!("must be one of {}", names.join(", ")),
    )
    .with(json!({ "allowedValues": allowed }))
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_null_type(schema: &Value) -> bool {
    types(schema) == ["null"]
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" | "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn type_message(types: &[&str]) -> &'static str {
    match types.iter().find(|name| **name != "null") {
        Some(&"boolean") => "must be true or false",
        Some(&"string") => "must be a string",
        Some(&"integer") => "must be an integer",
        Some(&"number") => "must be a number",
        Some(&"array") => "must be an array",
        Some(&"object") => "must be an object",
        Some(_) | None => "must be null",
    }
}

#[cfg(test)]
mod tests;
