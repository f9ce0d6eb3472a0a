//! Requests as values, and the one function that sends them.

use std::{fmt, time::Duration};

use reqwest::{Method, header};
use serde_json::Value;

/// One request: what it says is all that is sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// Path and query, from the root of the server.
    pub path: String,
    pub authorization: Authorization,
    /// The `Content-Type` of the body, and the body itself.
    pub body: Option<(&'static str, String)>,
    /// The `Cookie` header, as a browser would send it.
    pub cookie: Option<String>,
}

#[derive(Clone)]
pub enum Authorization {
    None,
    Bearer(String),
    /// RFC 6749 §2.3.1: client id and secret.
    Basic(String, String),
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer(…)",
            Self::Basic(..) => "Basic(…)",
        })
    }
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            authorization: Authorization::None,
            body: None,
            cookie: None,
        }
    }
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.typed("application/json", body.to_string())
    }
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.typed("application/x-www-form-urlencoded", body)
    }
    #[must_use]
    pub fn typed(mut self, media_type: &'static str, body: String) -> Self {
        self.body = Some((media_type, body));
        self
    }
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.authorization = Authorization::Bearer(token.to_owned());
        self
    }
    #[must_use]
    pub fn basic(mut self, id: &str, secret: &str) -> Self {
        self.authorization = Authorization::Basic(id.to_owned(), secret.to_owned());
        self
    }
    #[must_use]
    pub fn cookie(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }
}

/// What a server answered. A body that is no JSON is kept as a JSON string; none is `null`.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The text at a JSON pointer (RFC 6901), or a complaint that names it.
    pub fn text(&self, pointer: &'static str) -> Result<&str, ClientError> {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .ok_or_else(|| ClientError::Missing {
                pointer,
                body: self.body.to_string(),
            })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `name=value` pairs of all `Set-Cookie` headers, as the next `Cookie` header.
    pub fn cookies(&self) -> Option<String> {
        let pairs: Vec<&str> = self
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// A request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Request,
    pub answer: Answer,
}

impl Exchange {
    /// The answer, if its status is the expected one.
    pub fn expect(self, status: u16) -> Result<Answer, ClientError> {
        if self.answer.status == status {
            return Ok(self.answer);
        }
        Err(ClientError::Status {
            // Without the query: it may hold a hint.
            request: format!("{} {}", self.request.method, path_only(&self.request.path)),
            expected: status,
            status: self.answer.status,
            body: self.answer.body.to_string(),
        })
    }
}

fn path_only(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no answer: {0}")]
    Transport(#[from] reqwest::Error),
    #[error("{request}: expected {expected}, answered {status}: {body}")]
    Status {
        request: String,
        expected: u16,
        status: u16,
        body: String,
    },
    #[error("the answer has no text at {pointer}: {body}")]
    Missing { pointer: &'static str, body: String },
    #[error("no message to {to} arrived within {waited:?}")]
    NoMessage { to: String, waited: Duration },
    #[error("the hint could not be signed: {0}")]
    Hint(#[from] jsonwebtoken::errors::Error),
}

/// Keeps connections alive, follows no redirect and holds no cookies: flows are driven by hand.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// `base` is scheme, host and port, without a path.
    pub fn new(base: impl Into<String>) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            http,
            base: base.into(),
        })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn send(&self, request: &Request) -> Result<Answer, ClientError> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .header(header::ACCEPT, "application/json");
        builder = match &request.authorization {
            Authorization::None => builder,
            Authorization::Bearer(token) => builder.bearer_auth(token),
            Authorization::Basic(id, secret) => builder.basic_auth(id, Some(secret)),
        };
        if let Some(cookie) = &request.cookie {
            builder = builder.header(header::COOKIE, cookie);
        }
        if let Some((media_type, body)) = &request.body {
            builder = builder
                .header(header::CONTENT_TYPE, *media_type)
                .body(body.clone());
        }
        let response = builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    pub async fn exchange(&self, request: Request) -> Result<Exchange, ClientError> {
        let answer = self.send(&request).await?;
        Ok(Exchange { request, answer })
    }

    /// Sends, and expects this status.
    pub async fn call(&self, request: Request, status: u16) -> Result<Answer, ClientError> {
        self.exchange(request).await?.expect(status)
    }
}
