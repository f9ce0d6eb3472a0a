//! The shell around the flow engine: load facts, step, commit the outcome with its effects, and
//! answer after the commit.

mod outcome;

use std::net::IpAddr;

use stepgate_domain::{flow::ids::DeviceId, secret::Secret};
use stepgate_store::engine::{Batch, Statement};
use uuid::Uuid;

use crate::{App, error::ManagementError, origin::Origin};

pub use outcome::{AuthorizeFailure, Begun, FlowFailure, Resumed, SessionCookie, Shown};

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

/// The worker found out that a message of this flow cannot be delivered: `dead` is committed with
/// what the flow makes of it.
pub async fn delivery_failed(
    app: &App,
    _environment: Uuid,
    _flow: Uuid,
    _message: &str,
    dead: Statement,
) -> Result<(), ManagementError> {
    Ok(app.commit(Batch(vec![dead])).await?)
}
