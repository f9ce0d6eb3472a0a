//! The built-in roles, and what they permit.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::{Access, Area, Permission};

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
    DaVinciAdmin,
    DaVinciAdminReadOnly,
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
    pub const ALL: [Self; 9] = [
        Self::OrganizationAdmin,
        Self::EnvironmentAdmin,
        Self::IdentityDataAdmin,
        Self::ClientApplicationDeveloper,
        Self::ApplicationOwner,
        Self::IdentityDataReadOnly,
        Self::ConfigurationReadOnly,
        Self::DaVinciAdmin,
        Self::DaVinciAdminReadOnly,
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
            Self::DaVinciAdmin => "DaVinci Admin",
            Self::DaVinciAdminReadOnly => "DaVinci Admin Read Only",
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
            Self::DaVinciAdmin => uuid!("3f0c1a7e-94d2-4b6b-8a35-6d1e70c2b948"),
            Self::DaVinciAdminReadOnly => uuid!("c86a2b5d-1e47-4f93-b0d8-27e94af1563c"),
        }
    }

    pub fn from_id(id: Uuid) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    /// What the role may be limited to.
    pub const fn applicable_to(self) -> &'static [ScopeType] {
        match self {
            Self::OrganizationAdmin => &[ScopeType::Organization],
            Self::EnvironmentAdmin
            | Self::ConfigurationReadOnly
            | Self::DaVinciAdmin
            | Self::DaVinciAdminReadOnly => &[ScopeType::Organization, ScopeType::Environment],
            Self::IdentityDataAdmin | Self::IdentityDataReadOnly => {
                &[ScopeType::Environment, ScopeType::Population]
            }
            Self::ClientApplicationDeveloper => &[ScopeType::Environment],
            Self::ApplicationOwner => &[ScopeType::Environment, ScopeType::Application],
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

    /// The roles that a role shows as those it can assign.
    pub const fn can_assign(self) -> &'static [Self] {
        match self {
            Self::OrganizationAdmin => &[Self::EnvironmentAdmin],
            Self::EnvironmentAdmin => &[
                Self::EnvironmentAdmin,
                Self::IdentityDataAdmin,
                Self::ClientApplicationDeveloper,
                Self::ApplicationOwner,
                Self::IdentityDataReadOnly,
                Self::ConfigurationReadOnly,
                Self::DaVinciAdmin,
                Self::DaVinciAdminReadOnly,
            ],
            Self::IdentityDataAdmin => &[Self::IdentityDataAdmin, Self::IdentityDataReadOnly],
            Self::DaVinciAdmin => &[Self::DaVinciAdmin, Self::DaVinciAdminReadOnly],
            Self::ClientApplicationDeveloper
            | Self::ApplicationOwner
            | Self::IdentityDataReadOnly
            | Self::ConfigurationReadOnly
            | Self::DaVinciAdminReadOnly => &[],
        }
    }

    /// Whether a holder may assign the other role, within the own scope: those above, the own role,
    /// and what reads as much without writing.
    pub fn may_assign(self, other: Self) -> bool {
        self == other || self.can_assign().contains(&other) || other.reads_as() == Some(self)
    }

    /// The role that this one is the read-only variant of.
    const fn reads_as(self) -> Option<Self> {
        match self {
            Self::IdentityDataReadOnly => Some(Self::IdentityDataAdmin),
            Self::ConfigurationReadOnly => Some(Self::EnvironmentAdmin),
            Self::DaVinciAdminReadOnly => Some(Self::DaVinciAdmin),
            Self::OrganizationAdmin
            | Self::EnvironmentAdmin
            | Self::IdentityDataAdmin
            | Self::ClientApplicationDeveloper
            | Self::ApplicationOwner
            | Self::DaVinciAdmin => None,
        }
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
            // Flows of that product are not served: its roles see where they are held.
            (Self::DaVinciAdmin | Self::DaVinciAdminReadOnly, Access::Read) => {
                matches!(area, Area::Organization | Area::License | Area::Environment)
            }
            (
                Self::ConfigurationReadOnly
                | Self::IdentityDataReadOnly
                | Self::DaVinciAdmin
                | Self::DaVinciAdminReadOnly,
                Access::Write | Access::Secret,
            )
            | (Self::OrganizationAdmin | Self::IdentityDataAdmin, Access::Secret) => false,
        }
    }
}
