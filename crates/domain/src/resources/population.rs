//! Populations: every user is in exactly one.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use super::{
    marked::{self, Marked},
    password_policy::PasswordPolicy,
    user::USER,
};
use crate::{
    access::Area,
    id::Ref,
    resource::{
        Built, Context, DefaultMark, FilterAttribute, FilterSource, Kind, Paging, Reference,
        Refusal, Resource, Stored, Term, UniqueKey, ViewMember,
    },
    scim::Operator,
    time::Timestamp,
    violation::Violation,
};

pub static POPULATION: Kind = Kind {
    not_found: Some(|id, environment| {
        format!("Unable to find population with ID: '{id}' in environment '{environment}'")
    }),
    ..Kind::new("population", "populations", Area::Population)
};

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Population {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    pub description: Option<String>,
    /// More keys to find the population by.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 256)))]
    pub alternative_identifiers: Option<Vec<String>>,
    /// Absent: the environment's default policy.
    pub password_policy: Option<Ref<PasswordPolicy>>,
    /// Of an environment that has one language, this one.
    pub preferred_language: Option<Language>,
}

/// A language of messages and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
}

impl Population {
    /// The one that a new environment has.
    pub fn born() -> Built<Self> {
        marked::born_default(Self {
            name: "Default".to_owned(),
            description: Some("Automatically created population.".to_owned()),
            alternative_identifiers: None,
            password_policy: None,
            preferred_language: Some(Language::English),
        })
    }
}

impl Resource for Population {
    const KIND: &'static Kind = &POPULATION;
    type Draft = Marked<Self>;

    const PAGING: Paging = Paging::Pages {
        default: 100,
        maximum: 1_000,
    };
    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::new("name", &[Operator::Eq, Operator::Sw], FilterSource::Term),
        FilterAttribute::exact("id", FilterSource::Id),
        FilterAttribute::exact("alternativeIdentifiers", FilterSource::Term),
    ];
    const GUARDED_SET: bool = true;
    const COUNTED_MEMBERS: Option<&'static Kind> = Some(&USER);

    fn build(
        mut draft: Self::Draft,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let faults = draft.faults(&json!({ "theme": null }));
        if !faults.is_empty() {
            return Err(faults);
        }
        draft.rules.preferred_language.get_or_insert_default();
        // Unlike the policies, an environment can do without a default population.
        let default = match draft.default {
            Some(true) => DefaultMark::Set,
            Some(false) => DefaultMark::Clear,
            None => DefaultMark::Keep,
        };
        Ok(Built {
            default,
            ..Built::from(draft.rules)
        })
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn references(&self) -> Vec<Reference> {
        let policy = self.password_policy.iter();
        policy
            .map(|policy| {
                Reference::to(PasswordPolicy::KIND, policy.id.uuid(), "passwordPolicy.id")
            })
            .collect()
    }

    fn terms(&self) -> Vec<Term> {
        let others = self.alternative_identifiers.iter().flatten();
        let mut terms: Vec<_> = others
            .map(|identifier| Term::new("alternativeIdentifiers", identifier))
            .collect();
        terms.push(Term::new("name", &self.name));
        terms
    }

    fn may_leave(stored: &Stored<Self>, siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        let refuse = |message: &str| Err(Refusal::Invalid(Violation::constraint("id", message)));
        if siblings.iter().all(|sibling| sibling.id == stored.id) {
            return refuse("An environment must contain at least one population.");
        }
        if stored.is_default {
            return refuse("The default population cannot be deleted.");
        }
        if stored.members > 0 {
            return refuse("A population that has users cannot be deleted.");
        }
        Ok(())
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![
            marked::view_member(generator),
            ViewMember::always("userCount", generator.subschema_for::<u64>()),
        ]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = marked::members_with_mark(stored);
        let language = json!(stored.body.preferred_language.unwrap_or_default());
        members.insert("preferredLanguage".to_owned(), language);
        members.insert("userCount".to_owned(), stored.members.into());
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{
        round_trip::rebuilt_from_view,
        trial::{OTHER, build, stored, targets},
    };

    fn population(name: &str) -> Stored<Population> {
        stored(
            build::<Population>(serde_json::json!({ "name": name }))
                .unwrap()
                .body,
        )
    }

    #[test]
    fn the_last_the_default_and_the_inhabited_one_stay() {
        let refusal = |population: &Stored<Population>, siblings: &[Stored<Population>]| {
            match Population::may_leave(population, siblings) {
                Err(Refusal::Invalid(violation)) => violation.message,
                other => panic!("{other:?}"),
            }
        };
        let staff = population("Staff");
        let other = Stored {
            id: crate::id::Id::from_uuid(uuid::Uuid::from_u128(99)),
            ..population("Guests")
        };
        assert!(
            refusal(&staff, std::slice::from_ref(&staff))
                .contains("must contain at least one population")
        );
        let both = [staff.clone(), other];
        assert_eq!(Population::may_leave(&staff, &both), Ok(()));
        assert!(
            refusal(
                &Stored {
                    is_default: true,
                    ..staff.clone()
                },
                &both
            )
            .contains("default")
        );
        assert!(
            refusal(
                &Stored {
                    members: 1,
                    ..staff
                },
                &both
            )
            .contains("users")
        );
    }

    #[test]
    fn shows_its_number_of_users_and_whether_it_is_the_default() {
        let members = Population::view(
            &Stored {
                members: 3,
                ..population("Staff")
            },
            Timestamp::from_millis(0),
        );
        assert_eq!(members["userCount"], 3);
        assert_eq!(members["default"], false);
        assert!(!members.contains_key("passwordPolicy"));
    }

    #[test]
    fn its_language_is_filled_in_and_what_is_not_served_is_refused() {
        let language = |population: Population| {
            let members = Population::view(&stored(population), Timestamp::from_millis(0));
            members["preferredLanguage"].clone()
        };
        let older = Population {
            preferred_language: None,
            ..population("Staff").body
        };
        assert_eq!(language(population("Staff").body), "en");
        assert_eq!(language(older), "en");
        let refused = |member: &str, value: Value| {
            let mut body = json!({ "name": "A" });
            body[member] = value;
            targets(build::<Population>(body))
        };
        assert_eq!(
            refused("preferredLanguage", json!("nb")),
            ["preferredLanguage"]
        );
        assert_eq!(refused("theme", json!({ "id": OTHER })), ["theme"]);
    }

    #[test]
    fn taking_the_default_away_leaves_none() {
        let built =
            build::<Population>(serde_json::json!({ "name": "A", "default": false })).unwrap();
        assert_eq!(built.default, DefaultMark::Clear);
        assert_eq!(Population::born().default, DefaultMark::Set);
    }

    #[test]
    fn putting_back_what_was_read_changes_nothing() {
        let before = population("Staff");
        assert_eq!(rebuilt_from_view(&before).body, before.body);
    }

    #[test]
    fn is_found_by_its_name_and_its_other_identifiers() {
        let body = serde_json::json!({ "name": "Staff", "alternativeIdentifiers": ["HQ-1"] });
        let terms = build::<Population>(body).unwrap().body.terms();
        assert_eq!(
            terms,
            [
                Term::new("alternativeIdentifiers", "hq-1"),
                Term::new("name", "staff")
            ]
        );
    }
}
