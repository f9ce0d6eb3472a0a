//! What every answer to a request must know about it.

use axum::http::{HeaderMap, header};
use stepgate_app::origin::Origin;
use stepgate_app::random::SystemRandom;
use stepgate_domain::{entropy::Entropy, id::Id};

#[derive(Debug, Clone)]
pub struct Exchange {
    /// A UUID: in the answer's header, in error bodies, in logs and in the audit trail.
    pub correlation_id: String,
    /// Where the client reached this server.
    pub origin: Origin,
    /// Clients that name `application/json` get that; others get HAL's own type.
    pub wants_plain_json: bool,
    /// A browser that navigates, rather than a program that wants JSON.
    pub wants_html: bool,
}

impl Exchange {
    pub(crate) fn new(headers: &HeaderMap, origin: Origin) -> Self {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let names = |media_type: &str| {
            accept.split(',').any(|item| {
                item.split(';')
                    .next()
                    .is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type))
            })
        };
        let entropy: &mut dyn Entropy = &mut SystemRandom;
        Self {
            correlation_id: Id::<Self>::random(entropy).to_string(),
            origin,
            wants_plain_json: names("application/json"),
            wants_html: names("text/html"),
        }
    }
}
