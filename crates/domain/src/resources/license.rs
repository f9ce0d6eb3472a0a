//! Licences. This server limits nothing: they are here because clients look for one, compare its
//! capabilities and name it when they make an environment.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use crate::{
    access::Area,
    resource::{
        Built, Context, DefaultMark, FilterAttribute, FilterSource, Kind, OrderAttribute, Resource,
        Scope, Stored, Term, ViewMember,
    },
    resources::{environment::ENVIRONMENT, organization::ORGANIZATION},
    scim::Operator,
    time::{Duration, Timestamp},
    violation::Violation,
};

pub static LICENSE: Kind = Kind {
    parent: Some(&ORGANIZATION),
    nested: true,
    scope: Scope::Organization,
    ..Kind::new("license", "licenses", Area::License)
};

/// What the licence was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Package {
    /// For new environments.
    Internal,
    /// For the administrators' environment.
    Admin,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct License {
    pub name: String,
    pub package: Package,
    pub begins_at: Timestamp,
}

/// The display name is all that clients write.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct LicenseDraft {
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
}

/// Groups whose members are all switches.
const SWITCHES: [(&str, &[&str]); 9] = [
    (
        "authorize",
        &["allowApiAccessManagement", "allowDynamicAuthorization"],
    ),
    ("credentials", &["allowCredentials"]),
    (
        "environments",
        &[
            "allowAddResources",
            "allowConnections",
            "allowCustomDomain",
            "allowCustomSchema",
            "allowProduction",
        ],
    ),
    (
        "fraud",
        &["allowBotMaliciousDeviceDetection", "allowAccountProtection"],
    ),
    (
        "gateways",
        &[
            "allowLdapGateway",
            "allowKerberosGateway",
            "allowRadiusGateway",
        ],
    ),
    (
        "intelligence",
        &[
            "allowGeoVelocity",
            "allowAnonymousNetworkDetection",
            "allowReputation",
            "allowDataConsent",
            "allowRisk",
            "allowAdvancedPredictors",
        ],
    ),
    (
        "mfa",
        &[
            "allowPushNotification",
            "allowNotificationOutsideWhitelist",
            "allowFido2Devices",
            "allowVoiceOtp",
            "allowEmailOtp",
            "allowSmsOtp",
            "allowTotp",
        ],
    ),
    ("orchestrate", &["allowOrchestration"]),
    (
        "users",
        &[
            "allowPasswordManagementNotifications",
            "allowIdentityProviders",
            "allowMyAccount",
            "allowPasswordManagement",
            "allowPasswordOnlyAuthentication",
            "allowPasswordPolicy",
            "allowProvisioning",
            "allowInboundProvisioning",
            "allowRoleAssignment",
            "allowVerificationFlow",
            "allowUpdateSelf",
            "entitledToSupport",
        ],
    ),
];
const VERIFY: [&str; 4] = [
    "allowPushNotifications",
    "allowDocumentMatch",
    "allowFaceMatch",
    "allowManualIdInspection",
];
const REGIONS: [&str; 6] = ["AP", "AU", "CA", "EU", "NORTH_AMERICA", "SG"];
/// 2099-12-31T23:59:59.999Z, shown as the end of what has none.
const NO_END: Timestamp = Timestamp::from_millis(4_102_444_799_999);
/// Shown as the limit of what has none: the largest number that clients read.
const UNLIMITED: i32 = i32::MAX;

impl License {
    pub fn born(package: Package, now: Timestamp) -> Built<Self> {
        let (name, default) = match package {
            Package::Internal => ("INTERNAL", DefaultMark::Set),
            Package::Admin => ("ADMIN", DefaultMark::Keep),
        };
        // Clients look for licences that began before now, by a clock that may be behind ours.
        let begins_at = now - Duration::from_days(1);
        Built {
            default,
            ..Built::from(Self {
                name: name.to_owned(),
                package,
                begins_at,
            })
        }
    }

    fn capabilities() -> Map<String, Value> {
        let group = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), json!(true)))
                .collect()
        };
        let mut groups: Map<String, Value> = SWITCHES
            .iter()
            .map(|(name, members)| ((*name).to_owned(), Value::Object(group(members))))
            .collect();
        groups.insert("verify".to_owned(), Value::Object(group(&VERIFY)));
        groups.insert(
            "advancedServices".to_owned(),
            json!({ "pingId": { "included": true, "type": "FULL" } }),
        );
        let mut limit = |group: &str, name: &str, value: Value| {
            if let Some(Value::Object(members)) = groups.get_mut(group) {
                members.insert(name.to_owned(), value);
            }
        };
        limit("environments", "max", UNLIMITED.into());
        limit("environments", "regions", json!(REGIONS));
        limit("users", "max", UNLIMITED.into());
        limit("users", "hardLimitMax", UNLIMITED.into());
        limit("users", "annualActiveIncluded", UNLIMITED.into());
        limit("users", "monthlyActiveIncluded", UNLIMITED.into());
        groups
    }
}

fn is_name_character(c: char) -> bool {
    // The block of combining marks: the standard library does not tell marks from symbols.
    c.is_alphanumeric() || "/.'_ -".contains(c) || ('\u{300}'..='\u{36f}').contains(&c)
}

impl Resource for License {
    const KIND: &'static Kind = &LICENSE;
    type Draft = LicenseDraft;
    const COUNTED_MEMBERS: Option<&'static Kind> = Some(&ENVIRONMENT);
    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::exact("status", FilterSource::Term),
        FilterAttribute::new(
            "beginsAt",
            &[Operator::Lt, Operator::Le, Operator::Gt, Operator::Ge],
            FilterSource::TimeTerm,
        ),
        FilterAttribute::new("name", &[Operator::Eq, Operator::Sw], FilterSource::Term),
        FilterAttribute::exact("id", FilterSource::Id),
    ];
    const ORDER: &'static [OrderAttribute] = &[
        OrderAttribute::new("name", FilterSource::Term),
        OrderAttribute::new("beginsAt", FilterSource::Term),
        OrderAttribute::new("createdAt", FilterSource::CreatedAt),
    ];

    fn build(
        draft: LicenseDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let LicenseDraft { name } = draft;
        if !name.chars().all(is_name_character) {
            let message = "may have letters, marks, digits, spaces and / . ' _ - only";
            return Err(vec![Violation::invalid("name", message)]);
        }
        let license = match previous {
            Some(previous) => previous.body.clone(),
            None => Self::born(Package::Internal, context.now).body,
        };
        Ok(Self { name, ..license }.into())
    }

    fn terms(&self) -> Vec<Term> {
        vec![
            Term::new("status", "ACTIVE"),
            Term::new("beginsAt", &self.begins_at.to_string()),
            Term::new("name", &self.name),
        ]
    }

    /// A licence has begun when it is made. It never ends by itself; clients want a time.
    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let group = |&(name, _): &(&'static str, _)| {
            ViewMember::always(
                name,
                json!({ "type": "object", "additionalProperties": true }),
            )
        };
        let mut members: Vec<ViewMember> = SWITCHES.iter().map(group).collect();
        members.extend([
            group(&("verify", &[])),
            group(&("advancedServices", &[])),
            ViewMember::always("status", json!({ "type": "string", "const": "ACTIVE" })),
            ViewMember::always("expiresAt", generator.subschema_for::<Timestamp>()),
            ViewMember::always(
                "assignedEnvironmentsCount",
                generator.subschema_for::<u64>(),
            ),
        ]);
        members
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = stored.body_members();
        members.insert("status".to_owned(), "ACTIVE".into());
        members.insert("expiresAt".to_owned(), json!(NO_END));
        members.insert(
            "assignedEnvironmentsCount".to_owned(),
            stored.members.into(),
        );
        members.append(&mut Self::capabilities());
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        resources::trial::{NOW, build, rebuild, stored, targets},
        scim::Filter,
    };

    fn license() -> Stored<License> {
        stored(License::born(Package::Internal, NOW).body)
    }

    #[test]
    fn every_group_of_capabilities_is_shown_and_allowed() {
        let members = License::view(&license(), NOW);
        for group in [
            "advancedServices",
            "authorize",
            "credentials",
            "environments",
            "fraud",
            "gateways",
            "intelligence",
            "mfa",
            "orchestrate",
            "users",
            "verify",
        ] {
            let group = members[group].as_object().unwrap();
            assert!(
                !group.is_empty() && !group.values().any(|value| value == &json!(false)),
                "{group:?}"
            );
        }
        assert_eq!(
            members["environments"]["regions"].as_array().unwrap().len(),
            6
        );
        assert_eq!(members["status"], "ACTIVE");
        assert_eq!(members["expiresAt"], "2099-12-31T23:59:59.999Z");
    }

    #[test]
    fn it_is_found_by_the_filter_of_the_provider_in_its_own_spelling() {
        let terms = license().body.terms();
        let lookup = |name: &str| {
            terms
                .iter()
                .filter(|term| term.attribute == name)
                .map(|term| term.value.clone())
                .collect()
        };
        let found = |text| {
            Filter::parse(text)
                .unwrap()
                .validate(License::FILTER)
                .unwrap()
                .matches(&lookup)
        };
        assert!(found(
            r#"(status eq "active") and (beginsAt lt "2026-01-31T12:00:00")"#
        ));
        assert!(!found(
            r#"(status eq "active") and (beginsAt lt "2006-01-02T15:04:05")"#
        ));
    }

    #[test]
    fn only_its_name_can_be_changed() {
        let previous = license();
        let body =
            json!({ "name": "Été/1", "package": "ADMIN", "beginsAt": "2030-01-01T00:00:00Z" });
        let renamed = rebuild::<License>(body, &previous).unwrap().body;
        assert_eq!(
            renamed,
            License {
                name: "Été/1".to_owned(),
                ..previous.body
            }
        );
    }

    #[test]
    fn a_name_with_other_characters_is_refused() {
        assert_eq!(
            targets(build::<License>(json!({ "name": "a<b" }))),
            ["name"]
        );
        assert_eq!(targets(build::<License>(json!({ "name": "" }))), ["name"]);
    }
}
