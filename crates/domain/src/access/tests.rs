use uuid::uuid;

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
