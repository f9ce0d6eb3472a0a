//! Kinds of which one object in an environment is the default.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fixed;
use crate::{
    resource::{Built, DefaultMark, Refusal, Stored, ViewMember},
    violation::Violation,
};

/// A draft, and whether it asks to be the default of its kind. The mark is kept beside the
/// documents, so a body has no such member.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Marked<T> {
    pub default: Option<bool>,
    #[serde(flatten)]
    pub rules: T,
    /// All other members, to refuse those that ask for what is not there.
    #[schemars(skip)]
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl<T> Marked<T> {
    pub fn new(rules: T) -> Self {
        Self {
            default: None,
            rules,
            others: BTreeMap::new(),
        }
    }

    /// The faults of the other members, of which only `served` are taken.
    pub(crate) fn faults(&mut self, served: &Value) -> Vec<Violation> {
        let mut faults = Vec::new();
        let others = std::mem::take(&mut self.others).into_iter().collect();
        fixed::check(&Value::Object(others), served, "", &mut faults);
        faults
    }
}

/// The mark as all objects of such a kind show it.
pub(crate) fn view_member(generator: &mut SchemaGenerator) -> ViewMember {
    ViewMember::always("default", generator.subschema_for::<bool>())
}

/// The body with the mark it asked for, unless there are faults. Of such a kind there always is a
/// default: it passes on by marking another, and is not simply taken away.
pub(crate) fn built<R>(
    body: R,
    wish: Option<bool>,
    previous: Option<&Stored<R>>,
    mut faults: Vec<Violation>,
) -> Result<Built<R>, Vec<Violation>> {
    let default = match wish {
        Some(true) => DefaultMark::Set,
        Some(false) | None => DefaultMark::Keep,
    };
    if wish == Some(false) && previous.is_some_and(|previous| previous.is_default) {
        let message = "must be true: there is no other default one";
        faults.push(Violation::constraint("default", message));
    }
    if faults.is_empty() {
        Ok(Built {
            default,
            ..Built::from(body)
        })
    } else {
        Err(faults)
    }
}

/// What a new environment has: the default one.
pub(crate) fn born_default<R>(body: R) -> Built<R> {
    Built {
        default: DefaultMark::Set,
        ..Built::from(body)
    }
}

pub(crate) fn refuse_default<R>(stored: &Stored<R>, message: &str) -> Result<(), Refusal> {
    if stored.is_default {
        Err(Refusal::Invalid(Violation::constraint("default", message)))
    } else {
        Ok(())
    }
}

pub(crate) fn members_with_mark<R: Serialize + JsonSchema + 'static>(
    stored: &Stored<R>,
) -> Map<String, Value> {
    let mut members = stored.body_members();
    members.insert("default".to_owned(), stored.is_default.into());
    members
}
