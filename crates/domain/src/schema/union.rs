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
    fn tag<'s>(&'s self, branches: &[&'s Value]) -> Option<(&'s str, Vec<Value>)> {
        if branches.len() < 2 {
            return None;
        }
        self.properties(branches.first()?).find_map(|(name, _)| {
            let values = branches.iter().map(|branch| self.tag_values(branch, name));
            Some((name, values.collect::<Option<Vec<_>>>()?.concat()))
        })
    }

    fn tagged<'s>(&'s self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
        let (tag, _) = self.tag(branches)?;
        let given = value.get(tag)?;
        let fits = |branch: &Value| {
            self.tag_values(branch, tag)
                .is_some_and(|allowed| allowed.contains(given))
        };
        branches.iter().copied().find(|branch| fits(branch))
    }

    fn tag_values(&self, branch: &Value, tag: &str) -> Option<Vec<Value>> {
        self.properties(branch)
            .find(|(name, _)| *name == tag)
            .and_then(|(_, schema)| constants(schema))
    }

    /// Of the schema itself, and of the one that it refers to.
    fn properties<'s>(&'s self, schema: &'s Value) -> impl Iterator<Item = (&'s str, &'s Value)> {
        let referred = schema
            .get("$ref")
            .and_then(Value::as_str)
            .map(|reference| self.resolve(reference));
        let both = std::iter::once(schema).chain(referred);
        let members = both
            .filter_map(|schema| schema.get("properties").and_then(Value::as_object))
            .flatten();
        members.map(|(name, schema)| (name.as_str(), schema))
    }

    pub(super) fn fitting<'s>(&self, branches: &[&'s Value], value: &Value) -> Option<&'s Value> {
        branches.iter().copied().find(|branch| {
            let mut faults = Vec::new();
            self.check(branch, value, "", &mut faults);
            faults.is_empty()
        })
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
