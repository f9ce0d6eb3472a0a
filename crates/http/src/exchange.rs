//! What every answer to a request must know about it.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, header};
use stepgate_app::origin::Origin;
use stepgate_app::random::SystemRandom;
use stepgate_domain::{
    entropy::Entropy,
    id::Id,
    oauth::{
        client::Client,
        cors::{self, Admission, EndpointKind},
    },
};
use uuid::Uuid;

use crate::refusal::Refusal;

#[derive(Debug)]
pub struct Exchange {
    /// A UUID: in the answer's header, in error bodies, in logs and in the audit trail.
    pub correlation_id: String,
    /// Where the client reached this server.
    pub origin: Origin,
    /// Whose request it is, as far as that is known.
    pub remote: Option<IpAddr>,
    /// Clients that name `application/json` get that; others get HAL's own type.
    pub wants_plain_json: bool,
    /// A browser that navigates, rather than a program that wants JSON.
    pub wants_html: bool,
    /// The `Origin` header: the page whose script asks, when a browser says so.
    pub page_origin: Option<HeaderValue>,
    noted: Mutex<Noted>,
}

/// What comes out while a request is answered.
#[derive(Debug)]
struct Noted {
    /// What the answer tells the browser of the page that asks.
    admission: Admission,
    caller: KnownCaller,
    refusal: Option<Refusal>,
}

/// Who asks, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KnownCaller {
    pub(crate) client: Option<Uuid>,
    pub(crate) user: Option<Uuid>,
    /// The environment of both.
    pub(crate) home: Option<Uuid>,
}

impl Exchange {
    pub(crate) fn new(headers: &HeaderMap, origin: Origin, remote: Option<IpAddr>) -> Self {
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
            remote,
            wants_plain_json: names("application/json"),
            wants_html: names("text/html"),
            page_origin: headers.get(header::ORIGIN).cloned(),
            noted: Mutex::new(Noted {
                admission: Admission::AnyOrigin,
                caller: KnownCaller::default(),
                refusal: None,
            }),
        }
    }

    /// Judges the page that asks, for this answer and every error in its place. Without a call of
    /// this, any origin may read the answer, and none with credentials.
    pub fn judge_page(&self, client: Option<&Client>, kind: EndpointKind) -> Admission {
        // A program that is no browser sends no Origin, and reads no such headers.
        let admission = cors::judge(client, kind, self.page_origin().unwrap_or_default());
        self.admit(admission);
        admission
    }

    /// The header as text; what is not even that is nobody's origin.
    pub(crate) fn page_origin(&self) -> Option<&str> {
        let origin = self.page_origin.as_ref()?;
        Some(origin.to_str().unwrap_or_default())
    }

    pub(crate) fn admit(&self, admission: Admission) {
        self.noted().admission = admission;
    }

    /// Lets the page that asks read the answer, with credentials, when its origin is the one that
    /// the application allows; and else no page.
    pub(crate) fn admit_page(&self, allowed_origin: Option<&str>) {
        let is_allowed = self
            .page_origin
            .as_ref()
            .is_some_and(|origin| allowed_origin.is_some_and(|allowed| origin == allowed));
        self.admit(if is_allowed {
            Admission::Echo {
                with_credentials: true,
            }
        } else {
            Admission::Refused
        });
    }

    /// Lets any page read the answer: there is nothing in it.
    pub(crate) fn admit_any_page(&self) {
        let asking = self.page_origin.as_ref();
        self.admit_page(asking.and_then(|origin| origin.to_str().ok()));
    }

    pub(crate) fn admission(&self) -> Admission {
        self.noted().admission
    }

    /// Notes who asks.
    pub(crate) fn note_caller(&self, caller: KnownCaller) {
        self.noted().caller = caller;
    }

    pub(crate) fn caller(&self) -> KnownCaller {
        self.noted().caller
    }

    /// Notes why the request is refused. What was noted first stands: it is nearest to the cause.
    pub(crate) fn refuse(&self, refusal: impl Into<Refusal>) {
        self.noted().refusal.get_or_insert(refusal.into());
    }

    /// What was noted.
    pub(crate) fn take_refusal(&self) -> Option<Refusal> {
        self.noted().refusal.take()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
