//! Who may do what: built-in roles, what they permit, and how far an assignment reaches.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

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

/// What a role assignment is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ScopeType {
    Organization,
    Environment,
    Population,
    Application,
}

impl ScopeType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "ORGANIZATION",
            Self::Environment => "ENVIRONMENT",
            Self::Population => "POPULATION",
            Self::Application => "APPLICATION",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    OrganizationAdmin,
    EnvironmentAdmin,
    IdentityDataAdmin,
    ClientApplicationDeveloper,
    ApplicationOwner,
    IdentityDataReadOnly,
    ConfigurationReadOnly,
}

const CONFIGURATION: &[Area] = &[
    Area::Environment,
    Area::Role,
    Area::Application,
    Area::Resource,
    Area::Grant,
    Area::SignOnPolicy,
    Area::SignOnPolicyAssignment,
    Area::Population,
    Area::MfaSettings,
    Area::CredentialPolicy,
    Area::Notification,
    Area::RoleAssignment,
];
const IDENTITY_DATA: &[Area] = &[
    Area::User,
    Area::Password,
    Area::Device,
    Area::Population,
    Area::MfaSettings,
    Area::Activity,
];
const APPLICATION_DATA: &[Area] = &[
    Area::Application,
    Area::Resource,
    Area::Grant,
    Area::SignOnPolicy,
    Area::SignOnPolicyAssignment,
];

impl Role {
    pub const ALL: [Self; 7] = [
        Self::OrganizationAdmin,
        Self::EnvironmentAdmin,
        Self::IdentityDataAdmin,
        Self::ClientApplicationDeveloper,
        Self::ApplicationOwner,
        Self::IdentityDataReadOnly,
        Self::ConfigurationReadOnly,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OrganizationAdmin => "Organization Admin",
            Self::EnvironmentAdmin => "Environment Admin",
            Self::IdentityDataAdmin => "Identity Data Admin",
            Self::ClientApplicationDeveloper => "Client Application Developer",
            Self::ApplicationOwner => "Application Owner",
            Self::IdentityDataReadOnly => "Identity Data Read Only",
            Self::ConfigurationReadOnly => "Configuration Read Only",
        }
    }

    /// The same in every installation, because clients remember them.
    pub const fn id(self) -> Uuid {
        match self {
            Self::OrganizationAdmin => uuid!("1813bc13-8d13-4e88-a825-d40bfe82777b"),
            Self::EnvironmentAdmin => uuid!("29ddce68-cd7f-4b2a-b6fc-f7a19553b496"),
            Self::IdentityDataAdmin => uuid!("0bd9c966-7664-4ac1-b059-0ff9293908e2"),
            Self::ClientApplicationDeveloper => uuid!("b5057d0d-7281-47f6-9398-8a7e4cb71397"),
            Self::ApplicationOwner => uuid!("7d5b2c1e-36a0-4f0e-9a58-2f1c4b9e6d10"),
            Self::IdentityDataReadOnly => uuid!("ce00e15f-f845-4df1-abf3-fdc4ff4e176c"),
            Self::ConfigurationReadOnly => uuid!("7aba580c-5ec7-4b26-987d-85f462767455"),
        }
    }

    pub fn from_id(id: Uuid) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    /// What the role may be limited to.
    pub const fn applicable_to(self) -> &'static [ScopeType] {
        match self {
            Self::OrganizationAdmin => &[ScopeType::Organization],
            Self::EnvironmentAdmin | Self::ConfigurationReadOnly => {
                &[ScopeType::Organization, ScopeType::Environment]
            }
            Self::IdentityDataAdmin | Self::IdentityDataReadOnly => {
                &[ScopeType::Environment, ScopeType::Population]
            }
            Self::ClientApplicationDeveloper => &[ScopeType::Environment],
            Self::ApplicationOwner => &[ScopeType::Application],
        }
    }

    /// All that the role permits.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        let accesses = [Access::Read, Access::Write, Access::Secret];
        Area::ALL
            .into_iter()
            .flat_map(move |area| accesses.map(|access| Permission { area, access }))
            .filter(move |permission| self.holds(*permission))
    }

    /// Whether a holder may assign the other role, within the own scope.
    pub const fn can_assign(self, other: Self) -> bool {
        matches!(
            (self, other),
            (
                Self::OrganizationAdmin,
                Self::OrganizationAdmin
                    | Self::EnvironmentAdmin
                    | Self::ConfigurationReadOnly
                    | Self::ApplicationOwner
            ) | (
                Self::EnvironmentAdmin,
                Self::EnvironmentAdmin | Self::ConfigurationReadOnly | Self::ApplicationOwner
            ) | (
                Self::IdentityDataAdmin,
                Self::IdentityDataAdmin | Self::IdentityDataReadOnly
            ) | (
                Self::ClientApplicationDeveloper,
                Self::ClientApplicationDeveloper | Self::ApplicationOwner
            ) | (Self::ApplicationOwner, Self::ApplicationOwner)
                | (Self::IdentityDataReadOnly, Self::IdentityDataReadOnly)
                | (Self::ConfigurationReadOnly, Self::ConfigurationReadOnly)
        )
    }

    /// Whether the role holds the permission, somewhere within its scope.
    pub fn holds(self, permission: Permission) -> bool {
        let Permission { area, access } = permission;
        match (self, access) {
            (Self::OrganizationAdmin, Access::Read) => {
                matches!(area, Area::Organization | Area::License | Area::Activity)
                    || Self::EnvironmentAdmin.holds(permission)
            }
            (Self::OrganizationAdmin, Access::Write) => {
                area == Area::License || Self::EnvironmentAdmin.holds(permission)
            }
            (Self::EnvironmentAdmin, Access::Read) => {
                CONFIGURATION.contains(&area)
                    || matches!(
                        area,
                        Area::User | Area::Device | Area::Activity | Area::License
                    )
            }
            (Self::EnvironmentAdmin, Access::Write)
            | (Self::ConfigurationReadOnly, Access::Read) => CONFIGURATION.contains(&area),
            (Self::EnvironmentAdmin | Self::ClientApplicationDeveloper, Access::Secret) => {
                matches!(area, Area::Application | Area::Resource)
            }
            (Self::IdentityDataAdmin | Self::IdentityDataReadOnly, Access::Read) => {
                IDENTITY_DATA.contains(&area)
            }
            (Self::IdentityDataAdmin, Access::Write) => {
                matches!(
                    area,
                    Area::User | Area::Password | Area::Device | Area::Population
                )
            }
            (Self::ClientApplicationDeveloper, Access::Read) => {
                APPLICATION_DATA.contains(&area) || area == Area::Role
            }
            (Self::ClientApplicationDeveloper, Access::Write) => {
                APPLICATION_DATA.contains(&area) && area != Area::SignOnPolicy
            }
            (Self::ApplicationOwner, Access::Read | Access::Write) => {
                matches!(
                    area,
                    Area::Application | Area::Grant | Area::SignOnPolicyAssignment
                )
            }
            (Self::ApplicationOwner, Access::Secret) => area == Area::Application,
            (
                Self::ConfigurationReadOnly | Self::IdentityDataReadOnly,
                Access::Write | Access::Secret,
            )
            | (Self::OrganizationAdmin | Self::IdentityDataAdmin, Access::Secret) => false,
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
mod tests {
    use super::*;

    const HERE: Uuid = uuid!("9e0a1111-2222-4333-8444-555566667777");
    const ELSEWHERE: Uuid = uuid!("9e0a1111-2222-4333-8444-555566668888");
    const STAFF: Uuid = uuid!("d1a50000-1111-4222-8333-444455556666");

    fn assignment(role: Role, scope: ScopeType, scope_id: Uuid, environment: Uuid) -> Assignment {
        Assignment {
            role,
            scope,
            scope_id,
            environment,
        }
    }

    #[test]
    fn a_role_elsewhere_makes_the_environment_unknown() {
        let held = [assignment(
            Role::EnvironmentAdmin,
            ScopeType::Environment,
            ELSEWHERE,
            ELSEWHERE,
        )];
        assert_eq!(
            judge(&held, Some(HERE), Permission::read(Area::Application)),
            Verdict::Unknown
        );
    }

    #[test]
    fn a_role_without_the_permission_is_forbidden() {
        let held = [assignment(
            Role::ConfigurationReadOnly,
            ScopeType::Environment,
            HERE,
            HERE,
        )];
        assert_eq!(
            judge(&held, Some(HERE), Permission::write(Area::Application)),
            Verdict::Forbidden
        );
    }

    #[test]
    fn a_population_role_reaches_its_population_only() {
        let held = [assignment(
            Role::IdentityDataAdmin,
            ScopeType::Population,
            STAFF,
            HERE,
        )];
        assert_eq!(
            judge(&held, Some(HERE), Permission::write(Area::User)),
            Verdict::Allowed(Reach::Populations(vec![STAFF]))
        );
    }

    #[test]
    fn an_organization_role_reaches_every_environment() {
        let held = [assignment(
            Role::OrganizationAdmin,
            ScopeType::Organization,
            ELSEWHERE,
            ELSEWHERE,
        )];
        assert_eq!(
            judge(&held, Some(HERE), Permission::write(Area::SignOnPolicy)),
            Verdict::Allowed(Reach::Everything)
        );
    }

    #[test]
    fn a_developer_of_applications_cannot_touch_users_or_roles() {
        for area in [
            Area::User,
            Area::Password,
            Area::Device,
            Area::RoleAssignment,
            Area::SignOnPolicy,
        ] {
            assert!(
                !Role::ClientApplicationDeveloper.holds(Permission::write(area)),
                "{area:?}"
            );
        }
    }
}
