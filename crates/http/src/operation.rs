//! One row of the list of operations: how a request is recognized, who may send it, what is done, and
//! all that the description of the API says of it.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use axum::{http::Method, response::Response};
use schemars::JsonSchema;
use stepgate_domain::{
    access::Permission,
    oauth::cors::EndpointKind,
    resource::{Kind, Paging, Resource},
};

use crate::{
    api,
    call::Call,
    error::{ErrorForm, Render},
    openapi::{
        Body, Parameter, SchemaOf,
        parameters::{list_parameters, text},
        schemas::{listed, patched, sent, shown, written},
    },
    reply::Reply,
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
    pub(crate) fn accepts(self, sent: Option<&str>, body_is_empty: bool) -> bool {
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

/// What an answer of success is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// One object, with its version.
    Object,
    /// One page of a collection.
    Page,
    Other,
}

/// One line of the list.
#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub takes: Takes,
    pub guard: Guard,
    pub summary: String,
    /// The heading under which the row is described.
    pub(crate) tag: Option<&'static str>,
    /// The status of success.
    pub status: u16,
    /// The form of the body that is sent, where the type says it.
    pub(crate) request: Option<SchemaOf>,
    /// The body of success.
    pub(crate) body: Body,
    /// What else may be answered when nothing went wrong.
    pub(crate) others: Vec<(u16, Body)>,
    pub(crate) shows: Shows,
    /// The kind of the object that it makes.
    pub(crate) makes: Option<&'static Kind>,
    /// Whether too many requests may be refused for a while.
    pub(crate) is_limited: bool,
    /// What the query may say.
    pub(crate) parameters: Vec<Parameter>,
    /// In whose form errors are answered.
    pub(crate) errors: ErrorForm,
    /// How callers prove who they are, where the guard does not say it.
    pub(crate) scheme: Option<&'static str>,
    /// Which pages of other origins may read the answer, as far as the handler says nothing else.
    pub pages: EndpointKind,
    /// Whether it is for whatever host was asked: it tells nothing of any.
    pub on_any_host: bool,
    /// Whether a HEAD is answered like this GET. One that does something must not be.
    pub head: bool,
    /// The scope with which a user may call this on the own account.
    pub own_scope: Option<&'static str>,
    /// Method and path: what requests are counted under.
    pub label: Arc<str>,
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
                    Err(error) => api::refuse(error, &exchange),
                }
            })
        });
        let status = match (&method, takes) {
            (&Method::POST, Takes::Json) => 201,
            (&Method::DELETE, _) => 204,
            _ => 200,
        };
        let path = path.into();
        Self {
            label: Arc::from(format!("{method} {path}")),
            method,
            path,
            takes,
            guard,
            summary: summary.into(),
            tag: None,
            status,
            request: None,
            body: Body::Nothing,
            others: Vec::new(),
            shows: Shows::Other,
            makes: None,
            is_limited: false,
            parameters: Vec::new(),
            errors: E::FORM,
            scheme: None,
            pages: EndpointKind::Cookieless,
            on_any_host: false,
            head: true,
            own_scope: None,
            handler,
        }
    }

    /// The largest body.
    pub(crate) fn limit(&self) -> usize {
        match self.takes {
            Takes::Form | Takes::FormOrNothing => OF_STRANGERS,
            Takes::Nothing | Takes::Json | Takes::Vendor(_) if self.guard != Guard::Public => {
                1024 * 1024
            }
            Takes::Nothing | Takes::Json | Takes::Vendor(_) => 32 * 1024,
        }
    }

    /// Whether requests by this method may mean this operation.
    pub(crate) fn answers(&self, method: &Method) -> bool {
        self.method == *method
            || (*method == Method::HEAD && self.method == Method::GET && self.head)
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        (self.handler)(call).await
    }

    #[must_use]
    pub(crate) fn then(self, describe: impl FnOnce(Self) -> Self) -> Self {
        describe(self)
    }
    #[must_use]
    pub fn request<T: JsonSchema>(mut self) -> Self {
        self.request = Some(sent::<T>);
        self
    }
    /// Takes what clients write of this type.
    #[must_use]
    pub(crate) fn draft<R: Resource>(mut self) -> Self {
        self.request = Some(written::<R>);
        self.makes = (self.method == Method::POST).then_some(R::KIND);
        self
    }
    /// Takes any part of what clients write of this type.
    #[must_use]
    pub(crate) fn patch<R: Resource>(mut self) -> Self {
        self.request = Some(patched::<R>);
        self
    }
    /// Takes a body of this form.
    #[must_use]
    pub(crate) fn takes(mut self, schema: SchemaOf) -> Self {
        self.request = Some(schema);
        self
    }
    /// Answers one object of this type.
    #[must_use]
    pub(crate) fn response<R: Resource>(self) -> Self {
        self.hal(shown::<R>)
    }
    /// Answers one page of the objects of this type.
    #[must_use]
    pub(crate) fn lists<R: Resource>(self) -> Self {
        let most = match R::PAGING {
            Paging::Whole => 1_000,
            Paging::Pages { maximum, .. } => maximum,
        };
        self.page(listed::<R>)
            .parameters(list_parameters(R::FILTER, R::ORDER, most))
    }
    /// Answers a page of a collection.
    #[must_use]
    pub(crate) fn page(mut self, schema: SchemaOf) -> Self {
        self.shows = Shows::Page;
        self.body = Body::Hal(schema);
        self
    }
    /// Answers an object with its version.
    #[must_use]
    pub(crate) fn hal(mut self, schema: SchemaOf) -> Self {
        self.body = Body::Hal(schema);
        self.shows = Shows::Object;
        self
    }
    #[must_use]
    pub(crate) fn json(mut self, schema: SchemaOf) -> Self {
        self.body = Body::Json(schema);
        self
    }
    /// Answers text of this media type.
    #[must_use]
    pub(crate) fn text(mut self, media_type: &'static str) -> Self {
        self.body = Body::Text(media_type);
        self
    }
    /// May answer this as well.
    #[must_use]
    pub(crate) fn or(mut self, status: u16, body: Body) -> Self {
        self.others.push((status, body));
        self
    }
    #[must_use]
    pub(crate) fn parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }
    /// What `expand` may name.
    #[must_use]
    pub(crate) fn expands(self, name: &'static str) -> Self {
        self.parameters([text("expand", format!("`{name}`: shows it as well."))])
    }
    #[must_use]
    pub(crate) fn limited(mut self) -> Self {
        self.is_limited = true;
        self
    }
    #[must_use]
    pub(crate) fn proved_by(mut self, scheme: &'static str) -> Self {
        self.scheme = Some(scheme);
        self
    }
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
    /// Whether it ever succeeds. One that never does is known by name only.
    pub fn is_offered(&self) -> bool {
        self.status < 400
    }
    /// The session's cookie counts here, or what is shown is not for every page.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.pages = EndpointKind::Cookie;
        self
    }
    #[must_use]
    pub fn with_cookie_sent(mut self) -> Self {
        self.pages = EndpointKind::CookieSent;
        self
    }
    #[must_use]
    pub fn on_any_host(mut self) -> Self {
        self.on_any_host = true;
        self
    }
    #[must_use]
    pub fn without_head(mut self) -> Self {
        self.head = false;
        self
    }
}
