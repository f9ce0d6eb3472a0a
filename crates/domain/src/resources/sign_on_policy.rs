//! The sign-on policy: by which actions a user proves to be who he says.

use regex_lite::Regex;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use crate::{
    access::Area,
    resource::{
        Built, Context, DefaultMark, Kind, Link, Refusal, Resource, Stored, UniqueKey, ViewMember,
    },
    resources::marked,
    time::Timestamp,
    violation::Violation,
};

pub static SIGN_ON_POLICY: Kind = Kind::new("signOnPolicy", "signOnPolicies", Area::SignOnPolicy);

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignOnPolicy {
    /// What `acr_values` calls it.
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SignOnPolicyDraft {
    /// Only `true` has an effect: a default passes on by another becoming it.
    pub default: Option<bool>,
    #[serde(flatten)]
    pub policy: SignOnPolicy,
}

impl SignOnPolicy {
    pub(crate) fn born(name: &str, default: DefaultMark) -> Built<Self> {
        Built {
            default,
            ..Built::from(Self {
                name: name.to_owned(),
                description: None,
            })
        }
    }

    /// A plain name, or an absolute URI.
    fn check_name(&self) -> Option<Violation> {
        let pattern = if self.name.contains(':') {
            "^.+://[^ :]+$"
        } else {
            "^[a-zA-Z0-9_. -]+$"
        };
        let fits = Regex::new(pattern).is_ok_and(|regex| regex.is_match(&self.name));
        let message = "may have letters, digits, spaces and _ . - only, or be an absolute URI";
        let fault = Violation::invalid("name", message).with(json!({ "allowedPattern": pattern }));
        (!fits).then_some(fault)
    }
}

impl Resource for SignOnPolicy {
    const KIND: &'static Kind = &SIGN_ON_POLICY;
    type Draft = SignOnPolicyDraft;

    fn build(
        draft: SignOnPolicyDraft,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        if let Some(fault) = draft.policy.check_name() {
            return Err(vec![fault]);
        }
        let default = if draft.default == Some(true) {
            DefaultMark::Set
        } else {
            DefaultMark::Keep
        };
        Ok(Built {
            default,
            ..Built::from(draft.policy)
        })
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        marked::refuse_default(stored, "Cannot delete a default policy")
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![marked::view_member(generator)]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        marked::members_with_mark(stored)
    }

    fn links(_stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        vec![("actions", Link::Below("/actions"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::trial::{NOW, build, rebuild, stored, targets};

    #[test]
    fn a_name_is_plain_or_an_absolute_uri() {
        for (name, is_accepted) in [
            ("Staff_StepUp", true),
            ("Multi Factor-2.0", true),
            ("https://acr.example.test/loa3", true),
            ("urn:example:loa3", false),
            ("https://a.test/x y", false),
            ("a/b", false),
            ("näme", false),
            ("", false),
        ] {
            let found = targets(build::<SignOnPolicy>(json!({ "name": name })));
            assert_eq!(found.is_empty(), is_accepted, "{name}");
        }
    }

    #[test]
    fn only_true_moves_the_default() {
        let mark = |body| build::<SignOnPolicy>(body).unwrap().default;
        assert_eq!(
            mark(json!({ "name": "a", "default": true })),
            DefaultMark::Set
        );
        assert_eq!(
            mark(json!({ "name": "a", "default": false })),
            DefaultMark::Keep
        );
        let current = Stored {
            is_default: true,
            ..stored(SignOnPolicy::born("a", DefaultMark::Set).body)
        };
        let kept = rebuild(json!({ "name": "a", "default": false }), &current).unwrap();
        assert_eq!(kept.default, DefaultMark::Keep);
        assert_eq!(SignOnPolicy::view(&current, NOW)["default"], true);
    }

    #[test]
    fn the_default_cannot_be_deleted() {
        let policy = stored(SignOnPolicy::born("a", DefaultMark::Set).body);
        assert!(SignOnPolicy::may_leave(&policy, &[]).is_ok());
        let default = Stored {
            is_default: true,
            ..policy
        };
        let Err(Refusal::Invalid(fault)) = SignOnPolicy::may_leave(&default, &[]) else {
            panic!("deleted")
        };
        assert!(fault.message.contains("delete a default policy"));
        assert_eq!(fault.code.as_str(), "CONSTRAINT_VIOLATION");
    }
}
