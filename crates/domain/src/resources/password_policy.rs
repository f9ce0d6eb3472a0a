//! Password policies: what a new password must satisfy, how long it lasts, when guessing locks it.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::{
    marked::{self, Marked},
    population::POPULATION,
};
use crate::{
    access::Area,
    resource::{Built, Context, Kind, Refusal, Resource, Stored, UniqueKey, ViewMember},
    time::Timestamp,
    violation::Violation,
};

pub static PASSWORD_POLICY: Kind =
    Kind::new("passwordPolicy", "passwordPolicies", Area::CredentialPolicy);

/// The sets that `minCharacters` may name: exactly these spellings are its keys.
pub const CHARACTER_SETS: [&str; 4] = [
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "~!@#$%^&*()-_=+[]{}|;:,.<>/?",
];

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordPolicy {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    pub description: Option<String>,
    pub excludes_commonly_used: bool,
    pub excludes_profile_data: bool,
    pub not_similar_to_current: bool,
    pub length: Option<Length>,
    /// How many characters of each set there must be.
    pub min_characters: Option<BTreeMap<String, u8>>,
    /// How often a character may follow itself.
    #[schemars(range(min = 1))]
    pub max_repeated_characters: Option<u32>,
    #[schemars(range(min = 1))]
    pub min_unique_characters: Option<u32>,
    #[schemars(range(min = 1))]
    pub min_complexity: Option<u32>,
    pub history: Option<History>,
    pub lockout: Option<Lockout>,
    #[schemars(range(min = 1))]
    pub max_age_days: Option<u32>,
    #[schemars(range(min = 1))]
    pub min_age_days: Option<u32>,
    pub alphabet_sequence_rule: Option<SequenceRule>,
    pub number_sequence_rule: Option<SequenceRule>,
    pub qwerty_sequence_rule: Option<SequenceRule>,
    pub shifted_number_row_sequence_rule: Option<SequenceRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Length {
    #[serde(default = "Length::least")]
    #[schemars(range(min = 8, max = 32))]
    pub min: u32,
    #[serde(default = "Length::most")]
    #[schemars(range(min = 255, max = 255))]
    pub max: u32,
}

impl Length {
    const fn least() -> u32 {
        8
    }
    const fn most() -> u32 {
        255
    }
}

/// Which earlier passwords are refused.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct History {
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    #[schemars(range(min = 1))]
    pub retention_days: Option<u32>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Lockout {
    /// Absent: wrong passwords never lock.
    #[schemars(range(min = 1))]
    pub failure_count: Option<u32>,
    /// Absent: until an administrator unlocks.
    #[schemars(range(min = 1))]
    pub duration_seconds: Option<u32>,
}

/// The longest run along a sequence of keys that a password may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SequenceRule {
    #[schemars(range(min = 2, max = 10))]
    pub max_length: u32,
}

impl PasswordPolicy {
    /// The three that a new environment has. The first is the default.
    pub fn born() -> [Built<Self>; 3] {
        [
            marked::born_default(Self::standard()),
            Self::passphrase().into(),
            Self::basic().into(),
        ]
    }

    /// The rules that long random and short varied passwords satisfy alike.
    pub fn standard() -> Self {
        Self {
            name: "Standard".to_owned(),
            description: Some("Follows best practices for passwords.".to_owned()),
            max_repeated_characters: Some(2),
            min_unique_characters: Some(5),
            excludes_profile_data: true,
            not_similar_to_current: true,
            history: Some(History {
                count: Some(6),
                retention_days: Some(365),
            }),
            max_age_days: Some(182),
            min_age_days: Some(1),
            ..Self::basic()
        }
    }

    fn passphrase() -> Self {
        Self {
            name: "Passphrase".to_owned(),
            description: Some("For long phrases instead of varied characters.".to_owned()),
            length: None,
            min_characters: None,
            max_repeated_characters: None,
            min_unique_characters: None,
            min_complexity: Some(7),
            ..Self::standard()
        }
    }

    fn basic() -> Self {
        Self {
            name: "Basic".to_owned(),
            description: Some("Relaxed rules.".to_owned()),
            excludes_commonly_used: true,
            excludes_profile_data: false,
            not_similar_to_current: false,
            length: Some(Length { min: 8, max: 255 }),
            min_characters: Some(
                CHARACTER_SETS
                    .iter()
                    .map(|&set| (set.to_owned(), 1))
                    .collect(),
            ),
            max_repeated_characters: None,
            min_unique_characters: None,
            min_complexity: None,
            history: None,
            lockout: Some(Lockout {
                failure_count: Some(5),
                duration_seconds: Some(900),
            }),
            max_age_days: None,
            min_age_days: None,
            alphabet_sequence_rule: None,
            number_sequence_rule: None,
            qwerty_sequence_rule: None,
            shifted_number_row_sequence_rule: None,
        }
    }
}

/// How many days a password must be usable for, at least: warnings of its end start 21 days before.
const WARNING_DAYS: u32 = 21;

impl Resource for PasswordPolicy {
    const KIND: &'static Kind = &PASSWORD_POLICY;
    type Draft = Marked<Self>;
    const GUARDED_SET: bool = true;
    const COUNTED_MEMBERS: Option<&'static Kind> = Some(&POPULATION);

    fn build(
        draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut faults = Vec::new();
        let policy = draft.rules;
        let sets = policy.min_characters.iter().flat_map(BTreeMap::keys);
        if sets
            .clone()
            .any(|set| !CHARACTER_SETS.contains(&set.as_str()))
        {
            faults.push(
                Violation::invalid(
                    "minCharacters",
                    "must have no keys but the four character sets",
                )
                .allowing(&CHARACTER_SETS),
            );
        }
        let least = policy
            .min_age_days
            .unwrap_or(0)
            .saturating_add(WARNING_DAYS);
        if policy.max_age_days.is_some_and(|days| days <= least) {
            faults.push(Violation::invalid(
                "maxAgeDays",
                format!("must be more than {WARNING_DAYS} days above minAgeDays"),
            ));
        }
        marked::built(policy, draft.default, previous, faults)
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        marked::refuse_default(stored, "Default Password Policy can not be deleted.")
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![
            marked::view_member(generator),
            ViewMember::sometimes("populationCount", generator.subschema_for::<u64>()),
        ]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = marked::members_with_mark(stored);
        if stored.members > 0 {
            members.insert("populationCount".to_owned(), stored.members.into());
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        resource::DefaultMark,
        resources::{
            round_trip::rebuilt_from_view,
            trial::{NOW, build, rebuild, stored, targets},
        },
    };

    fn least() -> Value {
        json!({ "name": "Mine", "excludesCommonlyUsed": false, "excludesProfileData": false, "notSimilarToCurrent": false })
    }

    fn with(members: &Value) -> Value {
        let mut body = least();
        body.as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        body
    }

    #[test]
    fn answers_exactly_what_was_sent() {
        let body = with(
            &json!({ "length": { "min": 12, "max": 255 }, "minCharacters": { "0123456789": 2 },
            "lockout": { "failureCount": 3 }, "history": { "count": 2, "retentionDays": 9 } }),
        );
        let policy = stored(build::<PasswordPolicy>(body.clone()).unwrap().body);
        let mut expected = body;
        expected["default"] = false.into();
        assert_eq!(Value::Object(PasswordPolicy::view(&policy, NOW)), expected);
        let named = Stored {
            members: 2,
            ..policy.clone()
        };
        assert_eq!(PasswordPolicy::view(&named, NOW)["populationCount"], 2);
        assert_eq!(rebuilt_from_view(&policy).body, policy.body);
    }

    #[test]
    fn every_fault_is_named() {
        let body =
            with(&json!({ "minCharacters": { "abc": 1 }, "maxAgeDays": 30, "minAgeDays": 9 }));
        assert_eq!(
            targets(build::<PasswordPolicy>(body)),
            ["minCharacters", "maxAgeDays"]
        );
        assert!(
            build::<PasswordPolicy>(with(&json!({ "maxAgeDays": 31, "minAgeDays": 9 }))).is_ok()
        );
    }

    #[test]
    fn the_default_mark_can_be_moved_but_not_taken_away() {
        let policy = Stored {
            is_default: true,
            ..stored(PasswordPolicy::standard())
        };
        assert_eq!(
            targets(rebuild(with(&json!({ "default": false })), &policy)),
            ["default"]
        );
        assert_eq!(
            rebuild(least(), &policy).unwrap().default,
            DefaultMark::Keep
        );
        assert_eq!(
            build::<PasswordPolicy>(with(&json!({ "default": true })))
                .unwrap()
                .default,
            DefaultMark::Set
        );
        let Err(Refusal::Invalid(refusal)) = PasswordPolicy::may_leave(&policy, &[]) else {
            panic!()
        };
        assert!(
            refusal
                .message
                .contains("Default Password Policy can not be deleted")
        );
        assert!(
            PasswordPolicy::may_leave(
                &Stored {
                    is_default: false,
                    ..policy
                },
                &[]
            )
            .is_ok()
        );
    }

    #[test]
    fn a_new_environment_has_three_and_the_standard_one_is_the_default() {
        let born = PasswordPolicy::born();
        let marks: Vec<_> = born
            .iter()
            .map(|built| (built.body.name.as_str(), built.default))
            .collect();
        assert_eq!(
            marks,
            [
                ("Standard", DefaultMark::Set),
                ("Passphrase", DefaultMark::Keep),
                ("Basic", DefaultMark::Keep)
            ]
        );
        for built in born {
            let again = serde_json::to_value(&built.body).unwrap();
            assert_eq!(build::<PasswordPolicy>(again).unwrap().body, built.body);
        }
    }
}
