//! The shell around the flow engine: load facts, step, commit the outcome with its effects, and
//! answer after the commit.

mod act;
mod admission;
mod authorize;
mod browser;
mod code;
mod effects;
mod ending;
mod facts;
mod hint;
mod look;
mod look_ups;
mod outcome;
mod pace;
mod policies;
mod polls;
mod resume;
mod session;
mod trail;

use std::net::IpAddr;

use stepgate_domain::{flow::FlowError, ids::DeviceId, secret::Secret};

use crate::{error::ManagementError, origin::Origin};

pub use act::{act, awaits, delivery_failed};
pub use authorize::authorize;
pub(crate) use facts::forgive_name;
pub use look::{earlier, environment_of_flow, look, page_token, poll, refuse_unoffered};
pub(crate) use look_ups::LookUps;
pub use outcome::{AuthorizeFailure, Begun, FlowFailure, Resumed, SessionCookie, Shown};
pub(crate) use polls::Polls;
pub use resume::resume;

/// Who calls, as far as a flow cares.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where the client reached this server.
    pub origin: Origin,
    /// Every value of the session cookie that was sent; any that fits will do.
    pub session_tokens: Vec<Secret<String>>,
    pub remote_ip: Option<IpAddr>,
    /// The `Origin` header: judged by the application's CORS settings.
    pub web_origin: Option<String>,
    pub correlation_id: String,
}

/// What a client does to a flow. A one-time code is any text: what counts as an attempt is judged
/// here.
#[derive(Debug, Clone)]
pub enum Deed {
    SessionReset,
    UserLookup {
        username: String,
    },
    UsernamePasswordCheck {
        username: Option<String>,
        password: Secret<String>,
    },
    DeviceSelect {
        device: DeviceId,
    },
    OtpCheck {
        otp: Secret<String>,
    },
}

/// How often a deed is judged anew because what it was judged by has changed. Each round somebody
/// else gets on, and most of those who wait are then refused at once.
const ATTEMPTS: usize = 64;

/// The engine refused what this shell must never ask of it.
fn unexpected(error: FlowError) -> ManagementError {
    ManagementError::Internal(format!("the flow engine was not given its due: {error:?}").into())
}
