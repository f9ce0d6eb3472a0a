//! What the query may say.

use serde_json::{Value, json};
use stepgate_domain::resource::{FilterAttribute, OrderAttribute};

/// A parameter of the query.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: String,
    pub(super) schema: Value,
    pub(super) is_required: bool,
}

impl Parameter {
    #[must_use]
    pub(crate) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub(super) fn described(&self) -> Value {
        json!({
            "name": self.name,
            "in": "query",
            "required": self.is_required,
            "description": self.about,
            "schema": self.schema,
        })
    }
}

pub(crate) fn text(name: &'static str, about: impl Into<String>) -> Parameter {
    Parameter {
        name,
        about: about.into(),
        schema: json!({ "type": "string" }),
        is_required: false,
    }
}

/// The id of a flow, an application and the like.
pub(crate) fn id(name: &'static str, about: &str) -> Parameter {
    Parameter {
        schema: json!({ "type": "string", "format": "uuid" }),
        ..text(name, about)
    }
}

pub(crate) fn filter(attributes: &[FilterAttribute]) -> Parameter {
    let each: Vec<String> = attributes
        .iter()
        .map(|attribute| {
            let operators = attribute.operators.iter();
            let operators: Vec<_> = operators.map(|operator| operator.as_str()).collect();
            format!("`{}` ({})", attribute.name, operators.join(", "))
        })
        .collect();
    let about = format!(
        "A SCIM filter (RFC 7644 §3.4.2.2). Attributes and their operators: {}.",
        each.join("; ")
    );
    text("filter", about)
}

/// How many objects a page holds, and where it begins.
pub(crate) fn paging(most: u32) -> [Parameter; 2] {
    [
        Parameter {
            schema: json!({ "type": "integer", "minimum": 1, "maximum": most }),
            ..text("limit", "How many objects the page holds at most.")
        },
        text(
            "cursor",
            "Where the page begins: from `_links.next.href` of the page before, and opaque.",
        ),
    ]
}

pub(crate) fn list_parameters(
    filters: &[FilterAttribute],
    orders: &[OrderAttribute],
    most: u32,
) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    if !filters.is_empty() {
        parameters.push(filter(filters));
    }
    if !orders.is_empty() {
        let names: Vec<String> = orders
            .iter()
            .map(|order| format!("`{}`", order.name))
            .collect();
        let about = format!(
            "By which attributes the list is ordered, separated by commas, each with `-` before it \
             for descending order: {}.",
            names.join(", ")
        );
        parameters.push(text("order", about));
    }
    parameters.extend(paging(most));
    parameters
}
