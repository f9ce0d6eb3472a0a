//! The flows API, as a client that keeps the cookie asks it.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use super::{Answer, Server, id, send};

/// A flow, the cookie that it is bound to, and the answer that it began with (null in redirect modes).
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) body: Value,
}

impl Flow {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.json(200);
        Self {
            id: id(&body),
            cookie: answer.cookies(),
            body,
        }
    }
    pub(crate) fn status(&self) -> &str {
        self.body["status"].as_str().unwrap()
    }
    pub(crate) fn device(&self) -> String {
        id(&self.body["selectedDevice"])
    }
}

impl Server {
    pub(crate) fn authorize(&self, parameters: &[(&str, &str)]) -> RequestBuilder {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.at(Method::GET, &format!("as/authorize?{query}"))
    }

    pub(crate) fn read(&self, flow: &Flow) -> RequestBuilder {
        self.at(Method::GET, &format!("flows/{}", flow.id))
            .header(header::COOKIE, &flow.cookie)
    }

    /// An action with this body, by a client that has the flow's cookie.
    pub(crate) fn act(
        &self,
        flow: &Flow,
        name: &str,
        body: &(impl ToString + ?Sized),
    ) -> RequestBuilder {
        self.act_without_cookie(flow, name, body)
            .header(header::COOKIE, &flow.cookie)
    }

    pub(crate) fn act_without_cookie(
        &self,
        flow: &Flow,
        name: &str,
        body: &(impl ToString + ?Sized),
    ) -> RequestBuilder {
        let media_type = format!("application/vnd.pingidentity.{name}+json");
        self.at(Method::POST, &format!("flows/{}", flow.id))
            .header(header::CONTENT_TYPE, media_type)
            .body(body.to_string())
    }

    pub(crate) async fn check(&self, flow: &Flow, code: &str) -> Answer {
        send(self.act(flow, "otp.check", &json!({ "otp": code }))).await
    }

    pub(crate) async fn select(&self, flow: &Flow, device: &str) -> Answer {
        let body = json!({ "device": { "id": device } });
        send(self.act(flow, "device.select", &body)).await
    }

    pub(crate) fn resume(&self, flow: &Flow) -> RequestBuilder {
        self.at(Method::GET, &format!("as/resume?flowId={}", flow.id))
            .header(header::COOKIE, &flow.cookie)
    }
}
