//! An answer, taken apart.

use std::collections::HashMap;

use reqwest::{RequestBuilder, Response, header};
use serde_json::Value;

use super::{described::Asked, id, parameters, text};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
    /// Null when the text is no JSON.
    pub(crate) body: Value,
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let asked = Asked::of(&request);
    let answer = Answer::of(client.execute(request).await.unwrap()).await;
    asked.admits(&answer);
    answer
}

/// Typed clients lose the whole error where what is allowed is not a list of strings.
fn reads_as_errors_do(body: &Value) {
    for detail in body["details"].as_array().into_iter().flatten() {
        if let Some(allowed) = detail["innerError"].get("allowedValues") {
            let texts = allowed.as_array().unwrap();
            assert!(
                !texts.is_empty() && texts.iter().all(Value::is_string),
                "{detail}"
            );
        }
    }
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        reads_as_errors_do(&body);
        Self {
            status,
            headers,
            text,
            body,
        }
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body.clone()
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        id(&self.body)
    }

    /// `code` of an error of the platform.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }

    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn location(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        self.header("location").unwrap()
    }

    /// Where a redirect leads, and the parameters of its query or fragment.
    #[track_caller]
    pub(crate) fn redirected(&self) -> (String, HashMap<String, String>) {
        let location = self.location(302);
        let uri = location.split(['?', '#']).next().unwrap();
        (uri.to_owned(), parameters(location))
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|value| value.to_str().unwrap()).collect()
    }

    /// The next `Cookie` header of a client that keeps what it was given.
    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<&str> = self
            .set_cookies()
            .iter()
            .map(|it| it.split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }

    /// `(code, target)` of every detail.
    pub(crate) fn details(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = self.body["details"].as_array().into_iter().flatten();
        details
            .map(|detail| (text(&detail["code"]), text(&detail["target"])))
            .collect()
    }

    /// An error of the platform, with its details.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Vec<(String, String)> {
        let body = self.json(status);
        assert_eq!(body["code"], code, "{body:#}");
        assert_eq!(body["id"].as_str(), self.header("correlation-id"));
        self.details()
    }

    /// An error of the platform with this one detail, which is returned.
    #[track_caller]
    pub(crate) fn refused_for(&self, status: u16, code: &str, detail: &str, target: &str) -> Value {
        let details = self.refused(status, code);
        assert_eq!(
            details,
            [(detail.to_owned(), target.to_owned())],
            "{:#}",
            self.body
        );
        self.body["details"][0].clone()
    }

    /// An error of the platform without details.
    #[track_caller]
    pub(crate) fn refused_plainly(&self, status: u16, code: &str) -> Value {
        self.refused(status, code);
        assert_eq!(self.body.get("details"), None, "{:#}", self.body);
        self.body.clone()
    }

    /// Code, detail's code, target and message of an error of the platform.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> (String, String, String, String) {
        let body = self.json(status);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let detail = |name: &str| text(&body["details"][0][name]);
        (
            text(&body["code"]),
            detail("code"),
            detail("target"),
            detail("message"),
        )
    }

    /// `error` of an OAuth error, and its description without the header's correlation id, with
    /// which it must end.
    #[track_caller]
    pub(crate) fn oauth_error(&self, status: u16) -> (String, String) {
        let body = self.json(status);
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        let description = text(&body, "error_description");
        let id = self.header("correlation-id").unwrap();
        let suffix = format!(" (Correlation ID: {id})");
        let description = description.strip_suffix(&suffix).unwrap().to_owned();
        (text(&body, "error"), description)
    }

    /// A page for a person with this in it.
    #[track_caller]
    pub(crate) fn page(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let policy = self.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(self.text.contains(part), "no {part:?} in {}", self.text);
    }
}
