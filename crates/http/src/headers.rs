//! Headers that every answer carries, and CORS.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use stepgate_domain::oauth::cors::Admission;

use crate::{api::Operation, exchange::Exchange};

pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("correlation-id");

// Constants: none of them is looked through for every answer.
const NEVER_KEPT: HeaderValue =
    HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const EXPIRED: HeaderValue = HeaderValue::from_static("0");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Correlation-Id, ETag, Location, WWW-Authenticate, Retry-After");
const ALWAYS_ENCRYPTED: HeaderValue =
    HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Adds what is missing; a handler that set a header keeps it.
pub(crate) fn stamp(headers: &mut HeaderMap, exchange: &Exchange) {
    admit(headers, exchange);
    let may_be_kept = headers.contains_key(header::CACHE_CONTROL);
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    if let Ok(correlation_id) = HeaderValue::from_str(&exchange.correlation_id) {
        add(CORRELATION_ID, correlation_id);
    }
    if !may_be_kept {
        add(header::CACHE_CONTROL, NEVER_KEPT);
        add(header::PRAGMA, NO_CACHE);
        add(header::EXPIRES, EXPIRED);
    }
    add(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    add(header::REFERRER_POLICY, NO_REFERRER);
    add(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if exchange.origin.is_https() {
        add(header::STRICT_TRANSPORT_SECURITY, ALWAYS_ENCRYPTED);
    }
}

/// Which pages may read the answer.
fn admit(headers: &mut HeaderMap, exchange: &Exchange) {
    let any = HeaderValue::from_static("*");
    match (exchange.admission(), &exchange.page_origin) {
        (Admission::AnyOrigin, _) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
            return;
        }
        (Admission::Echo { with_credentials }, Some(origin)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            if with_credentials {
                headers.insert(
                    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    HeaderValue::from_static("true"),
                );
            }
        }
        (Admission::Echo { .. }, None) | (Admission::Refused, _) => {}
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a preflight: what this path offers, and the headers that were asked about.
pub(crate) fn preflight(operations: &[Operation], request: &HeaderMap) -> Response {
    let mut methods: Vec<&str> = vec![Method::OPTIONS.as_str()];
    for operation in operations {
        if !methods.contains(&operation.method.as_str()) {
            methods.push(operation.method.as_str());
        }
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        headers.insert(header::ALLOW, methods.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    if let Some(names) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response
}
