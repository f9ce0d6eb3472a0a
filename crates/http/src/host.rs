//! Which host a request is for.

use axum::{
    extract::Request,
    http::{Version, header, uri::Authority},
};
use stepgate_app::origin::{Origin, Origins, Side};
use stepgate_domain::{
    violation::{Violation, ViolationCode},
    web_origin::WebOrigin,
};

use crate::error::management::ApiError;

/// Why a request has no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// No host, two, or what is none (RFC 9112 §3.2).
    Malformed,
    /// One that is not ours.
    Unknown,
}

impl From<HostFault> for ApiError {
    fn from(fault: HostFault) -> Self {
        match fault {
            HostFault::Malformed => Self::InvalidRequest(vec![Violation::new(
                ViolationCode::InvalidParameter,
                "Host",
                "must be one host, the same as that of the request target",
            )]),
            HostFault::Unknown => Self::Misdirected,
        }
    }
}

/// Where the client reached this server. What is `on_any_host` has an answer for everybody who asks
/// in order.
pub fn origin(
    origins: &Origins,
    request: &Request,
    on_any_host: bool,
) -> Result<Origin, HostFault> {
    let host = host(request)?;
    let origin = host.and_then(|host| origins.of_host(host));
    match (origin, host) {
        (Some(origin), _) => Ok(origin),
        (None, Some(host)) if !is_host(host) => Err(HostFault::Malformed),
        (None, _) if on_any_host => Ok(Origin::new("")),
        (None, _) => Err(HostFault::Unknown),
    }
}

/// The `Host` of HTTP/1, or what stands for it in HTTP/2. Where the target names a host as well, the
/// two must agree: RFC 9112 has the target win, but a proxy may have judged by the other.
fn host(request: &Request) -> Result<Option<&str>, HostFault> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(HostFault::Malformed);
    }
    let named = line
        .map(|line| line.to_str().map_err(|_| HostFault::Malformed))
        .transpose()?;
    let target = request.uri().authority().map(Authority::as_str);
    let scheme = request.uri().scheme_str().unwrap_or("http");
    match (named, target) {
        (None, _) if request.version() == Version::HTTP_11 => Err(HostFault::Malformed),
        (Some(named), Some(target)) if named != target => {
            let named_origin = WebOrigin::of_authority(scheme, named);
            if named_origin.is_some() && named_origin == WebOrigin::of_authority(scheme, target) {
                Ok(Some(named))
            } else {
                Err(HostFault::Malformed)
            }
        }
        (named, target) => Ok(named.or(target)),
    }
}

/// An empty one is allowed, where the target has no authority (RFC 9112 §3.2).
fn is_host(text: &str) -> bool {
    text.is_empty() || WebOrigin::of_authority("http", text).is_some()
}

/// The side that a path belongs to. What belongs to none is on every host.
pub(crate) fn side(path: &str) -> Option<Side> {
    let is_below = |names: &[&str]| names.iter().any(|name| path.starts_with(name));
    if is_below(&["/v1/"]) {
        Some(Side::Management)
    } else if is_below(&["/{environmentID}/", "/as/", "/.well-known/"]) {
        Some(Side::Authentication)
    } else {
        None
    }
}
