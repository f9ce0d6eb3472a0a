//! Alternatives: which branch a value belongs to; and the form that serde reads.

use serde_json::Value;

use super::{
    Compiled,
    check::{constants, is_null_type, join, list, not_among, types},
    format,
};
use crate::violation::Violation;

impl Compiled {
    /// Of the branches that are not null: the one that the value's tag names, or the one that fits.
    pub(super) fn check_union(
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
    pub(super) fn tag<'s>(&'s self, branches: &[&'s Value]) -> Option<(&'s str, Vec<Value>)> {
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

    pub(super) fn tagged<'s>(&'s self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
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

    pub(super) fn fitting<'s>(&self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
        branches.iter().copied().find(|branch| {
            let mut faults = Vec::new();
            self.check(branch, value, "", &mut faults);
            faults.is_empty()
        })
    }

    pub(super) fn target<'s>(&'s self, schema: &'s Value) -> &'s Value {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .map_or(schema, |reference| self.resolve(reference))
    }

    pub(super) fn allows_null(&self, schema: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, &Value::Null, "", &mut faults);
        faults.is_empty()
    }
}

impl Compiled {
    /// Brings a body without faults into the form that serde reads.
    pub(super) fn normalize(&self, schema: &Value, value: &mut Value) {
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
                    for item in items {
                        self.normalize(schema, item);
                    }
                }
            }
            Value::Number(_) if types(schema).contains(&"integer") => format::truncate(value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
