//! One function for each parser that meets the network. It takes any bytes, and panics when what the
//! parser made of them breaks a rule that is stated here a second time, in other words.
//!
//! The same functions are run by libFuzzer (`fuzz_targets/`), and by `cargo test` over the inputs in
//! `corpus/`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a target tells of a fault"
)]

mod authorization_request;
mod condition;
mod cookies;
mod form_query;
mod forwarded;
mod hint_token;
mod host;
mod json;
mod jwt;
mod phone;
mod redirect_uri;
mod request;
mod samples;
mod scim_filter;
mod scim_patch;
mod scopes;
mod server;

pub use authorization_request::authorization_request;
pub use condition::condition;
pub use cookies::cookies;
pub use form_query::form_query;
pub use forwarded::forwarded;
pub use hint_token::hint_token;
pub use host::host;
pub use json::json;
pub use jwt::jwt;
pub use phone::phone;
pub use redirect_uri::redirect_uri;
pub use request::request;
pub use scim_filter::scim_filter;
pub use scim_patch::scim_patch;
pub use scopes::scopes;

/// What is run with the bytes of an input.
pub type Target = fn(&[u8]);

/// Every target, by the name of its binary and of the directory with its corpus.
pub const TARGETS: [(&str, Target); 15] = [
    ("authorization_request", authorization_request),
    ("condition", condition),
    ("cookies", cookies),
    ("form_query", form_query),
    ("forwarded", forwarded),
    ("hint_token", hint_token),
    ("host", host),
    ("json", json),
    ("jwt", jwt),
    ("phone", phone),
    ("redirect_uri", redirect_uri),
    ("request", request),
    ("scim_filter", scim_filter),
    ("scim_patch", scim_patch),
    ("scopes", scopes),
];

/// The input as text. Most of what the network brings has been judged to be that already.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
