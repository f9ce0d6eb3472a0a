//! How strictly an environment takes what the platform leaves open. There is one per environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::application::{APPLICATION, Application};
use crate::{
    access::Area,
    id::{Id, Ref},
    profile::Profile,
    resource::{Built, Context, Kind, Reference, Resource, Settings, Stored},
    span::{Span, SpanRange, TimeUnit},
    time::Duration,
    violation::Violation,
};

pub static SECURITY_PROFILE: Kind =
    Kind::new("securityProfile", "securityProfile", Area::Environment);

const MAXIMUM_AGE: SpanRange = &[
    (TimeUnit::Seconds, 1, 3_600),
    (TimeUnit::Minutes, 1, 1_440),
    (TimeUnit::Hours, 1, 24),
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityProfile {
    pub profile: Profile,
    /// How old the signed hints of an application may be. Of one that is not named they may have any
    /// age.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    pub hint_maximum_ages: Vec<HintMaximumAge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct HintMaximumAge {
    pub application: Ref<Application>,
    pub maximum_age: Span,
}

impl SecurityProfile {
    /// How long after its `iat` a hint of the application may be accepted.
    pub fn hint_maximum_age(&self, application: Id<Application>) -> Option<Duration> {
        let named = self.hint_maximum_ages.iter();
        let mut named = named.filter(|named| named.application.id == application);
        named.next().map(|named| named.maximum_age.as_duration())
    }
}

impl Settings for SecurityProfile {
    const TITLE: &'static str = "security profile";

    fn born() -> Built<Self> {
        Built::from(Self {
            profile: Profile::Compat,
            hint_maximum_ages: Vec::new(),
        })
    }
}

impl Resource for SecurityProfile {
    const KIND: &'static Kind = &SECURITY_PROFILE;
    type Draft = Self;

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut faults = Vec::new();
        let mut seen = Vec::new();
        for (index, named) in draft.hint_maximum_ages.iter().enumerate() {
            let at = format!("hintMaximumAges[{index}]");
            let age = named.maximum_age;
            faults.extend(age.fault(&format!("{at}.maximumAge"), MAXIMUM_AGE));
            if seen.contains(&named.application.id) {
                let target = format!("{at}.application.id");
                faults.push(Violation::invalid(target, "is named before"));
            }
            seen.push(named.application.id);
        }
        if faults.is_empty() {
            Ok(draft.into())
        } else {
            Err(faults)
        }
    }

    /// Weak: an application is not held in place by what is said of its hints.
    fn references(&self) -> Vec<Reference> {
        let named = self.hint_maximum_ages.iter().enumerate();
        named
            .map(|(index, named)| Reference {
                weak: true,
                ..Reference::to(
                    &APPLICATION,
                    named.application.id.uuid(),
                    format!("hintMaximumAges[{index}].application.id"),
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::{
        round_trip::rebuilt_from_view,
        trial::{OTHER, build, stored, targets},
    };

    fn age(application: &str, duration: u32, unit: &str) -> Value {
        json!({ "application": { "id": application },
            "maximumAge": { "duration": duration, "timeUnit": unit } })
    }

    #[test]
    fn an_environment_is_born_with_the_ways_of_the_platform() {
        let born = SecurityProfile::born().body;
        assert_eq!(born.profile, Profile::Compat);
        assert_eq!(born.profile.longest_code_life(), None);
        assert_eq!(born.hint_maximum_age(OTHER.parse().unwrap()), None);
    }

    #[test]
    fn an_application_limits_the_age_of_its_own_hints() {
        let body = json!({ "profile": "STRICT", "hintMaximumAges": [age(OTHER, 2, "MINUTES")] });
        let profile = stored(build::<SecurityProfile>(body).unwrap().body);
        let of = |id: &str| profile.body.hint_maximum_age(id.parse().unwrap());
        assert_eq!(of(OTHER), Some(Duration::from_minutes(2)));
        assert_eq!(of("44444444-4444-4444-8444-444444444444"), None);
        assert_eq!(rebuilt_from_view(&profile).body, profile.body);
    }

    #[test]
    fn ages_are_in_range_and_applications_named_once() {
        let of = |ages: Value| {
            let body = json!({ "profile": "COMPAT", "hintMaximumAges": ages });
            targets(build::<SecurityProfile>(body))
        };
        let twice = of(json!([age(OTHER, 1, "HOURS"), age(OTHER, 2, "HOURS")]));
        assert_eq!(twice, ["hintMaximumAges[1].application.id"]);
        let long = of(json!([age(OTHER, 25, "HOURS")]));
        assert_eq!(long, ["hintMaximumAges[0].maximumAge.duration"]);
        let days = of(json!([age(OTHER, 1, "DAYS")]));
        assert_eq!(days, ["hintMaximumAges[0].maximumAge.timeUnit"]);
        assert_eq!(targets(build::<SecurityProfile>(json!({}))), ["profile"]);
    }
}
