//! A server for one test, and the shortest ways to ask it.

mod answer;
mod browser;
mod delivered;
mod described;
pub(crate) mod held;
mod management;
mod oauth;
mod objects;
mod server;
mod sign_on;
mod trail;
mod wire;

use serde_json::Value;

pub(crate) use answer::{Answer, send};
pub(crate) use browser::{Browser, Form};
pub(crate) use delivered::{Trial, device_policy};
pub(crate) use management::Caller;
pub(crate) use oauth::verified;
pub(crate) use objects::{SignedOn, TestClient};
pub(crate) use server::{PUBLIC, Server, Setup, Spent};
pub(crate) use sign_on::Flow;
pub(crate) use wire::Wire;

pub(crate) const REDIRECT_URI: &str = "https://app.example.test/cb";
/// The origin of the application's own pages.
pub(crate) const PAGE: &str = "https://app.example.test";
/// The phone of the user who signs on.
pub(crate) const PHONE: &str = "+4712345642";
/// The id of nothing.
pub(crate) const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[track_caller]
pub(crate) fn text(body: &Value, member: &str) -> String {
    body[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {body:#}"))
        .to_owned()
}

#[track_caller]
pub(crate) fn id(body: &Value) -> String {
    text(body, "id")
}

/// The ids of a collection, in its order.
pub(crate) fn ids(collection: &Value, name: &str) -> Vec<String> {
    let items = collection["_embedded"][name].as_array().unwrap();
    items.iter().map(id).collect()
}

/// The parameters of a URL's query or fragment.
pub(crate) fn parameters(url: &str) -> std::collections::HashMap<String, String> {
    let (_, encoded) = url.split_once(['?', '#']).unwrap_or((url, ""));
    form_urlencoded::parse(encoded.as_bytes())
        .into_owned()
        .collect()
}
