//! The grant: which scopes of a resource an application may ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::Area,
    id::Ref,
    resource::{Built, Context, Kind, Reference, Resource, Stored, UniqueKey},
    resources::{
        api_resource::{ApiResource, RESOURCE},
        application::APPLICATION,
        scope::{SCOPE, Scope},
    },
    violation::Violation,
};

pub static GRANT: Kind = Kind {
    parent: Some(&APPLICATION),
    nested: true,
    ..Kind::new("grant", "grants", Area::Grant)
};

/// All scopes belong to the resource. `openid`, which every sign-on may ask for, may be named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    pub resource: Ref<ApiResource>,
    #[schemars(length(min = 1, max = 1000))]
    pub scopes: Vec<Ref<Scope>>,
}

impl Resource for Grant {
    const KIND: &'static Kind = &GRANT;
    type Draft = Self;

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut scopes = Vec::with_capacity(draft.scopes.len());
        for scope in draft.scopes {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Ok(Self { scopes, ..draft }.into())
    }

    fn unique(&self) -> Vec<UniqueKey> {
        let value = self.resource.id.to_string();
        vec![UniqueKey {
            name: "resource",
            value,
            within_parent: true,
            target: "resource.id",
        }]
    }

    fn references(&self) -> Vec<Reference> {
        let resource = self.resource.id.uuid();
        let scopes = self
            .scopes
            .iter()
            .enumerate()
            .map(|(index, scope)| Reference {
                parent: Some(resource),
                ..Reference::to(&SCOPE, scope.id.uuid(), format!("scopes[{index}].id"))
            });
        std::iter::once(Reference::to(&RESOURCE, resource, "resource.id"))
            .chain(scopes)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::trial::{OTHER, build, targets};

    const RESOURCE_ID: &str = "77777777-7777-4777-8777-777777777777";

    fn body(resource: &str) -> Value {
        json!({ "resource": { "id": resource }, "scopes": [{ "id": OTHER }, { "id": OTHER }] })
    }

    #[test]
    fn a_scope_is_named_once_and_must_belong_to_the_resource() {
        let grant = build::<Grant>(body(RESOURCE_ID)).unwrap().body;
        assert_eq!(grant.scopes.len(), 1);
        let references = grant.references();
        let [resource, scope] = references.as_slice() else {
            panic!("{references:?}")
        };
        assert_eq!(
            (resource.kind, resource.target.as_str()),
            (&RESOURCE, "resource.id")
        );
        assert_eq!((scope.kind, scope.parent), (&SCOPE, Some(resource.id)));
        assert_eq!(scope.blamed(), "scopes");
    }

    #[test]
    fn an_application_has_one_grant_for_a_resource() {
        let grant = build::<Grant>(body(RESOURCE_ID)).unwrap().body;
        let [key] = grant.unique().try_into().unwrap();
        assert_eq!(
            (key.within_parent, key.value.as_str(), key.target),
            (true, RESOURCE_ID, "resource.id")
        );
    }

    #[test]
    fn both_members_are_required() {
        assert_eq!(targets(build::<Grant>(json!({}))), ["resource", "scopes"]);
        let empty = json!({ "resource": { "id": OTHER }, "scopes": [] });
        assert_eq!(targets(build::<Grant>(empty)), ["scopes"]);
    }
}
