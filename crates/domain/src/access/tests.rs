use uuid::uuid;

use super::*;
use crate::{
    resource::{Kind, Resource},
    resources::{
        api_resource::RESOURCE,
        application::{APPLICATION, Application},
        device::DEVICE,
        device_authentication_policy::DEVICE_AUTHENTICATION_POLICY,
        environment::ENVIRONMENT,
        grant::GRANT,
        license::LICENSE,
        mfa_settings::MFA_SETTINGS,
        notifications_policy::NOTIFICATIONS_POLICY,
        organization::ORGANIZATION,
        password_policy::PasswordPolicy,
        population::POPULATION,
        role_assignment::RoleAssignment,
        scope::SCOPE,
        security_profile::SecurityProfile,
        sign_on_action::SignOnAction,
        sign_on_policy::SIGN_ON_POLICY,
        sign_on_policy_assignment::SIGN_ON_POLICY_ASSIGNMENT,
        user::{USER, User},
    },
};

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

#[test]
fn nobody_assigns_more_than_they_hold() {
    use Role::{
        ApplicationOwner, ClientApplicationDeveloper, ConfigurationReadOnly, DaVinciAdmin,
        EnvironmentAdmin, IdentityDataAdmin, IdentityDataReadOnly, OrganizationAdmin,
    };
    let here = |role| assignment(role, ScopeType::Environment, HERE, HERE);
    let everywhere = |role| assignment(role, ScopeType::Organization, STAFF, STAFF);
    let there = |role| assignment(role, ScopeType::Environment, ELSEWHERE, ELSEWHERE);
    let staff = |role| assignment(role, ScopeType::Population, STAFF, HERE);
    for (held, wanted, may) in [
        (here(EnvironmentAdmin), here(EnvironmentAdmin), true),
        (here(EnvironmentAdmin), here(ConfigurationReadOnly), true),
        (here(EnvironmentAdmin), staff(IdentityDataAdmin), true),
        (here(EnvironmentAdmin), here(DaVinciAdmin), true),
        (here(EnvironmentAdmin), there(EnvironmentAdmin), false),
        (here(EnvironmentAdmin), everywhere(EnvironmentAdmin), false),
        (here(EnvironmentAdmin), everywhere(OrganizationAdmin), false),
        (everywhere(EnvironmentAdmin), there(IdentityDataAdmin), true),
        (
            everywhere(EnvironmentAdmin),
            everywhere(OrganizationAdmin),
            false,
        ),
        (everywhere(OrganizationAdmin), there(EnvironmentAdmin), true),
        (
            everywhere(OrganizationAdmin),
            everywhere(OrganizationAdmin),
            true,
        ),
        (
            everywhere(OrganizationAdmin),
            here(IdentityDataAdmin),
            false,
        ),
        (here(IdentityDataAdmin), staff(IdentityDataReadOnly), true),
        (staff(IdentityDataAdmin), here(IdentityDataReadOnly), false),
        (staff(IdentityDataAdmin), staff(IdentityDataAdmin), true),
        (
            here(ClientApplicationDeveloper),
            here(ClientApplicationDeveloper),
            true,
        ),
        (
            here(ClientApplicationDeveloper),
            here(ApplicationOwner),
            false,
        ),
        (here(ApplicationOwner), here(ApplicationOwner), true),
        (here(IdentityDataReadOnly), here(IdentityDataAdmin), false),
    ] {
        assert_eq!(
            may_assign_all(&[held], &[wanted]),
            may,
            "{held:?} {wanted:?}"
        );
    }
    let both = [here(EnvironmentAdmin), everywhere(OrganizationAdmin)];
    assert!(may_assign_all(&both, &both));
    assert!(!may_assign_all(&both[..1], &both));
    assert!(may_assign_all(&[], &[]));
}

#[test]
fn permissions_are_called_as_clients_know_them() {
    let all: Vec<String> = Role::ALL
        .into_iter()
        .flat_map(Role::permissions)
        .flat_map(Permission::ids)
        .map(|id| id.to_string())
        .collect();
    for id in [
        "permissions:read:userRoleAssignments",
        "permissions:update:userRoleAssignments",
        "permissions:read:groupRoleAssignments",
        "permissions:read:gatewayRoleAssignments",
        "permissions:read:roles",
        "licensing:read:license",
        "orgmgt:read:deployment",
        "orgmgt:read:environment",
        "orgmgt:read:organization",
        "orgmgt:create:environment",
        "orgmgt:update:environment",
        "orgmgt:delete:environment",
        "applications:read:secret",
        "applications:update:secret",
        "applications:delete:secret",
        "audit_reporting:read:activity",
    ] {
        assert!(all.iter().any(|listed| listed == id), "{id}");
    }
    assert!(!all.iter().any(|id| id.contains(":write:")));
    for role in Role::ALL {
        let ids: Vec<_> = role.permissions().flat_map(Permission::ids).collect();
        assert!(!ids.is_empty(), "{role:?}");
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{role:?} twice {id}");
        }
    }
}

/// How many owners above an object of each kind the object is that a reach names, for the reaches of
/// [`every_kind_is_within_no_reach_but_those_named_here`].
const ABOVE: [(&Kind, [Option<usize>; 4]); 20] = [
    (&ORGANIZATION, [None; 4]),
    (&LICENSE, [None; 4]),
    (&ENVIRONMENT, [Some(0), None, None, None]),
    (&POPULATION, [None, Some(0), None, None]),
    (&USER, [None, Some(1), None, Some(0)]),
    (&DEVICE, [None, Some(2), None, Some(1)]),
    (RoleAssignment::<User>::KIND, [None, Some(2), None, Some(1)]),
    (&APPLICATION, [None, None, Some(0), None]),
    (&GRANT, [None, None, Some(1), None]),
    (&SIGN_ON_POLICY_ASSIGNMENT, [None, None, Some(1), None]),
    (
        RoleAssignment::<Application>::KIND,
        [None, None, Some(1), None],
    ),
    (&RESOURCE, [None; 4]),
    (&SCOPE, [None; 4]),
    (&SIGN_ON_POLICY, [None; 4]),
    (SignOnAction::KIND, [None; 4]),
    (PasswordPolicy::KIND, [None; 4]),
    (&DEVICE_AUTHENTICATION_POLICY, [None; 4]),
    (&NOTIFICATIONS_POLICY, [None; 4]),
    (&MFA_SETTINGS, [None; 4]),
    (SecurityProfile::KIND, [None; 4]),
];

#[test]
fn every_kind_is_within_no_reach_but_those_named_here() {
    let ids = || vec![HERE];
    let reaches = [
        Reach::Environments(ids()),
        Reach::Populations(ids()),
        Reach::Applications(ids()),
        Reach::Own(HERE),
    ];
    for (kind, above) in ABOVE {
        assert_eq!(Reach::Everything.limit(kind), Limit::Unlimited);
        for (reach, above) in reaches.iter().zip(above) {
            let expected = match above {
                Some(owners_above) => Limit::Among {
                    owners_above,
                    ids: &[HERE],
                },
                None => Limit::Nothing,
            };
            assert_eq!(reach.limit(kind), expected, "{} in {reach:?}", kind.name);
        }
    }
}
