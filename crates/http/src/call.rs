//! One request, taken apart for its handler.

use std::{collections::HashMap, net::IpAddr, str::FromStr, sync::Arc};

use axum::{body::Bytes, http::HeaderMap};
use serde_json::Value;
use stepgate_app::{
    App,
    error::{Denial, ManagementError},
    management::{Caller, IfMatch, Place, Target},
};
use stepgate_domain::{
    id::Id,
    resource::{Kind, Resource, Scope},
    resources::environment::Environment,
    violation::{Violation, ViolationCode},
};
use uuid::Uuid;

use crate::{error::management::ApiError, exchange::Exchange};

#[derive(Debug)]
pub struct Call {
    pub app: Arc<App>,
    pub exchange: Arc<Exchange>,
    pub params: HashMap<String, String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// Those of `If-Match`; none when any will do.
    pub expected_versions: Option<Vec<i64>>,
    pub body: Bytes,
    /// The permitted caller, on operations that need a permission.
    pub caller: Option<Caller>,
    pub remote: Option<IpAddr>,
}

impl Call {
    /// The id in the path under this name; a malformed one names nothing.
    pub fn id<T>(&self, name: &str) -> Result<Id<T>, ApiError> {
        let text = self
            .params
            .get(name)
            .map(String::as_str)
            .unwrap_or_default();
        Id::from_str(text).map_err(|_| ApiError::from(ManagementError::NotFound(None)))
    }

    pub fn environment(&self) -> Result<Id<Environment>, ApiError> {
        self.id("environmentID")
    }

    /// The place that the path speaks of, for objects of this type.
    pub fn place<R: Resource>(&self) -> Result<Place, ApiError> {
        let environment = match R::KIND.scope {
            Scope::Environment => self.environment()?.uuid(),
            Scope::Organization => Uuid::nil(),
        };
        let parent = match R::KIND.parent.filter(|_| R::KIND.nested) {
            Some(parent) => Some(self.id::<()>(&parameter(parent))?.uuid()),
            None => None,
        };
        Ok(Place {
            environment,
            parent,
        })
    }

    /// The place of an object that is to be made. `If-Match` would insist on a version of it.
    pub fn place_of_new<R: Resource>(&self) -> Result<Place, ApiError> {
        match self.if_match() {
            Some(_) => Err(ManagementError::PreconditionFailed.into()),
            None => self.place::<R>(),
        }
    }

    /// The object that the path names.
    pub fn target<R: Resource>(&self) -> Result<Target<'_>, ApiError> {
        Ok(Target {
            app: &self.app,
            caller: self.caller()?,
            place: self.place::<R>()?,
            id: self.id::<R>(&parameter(R::KIND))?.uuid(),
            if_match: self.if_match(),
        })
    }

    pub fn caller(&self) -> Result<&Caller, ApiError> {
        self.caller
            .as_ref()
            .ok_or_else(|| ApiError::from(ManagementError::Forbidden(Denial::NoRole)))
    }

    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the query asks for this to be shown as well. Other names are ignored.
    pub fn expands(&self, name: &str) -> bool {
        let names = self.query_value("expand").unwrap_or_default();
        names.split(',').any(|wanted| wanted.trim() == name)
    }

    /// The body as JSON. An empty body, and null, which some clients send in its place, is an empty
    /// object: verbs and partial creates use it.
    pub fn json(&self) -> Result<Value, ApiError> {
        let body = if self.body.iter().all(u8::is_ascii_whitespace) {
            Value::Null
        } else {
            serde_json::from_slice(&self.body).map_err(|_| ApiError::MalformedBody)?
        };
        Ok(match body {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => body,
        })
    }

    /// What `If-Match` insists on.
    pub fn if_match(&self) -> Option<IfMatch<'_>> {
        self.expected_versions.as_deref().map(IfMatch)
    }

    /// A number in the query, within its range.
    pub fn limit(&self, maximum: u32) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.query_value("limit") else {
            return Ok(None);
        };
        match text.parse::<u32>() {
            Ok(limit) if (1..=maximum).contains(&limit) => Ok(Some(limit)),
            Ok(_) => Err(Violation::out_of_range("limit", 1, i64::from(maximum)).into()),
            Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(Violation::out_of_range("limit", 1, i64::from(maximum)).into())
            }
            Err(_) => Err(ApiError::InvalidRequest(vec![Violation::new(
                ViolationCode::InvalidParameter,
                "limit",
                "must be a whole number",
            )])),
        }
    }
}

/// The name of a kind's id in paths: `applicationID`.
pub(crate) fn parameter(kind: &Kind) -> String {
    format!("{}ID", kind.name)
}
