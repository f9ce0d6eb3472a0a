//! The assignment of a role to an application or a user, within a scope.

use std::marker::PhantomData;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    access::{Area, Carries, Role, ScopeType},
    id::{Id, Ref},
    resource::{Built, Context, Family, Kind, Resource, Stored, UniqueKey, ViewMember},
    resources::{
        application::{APPLICATION, Application},
        user::{USER, User},
    },
    time::Timestamp,
    violation::Violation,
};

/// Who may hold roles. Assignments differ by their holder's place alone, so they have one name: in
/// paths, in permissions and in the audit trail.
pub trait Holder: Resource {
    const ASSIGNMENTS: &'static Kind;
}

const fn held_by(holder: &'static Kind, family: Family) -> Kind {
    Kind {
        family,
        parent: Some(holder),
        nested: true,
        ..Kind::new("roleAssignment", "roleAssignments", Area::RoleAssignment)
    }
}

static OF_APPLICATIONS: Kind = held_by(&APPLICATION, Family::Configuration);
static OF_USERS: Kind = held_by(&USER, Family::UserRole);

impl Holder for Application {
    const ASSIGNMENTS: &'static Kind = &OF_APPLICATIONS;
}
impl Holder for User {
    const ASSIGNMENTS: &'static Kind = &OF_USERS;
}

/// How far the role reaches: an organization, environment, population or application.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AssignmentScope {
    pub id: Id<()>,
    #[serde(rename = "type")]
    pub scope_type: ScopeType,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", rename = "RoleAssignment")]
pub struct RoleAssignment<H> {
    pub role: Ref<Role>,
    pub scope: AssignmentScope,
    #[serde(skip)]
    holder: PhantomData<fn() -> H>,
}

impl<H> Copy for RoleAssignment<H> {}
impl<H> Clone for RoleAssignment<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> RoleAssignment<H> {
    pub fn new(role: Role, scope_type: ScopeType, scope_id: uuid::Uuid) -> Self {
        let scope = AssignmentScope {
            id: Id::from_uuid(scope_id),
            scope_type,
        };
        Self {
            role: Id::from_uuid(role.id()).into(),
            scope,
            holder: PhantomData,
        }
    }

    /// By what the assignments of the role at this scope are found.
    pub fn key(role: Role, scope_id: uuid::Uuid) -> UniqueKey {
        Self::key_of(role.id(), scope_id)
    }

    fn key_of(role: uuid::Uuid, scope: uuid::Uuid) -> UniqueKey {
        UniqueKey {
            name: "role",
            value: format!("{role} {scope}"),
            within_parent: true,
            target: "role",
        }
    }

    /// `None` only for what was never checked: [`Resource::build`] lets no unknown role through.
    pub fn role(&self) -> Option<Role> {
        Role::from_id(self.role.id.uuid())
    }
}

impl<H: Holder> Resource for RoleAssignment<H> {
    const KIND: &'static Kind = H::ASSIGNMENTS;
    type Draft = Self;

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let Some(role) = draft.role() else {
            return Err(vec![Violation::invalid(
                "role.id",
                "must be the id of a role",
            )]);
        };
        let fitting = role.applicable_to();
        if !fitting.contains(&draft.scope.scope_type) {
            let names: Vec<_> = fitting.iter().map(|fitting| fitting.as_str()).collect();
            let message = format!(
                "the role {} can be limited to {}",
                role.name(),
                names.join(" or ")
            );
            // Clients know this fault by its target.
            return Err(vec![Violation::invalid("scope", message).allowing(&names)]);
        }
        Ok(draft.into())
    }

    fn carries(&self, _now: Timestamp) -> Carries {
        Carries {
            by_itself: self.role() == Some(Role::OrganizationAdmin),
            ..Carries::default()
        }
    }

    fn title(&self) -> Option<String> {
        let role = self.role()?.name();
        let AssignmentScope { id, scope_type } = self.scope;
        Some(format!("{role} within {} {id}", scope_type.as_str()))
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![Self::key_of(self.role.id.uuid(), self.scope.id.uuid())]
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![ViewMember::always(
            "readOnly",
            generator.subschema_for::<bool>(),
        )]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = stored.body_members();
        members.insert("readOnly".to_owned(), false.into());
        members
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::trial::{NOW, OTHER, build, stored, targets};

    fn body(role: Role, scope: ScopeType) -> Value {
        json!({ "role": { "id": role.id().to_string() }, "scope": { "id": OTHER, "type": scope.as_str() } })
    }

    #[test]
    fn only_pairs_that_fit_are_accepted() {
        use ScopeType::{Application, Environment, Organization, Population};
        let valid = [
            (Role::OrganizationAdmin, &[Organization][..]),
            (Role::EnvironmentAdmin, &[Organization, Environment]),
            (Role::ConfigurationReadOnly, &[Organization, Environment]),
            (Role::IdentityDataAdmin, &[Environment, Population]),
            (Role::IdentityDataReadOnly, &[Environment, Population]),
            (Role::ClientApplicationDeveloper, &[Environment]),
            (Role::ApplicationOwner, &[Environment, Application]),
            (Role::DaVinciAdmin, &[Organization, Environment]),
            (Role::DaVinciAdminReadOnly, &[Organization, Environment]),
        ];
        for (role, scopes) in valid {
            for scope in [Organization, Environment, Population, Application] {
                let found = targets(build::<RoleAssignment<User>>(body(role, scope)));
                if scopes.contains(&scope) {
                    assert!(found.is_empty(), "{role:?} {scope:?}");
                } else {
                    assert_eq!(found, ["scope"], "{role:?} {scope:?}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_role_is_refused() {
        let body =
            json!({ "role": { "id": OTHER }, "scope": { "id": OTHER, "type": "ENVIRONMENT" } });
        assert_eq!(targets(build::<RoleAssignment<User>>(body)), ["role.id"]);
        let body = json!({ "role": { "id": OTHER }, "scope": { "id": OTHER, "type": "PLANET" } });
        assert_eq!(targets(build::<RoleAssignment<User>>(body)), ["scope.type"]);
    }

    #[test]
    fn it_can_be_deleted_by_whoever_sees_it() {
        let assignment = RoleAssignment::<User>::new(
            Role::EnvironmentAdmin,
            ScopeType::Environment,
            uuid::Uuid::nil(),
        );
        assert_eq!(
            RoleAssignment::<User>::view(&stored(assignment), NOW)["readOnly"],
            false
        );
    }
}
