//! The assignment of a sign-on policy to an application.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::Area,
    id::Ref,
    resource::{Built, Context, Kind, Reference, Resource, Stored, UniqueKey},
    resources::{
        application::APPLICATION,
        sign_on_policy::{SIGN_ON_POLICY, SignOnPolicy},
    },
    violation::Violation,
};

pub static SIGN_ON_POLICY_ASSIGNMENT: Kind = Kind {
    parent: Some(&APPLICATION),
    nested: true,
    ..Kind::new(
        "signOnPolicyAssignment",
        "signOnPolicyAssignments",
        Area::SignOnPolicyAssignment,
    )
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignOnPolicyAssignment {
    pub sign_on_policy: Ref<SignOnPolicy>,
    /// The lowest is tried first.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub priority: u32,
}

impl Resource for SignOnPolicyAssignment {
    const KIND: &'static Kind = &SIGN_ON_POLICY_ASSIGNMENT;
    type Draft = Self;

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        Ok(draft.into())
    }

    fn unique(&self) -> Vec<UniqueKey> {
        let value = self.sign_on_policy.id.to_string();
        vec![UniqueKey {
            name: "signOnPolicy",
            value,
            within_parent: true,
            target: "signOnPolicy.id",
        }]
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::to(
            &SIGN_ON_POLICY,
            self.sign_on_policy.id.uuid(),
            "signOnPolicy.id",
        )]
    }

    fn arrange(items: &mut [Stored<Self>]) {
        items.sort_by_key(|item| (item.body.priority, item.id));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        id::Id,
        resources::trial::{OTHER, build, fault, stored},
        violation::ViolationCode,
    };

    fn assignment(priority: u32, id: u128) -> Stored<SignOnPolicyAssignment> {
        let body = json!({ "signOnPolicy": { "id": OTHER }, "priority": priority });
        let body = build::<SignOnPolicyAssignment>(body).unwrap().body;
        Stored {
            id: Id::from_uuid(Uuid::from_u128(id)),
            ..stored(body)
        }
    }

    #[test]
    fn the_lowest_priority_comes_first_and_equal_ones_by_id() {
        let mut items = [assignment(2, 1), assignment(1, 9), assignment(1, 3)];
        SignOnPolicyAssignment::arrange(&mut items);
        let order = items.map(|item| (item.body.priority, item.id.uuid().as_u128()));
        assert_eq!(order, [(1, 3), (1, 9), (2, 1)]);
    }

    #[test]
    fn a_priority_is_at_least_one() {
        let body = json!({ "signOnPolicy": { "id": OTHER }, "priority": 0 });
        let fault = fault(build::<SignOnPolicyAssignment>(body));
        assert_eq!(
            (fault.target.as_str(), fault.code),
            ("priority", ViolationCode::OutOfRange)
        );
    }

    #[test]
    fn a_policy_is_assigned_once_to_an_application() {
        let [key] = assignment(1, 1).body.unique().try_into().unwrap();
        assert_eq!(
            (key.target, key.within_parent, key.value.as_str()),
            ("signOnPolicy.id", true, OTHER)
        );
    }
}
