//! A successful answer, before it becomes bytes.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use serde_json::Value;

use percent_encoding::AsciiSet;
use stepgate_app::error::ManagementError;

use crate::{error::management::ApiError, exchange::Exchange, pages::Page};

/// Letters outside of ASCII are encoded in any case.
const ONLY_NON_ASCII: &AsciiSet = &AsciiSet::EMPTY;

#[derive(Debug)]
pub enum Content {
    Empty,
    /// A management object: HAL, or plain JSON for clients that ask for it.
    Hal(Value),
    Json(String),
    Html(String),
    Text(&'static str, Bytes),
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub content: Content,
}

impl Reply {
    pub fn new(status: StatusCode, content: Content) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content,
        }
    }
    pub fn hal(status: StatusCode, body: Value) -> Self {
        Self::new(status, Content::Hal(body))
    }
    pub fn json(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(body)?;
        Ok(Self::new(StatusCode::OK, Content::Json(text)))
    }
    pub fn page(status: StatusCode, page: &impl Page) -> Result<Self, ApiError> {
        let html = page
            .render()
            .map_err(|error| ManagementError::Internal(Box::new(error)))?;
        Ok(Self::new(status, Content::Html(html)).with(
            header::CONTENT_SECURITY_POLICY,
            page.content_security_policy(),
        ))
    }
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Content::Empty)
    }
    /// 302, as the contract has it everywhere.
    pub fn found(location: &str) -> Self {
        Self::new(StatusCode::FOUND, Content::Empty).with_location(location)
    }
    /// 303: what a form's post leads to, to be got.
    pub fn see_other(location: &str) -> Self {
        Self::new(StatusCode::SEE_OTHER, Content::Empty).with_location(location)
    }
    /// A registered URI may hold letters that a header cannot.
    fn with_location(self, location: &str) -> Self {
        if location.is_ascii() {
            return self.with(header::LOCATION, location);
        }
        let encoded = percent_encoding::utf8_percent_encode(location, ONLY_NON_ASCII);
        self.with(header::LOCATION, &encoded.to_string())
    }
    /// Adds a header; a value that cannot be one is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With the strong `ETag` of a stored object.
    #[must_use]
    pub fn versioned(self, version: i64) -> Self {
        self.with(header::ETAG, &format!("\"{version}\""))
    }

    /// A management object that changes only when this program does: its `ETag` tells its text.
    pub fn unchanging(body: Value) -> Self {
        let mut hasher = DefaultHasher::new();
        body.to_string().hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        Self::hal(StatusCode::OK, body).with(header::ETAG, &tag)
    }

    pub(crate) fn into_response(self, exchange: &Exchange) -> Response {
        let (media_type, body) = match self.content {
            Content::Empty => (None, Body::empty()),
            Content::Hal(value) if exchange.wants_plain_json => (
                Some("application/json;charset=UTF-8"),
                Body::from(value.to_string()),
            ),
            Content::Hal(value) => (
                Some("application/hal+json;charset=UTF-8"),
                Body::from(value.to_string()),
            ),
            Content::Json(text) => (Some("application/json"), Body::from(text)),
            Content::Html(page) => (Some("text/html; charset=utf-8"), Body::from(page)),
            Content::Text(media_type, bytes) => (Some(media_type), Body::from(bytes)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(media_type) = media_type {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        response
    }
}
