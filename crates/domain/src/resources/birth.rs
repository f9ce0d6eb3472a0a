//! What a new environment is born with, in the order in which it can be inserted.

use uuid::Uuid;

use super::{
    api_resource::ApiResource,
    device_authentication_policy::DeviceAuthenticationPolicy,
    mfa_settings::MfaSettings,
    notifications_policy::NotificationsPolicy,
    password_policy::PasswordPolicy,
    population::Population,
    scope::{OPENID, PLATFORM, Scope},
    security_profile::SecurityProfile,
    sign_on_action::SignOnAction,
    sign_on_policy::SignOnPolicy,
};
use crate::{
    id::Id,
    resource::{Built, DefaultMark, Resource, Settings},
};

/// Takes the objects one after the other, gives each an id and puts them into one batch.
pub trait Nursery {
    /// `parent` is the owner of an object that is nested in its owner's path.
    fn add<R: Resource>(&mut self, parent: Option<Uuid>, built: Built<R>) -> Id<R>;
}

/// Bears everything. An object that another mentions comes before it.
pub fn environment(nursery: &mut impl Nursery) {
    for policy in PasswordPolicy::born() {
        nursery.add(None, policy);
    }
    nursery.add(None, NotificationsPolicy::born());
    let devices = nursery.add(None, DeviceAuthenticationPolicy::born());
    nursery.add(None, MfaSettings::born());
    nursery.add(None, SecurityProfile::born());
    nursery.add(None, Population::born());
    resources(nursery);
    sign_on_policies(nursery, devices);
}

fn resources(nursery: &mut impl Nursery) {
    for (resource, scopes) in [
        (ApiResource::openid(), &OPENID[..]),
        (ApiResource::platform_api(), &PLATFORM),
    ] {
        let resource = nursery.add(None, resource.into());
        for scope in scopes {
            nursery.add(Some(resource.uuid()), Scope::born(*scope).into());
        }
    }
}

fn sign_on_policies(nursery: &mut impl Nursery, devices: Id<DeviceAuthenticationPolicy>) {
    let single = nursery
        .add(None, SignOnPolicy::born("Single_Factor", DefaultMark::Set))
        .uuid();
    nursery.add(Some(single), SignOnAction::born_login(1).into());
    let multi = nursery
        .add(None, SignOnPolicy::born("Multi_Factor", DefaultMark::Keep))
        .uuid();
    nursery.add(Some(multi), SignOnAction::born_login(1).into());
    nursery.add(
        Some(multi),
        SignOnAction::born_multi_factor(2, devices).into(),
    );
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::*;
    use crate::{
        resource::Stored,
        resources::trial::{NOW, build_in, stored},
    };

    /// Holds every object against the rules that a client's would be held against.
    #[derive(Default)]
    struct Ward {
        bodies: HashMap<Uuid, Value>,
        keys: HashSet<(&'static str, &'static str, Option<Uuid>, String)>,
        defaults: Vec<&'static str>,
        names: Vec<String>,
    }

    impl Nursery for Ward {
        fn add<R: Resource>(&mut self, parent: Option<Uuid>, built: Built<R>) -> Id<R> {
            let id = Uuid::from_u128(self.bodies.len() as u128 + 1);
            let name = R::KIND.name;
            assert_eq!(parent.is_some(), R::KIND.nested, "{name}");
            assert!(
                parent.is_none_or(|parent| self.bodies.contains_key(&parent)),
                "{name}"
            );
            for reference in built.body.references() {
                assert!(
                    self.bodies.contains_key(&reference.id),
                    "{name} {reference:?}"
                );
            }
            for key in built.body.unique() {
                let owner = parent.filter(|_| key.within_parent);
                assert!(
                    self.keys.insert((name, key.name, owner, key.value)),
                    "{name} twice"
                );
            }
            if built.default == DefaultMark::Set {
                self.defaults.push(name);
            }
            let body = serde_json::to_value(&built.body).unwrap();
            let is_default = built.default == DefaultMark::Set;
            let before = Stored {
                is_default,
                ..stored(built.body)
            };
            let owner = parent.and_then(|parent| self.bodies.get(&parent));
            let view = Value::Object(R::view(&before, NOW));
            let after = build_in(view, Some(&before), owner)
                .unwrap_or_else(|faults| panic!("{name} {faults:?}"));
            assert_eq!(
                serde_json::to_value(&after.body).unwrap(),
                body,
                "a replacement changes {name}"
            );
            self.names
                .extend(body.get("name").and_then(Value::as_str).map(str::to_owned));
            self.bodies.insert(id, body);
            Id::from_uuid(id)
        }
    }

    #[test]
    fn everything_keeps_the_rules_and_comes_after_what_it_needs() {
        let mut ward = Ward::default();
        environment(&mut ward);
        for name in [
            "openid",
            "PingOne API",
            "Single_Factor",
            "Multi_Factor",
            "email",
            "p1:read:user",
        ] {
            assert!(ward.names.iter().any(|known| known == name), "{name}");
        }
        ward.defaults.sort_unstable();
        let kinds = [
            "deviceAuthenticationPolicy",
            "notificationsPolicy",
            "passwordPolicy",
            "population",
            "signOnPolicy",
        ];
        assert_eq!(ward.defaults, kinds, "each of these has one default");
    }
}
