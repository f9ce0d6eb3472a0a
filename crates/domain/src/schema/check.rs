//! The keywords, one by one.

use serde_json::{Map, Value, json};

use super::{Compiled, format};
use crate::violation::Violation;

impl Compiled {
    pub(super) fn check(
        &self,
        schema: &Value,
        value: &Value,
        target: &str,
        faults: &mut Vec<Violation>,
    ) {
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

    pub(super) fn check_object(
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

    pub(super) fn check_array(
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

    pub(super) fn check_string(
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
}

pub(super) fn list<'s>(keywords: &'s Map<String, Value>, name: &str) -> &'s [Value] {
    keywords
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn join(target: &str, member: &str) -> String {
    if target.is_empty() {
        member.to_owned()
    } else {
        format!("{target}.{member}")
    }
}

/// The values that the schema is limited to, when it lists them.
pub(super) fn constants(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        (None, _) => None,
    }
}

pub(super) fn not_among(target: &str, allowed: &[Value]) -> Violation {
    let names: Vec<_> = allowed
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect();
    Violation::not_allowed(target, &names)
}

pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn is_null_type(schema: &Value) -> bool {
    types(schema) == ["null"]
}

pub(super) fn is_of_type(value: &Value, name: &str) -> bool {
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

pub(super) fn type_message(types: &[&str]) -> &'static str {
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
