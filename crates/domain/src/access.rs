//! Who may do what: built-in roles, what they permit, and how far an assignment reaches.

mod permission_ids;
mod reach;
mod role;

use uuid::Uuid;

pub use permission_ids::PermissionId;
pub use reach::{Limit, Reach};
pub use role::{Role, ScopeType};

/// A kind of resource, as permissions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    Organization,
    License,
    Environment,
    RoleAssignment,
    Role,
    Application,
    /// Resources, scopes and their attributes.
    Resource,
    Grant,
    /// Sign-on policies and their actions.
    SignOnPolicy,
    SignOnPolicyAssignment,
    Population,
    User,
    Password,
    Device,
    MfaSettings,
    /// Device authentication policies, password policies.
    CredentialPolicy,
    /// Notification policies and templates.
    Notification,
    Activity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    Read,
    Write,
    /// Read or rotate the secret of an application or resource.
    Secret,
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    pub area: Area,
    pub access: Access,
}

impl Area {
    pub const ALL: [Self; 18] = [
        Self::Organization,
        Self::License,
        Self::Environment,
        Self::RoleAssignment,
        Self::Role,
        Self::Application,
        Self::Resource,
        Self::Grant,
        Self::SignOnPolicy,
        Self::SignOnPolicyAssignment,
        Self::Population,
        Self::User,
        Self::Password,
        Self::Device,
        Self::MfaSettings,
        Self::CredentialPolicy,
        Self::Notification,
        Self::Activity,
    ];
}

impl Permission {
    pub const fn read(area: Area) -> Self {
        Self {
            area,
            access: Access::Read,
        }
    }
    pub const fn write(area: Area) -> Self {
        Self {
            area,
            access: Access::Write,
        }
    }
    pub const fn secret(area: Area) -> Self {
        Self {
            area,
            access: Access::Secret,
        }
    }
}

/// One role that an actor holds, with its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub role: Role,
    pub scope: ScopeType,
    /// The organization, environment, population or application.
    pub scope_id: Uuid,
    /// The environment that a population or application lies in; the scope itself otherwise.
    pub environment: Uuid,
}

impl Assignment {
    /// Whether its holder may assign the other, or take it away: a role that this one may assign, at
    /// the same or a narrower scope.
    fn may_assign(&self, other: &Self) -> bool {
        let is_as_broad = match self.scope {
            ScopeType::Organization => true,
            ScopeType::Environment => {
                other.scope != ScopeType::Organization && self.environment == other.environment
            }
            ScopeType::Population | ScopeType::Application => {
                (self.scope, self.scope_id) == (other.scope, other.scope_id)
            }
        };
        is_as_broad && self.role.may_assign(other.role)
    }
}

/// How roles work through an object, as it is. With what an object below says, this is all that makes
/// a role work: an assignment, its holder who can get a token, and the environment of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carries {
    /// The object's own part: whether it is in force.
    pub by_itself: bool,
    /// Whether users administer by tokens that they get from it.
    pub for_users: bool,
}

impl Carries {
    /// Whether less works than before.
    pub const fn is_less_than(self, before: Self) -> bool {
        (before.by_itself && !self.by_itself) || (before.for_users && !self.for_users)
    }
}

/// Whether somebody who holds these may assign each of the others. Only they may touch whoever holds
/// the others: to set a password, or to read a secret, is to act as its owner.
pub fn may_assign_all(held: &[Assignment], others: &[Assignment]) -> bool {
    others
        .iter()
        .all(|other| held.iter().any(|held| held.may_assign(other)))
}

/// The answer to a permission question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Allowed(Reach),
    /// Some role in the environment, but not this permission: 403.
    Forbidden,
    /// No role in the environment at all: it might as well not exist: 404.
    Unknown,
}

/// Judges by all the assignments of a caller. `environment` is `None` for calls on the
/// organization itself.
pub fn judge(
    assignments: &[Assignment],
    environment: Option<Uuid>,
    permission: Permission,
) -> Verdict {
    let mut populations = Vec::new();
    let mut applications = Vec::new();
    let mut knows = false;
    for assignment in assignments {
        let covers = match assignment.scope {
            ScopeType::Organization => true,
            ScopeType::Environment | ScopeType::Population | ScopeType::Application => {
                environment == Some(assignment.environment)
            }
        };
        if !covers {
            continue;
        }
        knows = true;
        if !assignment.role.holds(permission) {
            continue;
        }
        match assignment.scope {
            ScopeType::Organization | ScopeType::Environment => {
                return Verdict::Allowed(Reach::Everything);
            }
            ScopeType::Population => populations.push(assignment.scope_id),
            ScopeType::Application => applications.push(assignment.scope_id),
        }
    }
    // A role limited to populations holds permissions on identity data, one limited to
    // applications on applications: no permission can be held through both.
    if !populations.is_empty() {
        Verdict::Allowed(Reach::Populations(populations))
    } else if !applications.is_empty() {
        Verdict::Allowed(Reach::Applications(applications))
    } else if knows {
        Verdict::Forbidden
    } else {
        Verdict::Unknown
    }
}

#[cfg(test)]
mod tests;
