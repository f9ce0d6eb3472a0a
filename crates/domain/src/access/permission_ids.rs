//! What permissions are called: `category:action:classifier`.

use std::fmt;

use super::{Access, Area, Permission};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionId {
    pub category: &'static str,
    pub action: &'static str,
    pub classifier: &'static str,
}

impl fmt::Display for PermissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.category, self.action, self.classifier)
    }
}

impl Permission {
    /// All that the permission is called by.
    pub fn ids(self) -> impl Iterator<Item = PermissionId> {
        let actions: &[&str] = match (self.access, self.area) {
            (Access::Read, _) => &["read"],
            (Access::Write, Area::RoleAssignment) => &["update"],
            (Access::Write, _) => &["create", "update", "delete"],
            (Access::Secret, _) => &["read", "update", "delete"],
        };
        let (category, classifiers) = self.names();
        classifiers.iter().flat_map(move |classifier| {
            actions.iter().map(move |action| PermissionId {
                category,
                action,
                classifier,
            })
        })
    }

    const fn names(self) -> (&'static str, &'static [&'static str]) {
        match (self.area, self.access) {
            (Area::Application, Access::Secret) => ("applications", &["secret"]),
            (_, Access::Secret) => ("resources", &["secret"]),
            (Area::Environment, Access::Read) => ("orgmgt", &["environment", "deployment"]),
            (Area::Environment, Access::Write) => ("orgmgt", &["environment"]),
            (Area::RoleAssignment, Access::Read) => (
                "permissions",
                &[
                    "userRoleAssignments",
                    "applicationRoleAssignments",
                    "groupRoleAssignments",
                    "gatewayRoleAssignments",
                ],
            ),
            (Area::RoleAssignment, Access::Write) => (
                "permissions",
                &["userRoleAssignments", "applicationRoleAssignments"],
            ),
            (Area::Organization, _) => ("orgmgt", &["organization"]),
            (Area::License, _) => ("licensing", &["license"]),
            (Area::Role, _) => ("permissions", &["roles"]),
            (Area::Application, _) => ("applications", &["application"]),
            (Area::Resource, _) => ("resources", &["resource", "scope"]),
            (Area::Grant, _) => ("applications", &["grant"]),
            (Area::SignOnPolicy, _) => ("signOnPolicies", &["signOnPolicy"]),
            (Area::SignOnPolicyAssignment, _) => ("applications", &["signOnPolicyAssignment"]),
            (Area::Population, _) => ("populations", &["population"]),
            (Area::User, _) => ("users", &["user", "userEnabled", "userMfaEnabled"]),
            (Area::Password, _) => ("users", &["userPassword"]),
            (Area::Device, _) => ("users", &["device"]),
            (Area::MfaSettings, _) => ("mfa", &["mfaSettings"]),
            (Area::CredentialPolicy, _) => (
                "policies",
                &["passwordPolicy", "deviceAuthenticationPolicy"],
            ),
            (Area::Notification, _) => ("notifications", &["notificationsPolicy", "template"]),
            (Area::Activity, _) => ("audit_reporting", &["activity"]),
        }
    }
}
