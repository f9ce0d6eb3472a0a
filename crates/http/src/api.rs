//! One list of operations. From it come the router, the permission check, and the `OpenAPI`
//! document; so no route can exist that is unguarded or undocumented.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, Path, Request, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Method, Version, header, request::Parts},
    response::Response,
    routing::any,
};
use stepgate_app::{App, error::ManagementError, origin::Origin};
use stepgate_domain::oauth::cors::EndpointKind;

use crate::{
    access_log::AccessLogEntry,
    bodies::{Bodies, RequestBody, Sender},
    call::Call,
    entity_tags,
    error::{Render, management::ApiError},
    exchange::Exchange,
    guard, headers, host, preflight,
    server::Limits,
};

pub use crate::operation::{Guard, Operation, Takes};

type PathParams = Path<Vec<(String, String)>>;

/// The list of operations.
#[derive(Debug, Default, Clone)]
pub struct Api {
    pub operations: Vec<Operation>,
}

impl Api {
    #[must_use]
    pub fn op(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    #[must_use]
    pub fn then(self, part: impl FnOnce(Self) -> Self) -> Self {
        part(self)
    }

    /// As [`Self::then`]; the rows that the part adds are described under this heading.
    #[must_use]
    pub fn tagged(self, tag: &'static str, part: impl FnOnce(Self) -> Self) -> Self {
        let mut api = part(self);
        for operation in &mut api.operations {
            operation.tag.get_or_insert(tag);
        }
        api
    }

    pub fn into_router(self, app: &Arc<App>, limits: &Limits) -> Router {
        let bodies = Arc::new(Bodies::new(limits));
        let mut by_path: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for operation in self.operations {
            by_path
                .entry(operation.path.clone())
                .or_default()
                .push(operation);
        }
        let mut router = Router::new();
        for (path, operations) in by_path {
            let operations = Arc::new(operations);
            let (app, bodies) = (app.clone(), bodies.clone());
            router = router.route(
                &path,
                any(
                    move |params: Result<PathParams, PathRejection>, request: Request| {
                        let (app, bodies) = (app.clone(), bodies.clone());
                        // A path that is not even text names nothing.
                        let (operations, params) = params
                            .map(|Path(params)| (operations.clone(), params))
                            .unwrap_or_default();
                        dispatch(app, bodies, operations, params, request)
                    },
                ),
            );
        }
        let app = app.clone();
        router.fallback(move |request: Request| {
            let (nothing, params) = Default::default();
            dispatch(app.clone(), bodies.clone(), nothing, params, request)
        })
    }
}

/// Whose address the request comes from.
fn remote(app: &App, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let proxies = &app.settings.proxies;
    let lines = request.headers().get_all(proxies.header.name());
    let lines: Vec<_> = lines
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    proxies.client(peer.0.ip(), lines.iter())
}

/// Renders an error, and notes why.
pub(crate) fn refuse(error: impl Render, exchange: &Exchange) -> Response {
    exchange.refuse(error.refusal());
    error.render(exchange)
}

/// Answers a request to one path. Without operations it is one that is not there.
async fn dispatch(
    app: Arc<App>,
    bodies: Arc<Bodies>,
    operations: Arc<Vec<Operation>>,
    params: Vec<(String, String)>,
    mut request: Request,
) -> Response {
    let version = request.version();
    let mut body = RequestBody::new(std::mem::take(request.body_mut()));
    let entry = AccessLogEntry::begin(&operations, &params, &request);
    let is_on_any_host = operations.iter().any(|operation| operation.on_any_host);
    let (origin, fault) = match host::origin(&app.settings.origins, &request, is_on_any_host) {
        Ok(origin) => (origin, None),
        Err(fault) => (Origin::new(""), Some(fault)),
    };
    let remote = remote(&app, &request);
    let exchange = Arc::new(Exchange::new(request.headers(), origin, remote));
    if fault.is_some() || pages(&operations) == EndpointKind::Cookie {
        exchange.admit_page(None);
    }
    let answer = if let Some(fault) = fault {
        Err(fault.into())
    } else {
        let asked = (operations.as_slice(), params, request);
        serve(app.clone(), &bodies, asked, &mut body, exchange.clone()).await
    };
    let mut response = answer.unwrap_or_else(|error| refuse(error, &exchange));
    if version < Version::HTTP_2 && !body.is_over() {
        // The rest of the body stands where the next request would.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    headers::stamp(response.headers_mut(), &exchange);
    entry.end(&app, &response, &exchange);
    response
}

/// The operations of one path are all of one kind.
fn pages(operations: &[Operation]) -> EndpointKind {
    operations
        .first()
        .map_or(EndpointKind::Cookieless, |operation| operation.pages)
}

async fn serve(
    app: Arc<App>,
    bodies: &Arc<Bodies>,
    (operations, params, request): (&[Operation], Vec<(String, String)>, Request),
    body: &mut RequestBody,
    exchange: Arc<Exchange>,
) -> Result<Response, ApiError> {
    let is_elsewhere = |operation: &Operation| {
        host::side(&operation.path).is_some_and(|side| !exchange.origin.serves(side))
    };
    if operations.first().is_none_or(is_elsewhere) {
        return Err(ManagementError::NotFound(None).into());
    }
    let (parts, _) = request.into_parts();
    let method = effective_method(&parts.method, parts.uri.path(), &parts.headers);
    let candidates: Vec<&Operation> = operations
        .iter()
        .filter(|operation| operation.answers(&method))
        .collect();
    if method == Method::OPTIONS && candidates.is_empty() {
        preflight::judge(&app, &exchange, pages(operations), &params, &parts).await?;
        return Ok(headers::preflight(operations, &parts.headers));
    }
    if candidates.is_empty() {
        let mut allowed: Vec<Method> = Vec::new();
        for operation in operations {
            if !allowed.contains(&operation.method) {
                allowed.push(operation.method.clone());
            }
        }
        return Err(ApiError::MethodNotAllowed { allowed });
    }
    let sent = content_type(&parts.headers);
    let accepting = |is_empty| {
        let accepts = |operation: &&&Operation| operation.takes.accepts(sent.as_deref(), is_empty);
        candidates.iter().find(accepts).copied()
    };
    let unsupported = || ApiError::UnsupportedMediaType {
        sent: sent.clone().unwrap_or_else(|| "none".to_owned()),
        supported: candidates
            .iter()
            .filter_map(|operation| operation.takes.media_type())
            .collect(),
    };
    let operation = accepting(body.is_over())
        .or_else(|| accepting(true).filter(|_| body.may_be_empty()))
        .ok_or_else(unsupported)?;
    let mut call = Call {
        app,
        remote: exchange.remote,
        exchange,
        params: params.into_iter().collect(),
        query: query(&parts),
        expected_versions: entity_tags::expected_versions(&parts.headers),
        headers: parts.headers,
        body: Bytes::new(),
        caller: None,
    };
    // Nobody's body is read before it is known whose it is.
    call.caller = guard::admit(&call, operation).await?;
    let sender = match operation.guard {
        Guard::Public => Sender::Stranger,
        Guard::Permission(_) | Guard::Token => Sender::Known,
    };
    let held = bodies.read(body, operation.limit(), sender).await?;
    if !operation
        .takes
        .accepts(sent.as_deref(), held.bytes.is_empty())
    {
        return Err(unsupported());
    }
    call.body = held.bytes.clone();
    Ok(operation.answer(call).await)
}

/// The parameters of the target, decoded.
pub(crate) fn query(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// `X-HTTP-Method-Override` on POST to the management API, applied before anything else.
fn effective_method(method: &Method, path: &str, sent: &HeaderMap) -> Method {
    if *method != Method::POST || !path.starts_with("/v1/") {
        return method.clone();
    }
    let overriding = sent.get("x-http-method-override");
    overriding
        .and_then(|value| value.to_str().ok())
        .and_then(|name| name.trim().to_ascii_uppercase().parse().ok())
        .unwrap_or_else(|| method.clone())
}

/// The media type without its parameters, in lower case.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
    .filter(|name| !name.is_empty())
}
