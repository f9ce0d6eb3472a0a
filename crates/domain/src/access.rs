//! Who may do what: built-in roles, what they permit, and how far an assignment reaches.

mod role;

use uuid::Uuid;

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

    /// In permission ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::License => "license",
            Self::Environment => "environment",
            Self::RoleAssignment => "roleAssignment",
            Self::Role => "role",
            Self::Application => "application",
            Self::Resource => "resource",
            Self::Grant => "grant",
            Self::SignOnPolicy => "signOnPolicy",
            Self::SignOnPolicyAssignment => "signOnPolicyAssignment",
            Self::Population => "population",
            Self::User => "user",
            Self::Password => "password",
            Self::Device => "device",
            Self::MfaSettings => "mfaSettings",
            Self::CredentialPolicy => "credentialPolicy",
            Self::Notification => "notification",
            Self::Activity => "activity",
        }
    }
}

impl Permission {
    /// `permissions:read:application`
    pub fn id(self) -> String {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::Secret => "secret",
        };
        format!("permissions:{access}:{}", self.area.name())
    }
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

/// How far a permitted call may reach within an environment. Every query takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Everything,
    /// Only these environments, among the organization's.
    Environments(Vec<Uuid>),
    /// Only what belongs to these populations.
    Populations(Vec<Uuid>),
    /// Only these applications.
    Applications(Vec<Uuid>),
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
