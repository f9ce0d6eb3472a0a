//! One list of operations. From it come the router, the permission check, and the `OpenAPI`
//! document; so no route can exist that is unguarded or undocumented.

use std::{collections::BTreeMap, fmt, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, Path, Request},
    http::{HeaderMap, HeaderValue, Method, Version, header, request::Parts},
    response::Response,
    routing::any,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use stepgate_app::{App, error::ManagementError, origin::Origin};
use stepgate_domain::access::Permission;

use crate::{
    access_log::AccessLogEntry,
    bodies::{Bodies, RequestBody, Sender},
    call::Call,
    error::{Render, management::ApiError},
    exchange::Exchange,
    guard, headers,
    reply::Reply,
    server::Limits,
};

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A management token with this permission.
    Permission(Permission),
    /// A management token; the handler looks at the caller's roles itself.
    Token,
    /// Nothing, or something that the handler itself checks (a client's secret, a flow's cookie).
    Public,
}

/// What an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// `application/json`.
    Json,
    /// `application/vnd.pingidentity.{0}+json`.
    Vendor(&'static str),
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A form, or nothing at all.
    FormOrNothing,
}

/// The largest body of whoever needs no token.
const OF_STRANGERS: usize = 64 * 1024;

impl Takes {
    /// The `Content-Type` that the operation is known by.
    pub fn media_type(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Json => Some("application/json".to_owned()),
            Self::Vendor(name) => Some(format!("application/vnd.pingidentity.{name}+json")),
            Self::Form | Self::FormOrNothing => {
                Some("application/x-www-form-urlencoded".to_owned())
            }
        }
    }

    /// Whether a request of this `Content-Type` is meant. `None`: no such header.
    fn accepts(self, sent: Option<&str>, body_is_empty: bool) -> bool {
        match self {
            Self::Nothing => true,
            Self::Json => sent == Some("application/json") || (sent.is_none() && body_is_empty),
            Self::Vendor(name) => sent
                .and_then(|sent| sent.strip_prefix("application/vnd.pingidentity."))
                .is_some_and(|sent| {
                    sent.strip_suffix("+json")
                        .unwrap_or(sent)
                        .eq_ignore_ascii_case(name)
                }),
            Self::Form => sent == Some("application/x-www-form-urlencoded"),
            Self::FormOrNothing => {
                sent == Some("application/x-www-form-urlencoded") || body_is_empty
            }
        }
    }
}

type Handler = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// One line of the list.
#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub takes: Takes,
    pub guard: Guard,
    pub summary: String,
    /// The status of success.
    pub status: u16,
    pub request: Option<fn(&mut SchemaGenerator) -> Schema>,
    pub response: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// Pages of other origins read the answer only where the handler admits them: the session's
    /// cookie counts here, or what is shown is not for every page.
    pub private: bool,
    /// Whether a HEAD is answered like this GET. One that does something must not be.
    pub head: bool,
    /// The scope with which a user may call this on the own account.
    pub own_scope: Option<&'static str>,
    handler: Handler,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {:?} {:?}",
            self.method, self.path, self.takes, self.guard
        )
    }
}

impl Operation {
    pub fn new<H, F, E>(
        method: Method,
        path: impl Into<String>,
        takes: Takes,
        guard: Guard,
        summary: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, E>> + Send + 'static,
        E: Render + Send + 'static,
    {
        let handler: Handler = Arc::new(move |call: Call| {
            let exchange = call.exchange.clone();
            // It is large: by itself in its box it is not copied into the other.
            let answer = Box::pin(handler(call));
            Box::pin(async move {
                match answer.await {
                    Ok(reply) => reply.into_response(&exchange),
                    Err(error) => error.render(&exchange),
                }
            })
        });
        let status = match (&method, takes) {
            (&Method::POST, Takes::Json) => 201,
            (&Method::DELETE, _) => 204,
            _ => 200,
        };
        Self {
            method,
            path: path.into(),
            takes,
            guard,
            summary: summary.into(),
            status,
            request: None,
            response: None,
            private: false,
            head: true,
            own_scope: None,
            handler,
        }
    }

    /// The largest body.
    fn limit(&self) -> usize {
        match self.takes {
            Takes::Form | Takes::FormOrNothing => OF_STRANGERS,
            Takes::Nothing | Takes::Json | Takes::Vendor(_) if self.guard != Guard::Public => {
                1024 * 1024
            }
            Takes::Nothing | Takes::Json | Takes::Vendor(_) => 32 * 1024,
        }
    }

    #[must_use]
    pub fn request<T: JsonSchema>(mut self) -> Self {
        self.request = Some(SchemaGenerator::subschema_for::<T>);
        self
    }
    #[must_use]
    pub fn response<T: JsonSchema>(mut self) -> Self {
        self.response = Some(SchemaGenerator::subschema_for::<T>);
        self
    }
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }
    #[must_use]
    pub fn without_head(mut self) -> Self {
        self.head = false;
        self
    }
}

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
                    move |Path(params): Path<Vec<(String, String)>>, request: Request| {
                        let (app, bodies) = (app.clone(), bodies.clone());
                        dispatch(app, bodies, operations.clone(), params, request)
                    },
                ),
            );
        }
        let app = app.clone();
        router.fallback(move |request: Request| {
            let nothing = Arc::new(Vec::new());
            dispatch(app.clone(), bodies.clone(), nothing, Vec::new(), request)
        })
    }
}

/// The exchange of a request, or why it has none: its `Host` is not one of ours.
fn exchange_of(app: &App, headers: &HeaderMap) -> Result<Exchange, Exchange> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    match app.settings.origins.of_host(host) {
        Some(origin) => Ok(Exchange::new(headers, origin)),
        None => Err(Exchange::new(headers, Origin::new(""))),
    }
}

/// Answers a request to one path. Without operations it is one that is not there.
async fn dispatch(
    app: Arc<App>,
    bodies: Arc<Bodies>,
    operations: Arc<Vec<Operation>>,
    params: Vec<(String, String)>,
    request: Request,
) -> Response {
    let entry = AccessLogEntry::begin(&operations, &request);
    let (parts, body) = request.into_parts();
    let version = parts.version;
    let mut body = RequestBody::new(body);
    let exchange = match exchange_of(&app, &parts.headers) {
        Ok(exchange) => Arc::new(exchange),
        Err(exchange) => {
            exchange.admit_page(None);
            let mut response = ApiError::Misdirected.render(&exchange);
            headers::stamp(response.headers_mut(), &exchange);
            entry.end(&response, &exchange);
            return response;
        }
    };
    if operations.iter().any(|operation| operation.private) {
        exchange.admit_page(None);
    }
    let wanted = Wanted {
        operations: &operations,
        params,
        parts,
    };
    let mut response = match serve(app, &bodies, wanted, &mut body, exchange.clone()).await {
        Ok(response) => response,
        Err(error) => error.render(&exchange),
    };
    if version < Version::HTTP_2 && !body.is_over() {
        // The rest of the body stands where the next request would.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    headers::stamp(response.headers_mut(), &exchange);
    entry.end(&response, &exchange);
    response
}

/// What is asked for, besides the body.
struct Wanted<'a> {
    operations: &'a [Operation],
    params: Vec<(String, String)>,
    parts: Parts,
}

async fn serve(
    app: Arc<App>,
    bodies: &Arc<Bodies>,
    wanted: Wanted<'_>,
    body: &mut RequestBody,
    exchange: Arc<Exchange>,
) -> Result<Response, ApiError> {
    let Wanted {
        operations,
        params,
        parts,
    } = wanted;
    if operations.is_empty() {
        return Err(ManagementError::NotFound(None).into());
    }
    let method = effective_method(&parts.method, parts.uri.path(), &parts.headers);
    let candidates: Vec<&Operation> = operations
        .iter()
        .filter(|operation| {
            operation.method == method
                || (method == Method::HEAD && operation.method == Method::GET && operation.head)
        })
        .collect();
    if method == Method::OPTIONS && candidates.is_empty() {
        // Whose page it is, a preflight does not tell: the request itself is judged.
        if operations.iter().any(|operation| operation.private) {
            exchange.admit_any_page();
        }
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
        exchange,
        params: params.into_iter().collect(),
        query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        headers: parts.headers,
        body: Bytes::new(),
        caller: None,
        remote: parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip()),
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
    Ok((operation.handler)(call).await)
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
