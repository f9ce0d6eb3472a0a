//! Who asks, and how far that reaches.

use std::net::IpAddr;

use stepgate_domain::{
    access::{Access, Assignment, Reach, ScopeType},
    id::Id,
    resources::{application::Application, environment::Environment},
    time::Timestamp,
};
use uuid::Uuid;

/// The holder of a valid access token.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The application that the token was issued to, and its environment.
    pub application: Id<Application>,
    pub environment: Id<Environment>,
    /// The user that the token speaks for, when there is one.
    pub user: Option<Uuid>,
    /// The sign-on that the token is from.
    pub session: Option<Uuid>,
    /// The scopes that count for the user's own data.
    pub scopes: Vec<String>,
    /// When the user proved a second factor in the sign-on that the token is from, and nobody had
    /// hinted at the user.
    pub second_factor_at: Option<Timestamp>,
    /// The user's, or else the application's; none unless it is a worker application.
    pub assignments: Vec<Assignment>,
}

/// One permitted call.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub reach: Reach,
    pub access: Access,
    /// In the answer's header, the logs and the audit trail.
    pub correlation_id: String,
    /// The address that the call came from.
    pub remote_ip: Option<IpAddr>,
}

/// Where an object stands: its environment, and its owner when the path runs through one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub environment: Uuid,
    pub parent: Option<Uuid>,
}

impl Place {
    /// Where objects stand that have no owner in their path.
    pub const fn environment(environment: Uuid) -> Self {
        Self {
            environment,
            parent: None,
        }
    }
}

/// The environments that an actor has any role in.
pub fn environments_within_reach(actor: &Actor) -> Reach {
    if actor
        .assignments
        .iter()
        .any(|held| held.scope == ScopeType::Organization)
    {
        return Reach::Everything;
    }
    Reach::Environments(
        actor
            .assignments
            .iter()
            .map(|held| held.environment)
            .collect(),
    )
}
