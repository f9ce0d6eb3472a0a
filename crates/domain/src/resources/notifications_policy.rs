//! Notification policies: how many messages, to which countries, how soon after each other.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::marked::{self, Marked};
use crate::{
    access::Area,
    country,
    resource::{Built, Context, Kind, Refusal, Resource, Stored, UniqueKey, ViewMember},
    span::{Span, SpanRange, TimeUnit},
    time::Timestamp,
    violation::Violation,
};

#[cfg(test)]
mod tests;

pub static NOTIFICATIONS_POLICY: Kind = Kind::new(
    "notificationsPolicy",
    "notificationsPolicies",
    Area::Notification,
);

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsPolicy {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    /// None: no quota.
    #[schemars(length(max = 2))]
    pub quotas: Vec<Quota>,
    #[serde(default)]
    pub country_limit: CountryLimit,
    #[serde(default)]
    pub cooldown_configuration: CooldownConfiguration,
    pub provider_configuration: Option<ProviderConfiguration>,
}

/// How many messages a day, from midnight to midnight UTC.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Quota {
    #[serde(rename = "type")]
    pub kind: QuotaType,
    #[serde(default = "Quota::by_phone")]
    #[schemars(length(min = 1, max = 2))]
    pub delivery_methods: Vec<DeliveryMethod>,
    #[schemars(range(min = 1))]
    pub total: Option<u32>,
    /// Messages whose code was used, and messages whose code was not, counted apart.
    #[schemars(range(min = 1))]
    pub claimed: Option<u32>,
    #[schemars(range(min = 1))]
    pub unclaimed: Option<u32>,
}

impl Quota {
    fn by_phone() -> Vec<DeliveryMethod> {
        vec![DeliveryMethod::Sms, DeliveryMethod::Voice]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum QuotaType {
    User,
    Environment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeliveryMethod {
    #[serde(rename = "SMS")]
    Sms,
    Voice,
    Email,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct CountryLimit {
    #[serde(rename = "type")]
    pub kind: CountryLimitType,
    pub delivery_methods: Option<Vec<PhoneMethod>>,
    /// ISO 3166-1 alpha-2.
    #[schemars(inner(regex(pattern = "^[A-Z]{2}$")))]
    pub countries: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum CountryLimitType {
    #[default]
    None,
    Allowed,
    Denied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum PhoneMethod {
    #[serde(rename = "SMS")]
    Sms,
    Voice,
}

/// How long to wait before each resend, by method.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct CooldownConfiguration {
    pub email: Cooldown,
    pub sms: Cooldown,
    pub voice: Cooldown,
    pub whats_app: Cooldown,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Cooldown {
    pub enabled: bool,
    /// Before the first, the second and every later resend.
    #[schemars(length(min = 3, max = 3))]
    pub periods: Option<Vec<Span>>,
    /// Beyond it the address is blocked for 30 minutes.
    #[schemars(range(min = 1, max = 10))]
    pub resend_limit: Option<u8>,
    /// Whom the limits follow: kept as it was sent, see [`Cooldown::is_per_user`].
    #[schemars(length(max = 64))]
    pub group_by: Option<String>,
}

impl Cooldown {
    /// Whether all addresses of a user are limited together. Anything else means each address.
    pub fn is_per_user(&self) -> bool {
        matches!(self.group_by.as_deref(), Some("USER_ID" | "USER"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProviderConfiguration {
    #[schemars(length(min = 1))]
    pub conditions: Vec<ProviderCondition>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ProviderCondition {
    pub delivery_methods: Option<Vec<ProviderMethod>>,
    #[schemars(inner(regex(pattern = "^[A-Z]{2}$")))]
    pub countries: Option<Vec<String>>,
    #[schemars(length(min = 1))]
    pub fallback_chain: Vec<ProviderReference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ProviderMethod {
    Voice,
    Sms,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProviderReference {
    pub id: String,
}

/// The name that stands for the server's own sender.
const BUILT_IN_SENDER: &str = "PINGONE_TWILIO";
const PERIOD: SpanRange = &[(TimeUnit::Seconds, 10, 600), (TimeUnit::Minutes, 1, 10)];

impl NotificationsPolicy {
    /// The default policy of a new environment: no limits but those that hold everywhere.
    pub fn born() -> Built<Self> {
        marked::born_default(Self {
            name: "Default Policy".to_owned(),
            quotas: Vec::new(),
            country_limit: CountryLimit::default(),
            cooldown_configuration: CooldownConfiguration::default(),
            provider_configuration: None,
        })
    }

    fn quota_faults(&self, faults: &mut Vec<Violation>) {
        let mut seen: Vec<bool> = Vec::new();
        for (index, quota) in self.quotas.iter().enumerate() {
            let at = |member: &str| format!("quotas[{index}].{member}");
            let by_mail = quota.delivery_methods.contains(&DeliveryMethod::Email);
            if by_mail && quota.delivery_methods.len() > 1 {
                faults.push(Violation::invalid(
                    at("deliveryMethods"),
                    "must name Email alone",
                ));
            } else if seen.contains(&by_mail) {
                faults.push(Violation::invalid(
                    at("deliveryMethods"),
                    "has another quota already",
                ));
            }
            seen.push(by_mail);
            match (quota.total, quota.claimed, quota.unclaimed) {
                (Some(_), None, None) | (None, Some(_), Some(_)) => {}
                (None, None, None) => faults.push(Violation::required(at("total"))),
                (None, Some(_), None) => faults.push(Violation::required(at("unclaimed"))),
                (None, None, Some(_)) => faults.push(Violation::required(at("claimed"))),
                (Some(_), ..) => {
                    faults.push(Violation::invalid(
                        at("total"),
                        "excludes claimed and unclaimed",
                    ));
                }
            }
        }
    }

    fn complete_countries(&mut self, faults: &mut Vec<Violation>) {
        let limit = &mut self.country_limit;
        let has_countries = limit
            .countries
            .as_ref()
            .is_some_and(|countries| !countries.is_empty());
        match limit.kind {
            CountryLimitType::None => {
                limit.delivery_methods = None;
                if has_countries {
                    faults.push(Violation::invalid(
                        "countryLimit.countries",
                        "must be absent when type is NONE",
                    ));
                }
                limit.countries = None;
            }
            CountryLimitType::Allowed | CountryLimitType::Denied => {
                limit
                    .delivery_methods
                    .get_or_insert_with(|| vec![PhoneMethod::Sms, PhoneMethod::Voice]);
                if !has_countries {
                    faults.push(Violation::required("countryLimit.countries"));
                }
                let countries = limit.countries.as_deref().unwrap_or_default();
                country_faults(countries, "countryLimit.countries", faults);
            }
        }
    }

    fn cooldown_faults(&self, faults: &mut Vec<Violation>) {
        let all = &self.cooldown_configuration;
        let by_method = [
            ("email", &all.email),
            ("sms", &all.sms),
            ("voice", &all.voice),
            ("whatsApp", &all.whats_app),
        ];
        for (method, cooldown) in by_method {
            let at = format!("cooldownConfiguration.{method}");
            if cooldown.enabled && cooldown.periods.is_none() {
                faults.push(Violation::required(format!("{at}.periods")));
            }
            if cooldown.enabled && cooldown.resend_limit.is_none() {
                faults.push(Violation::required(format!("{at}.resendLimit")));
            }
            for (index, period) in cooldown.periods.iter().flatten().enumerate() {
                faults.extend(period.fault(&format!("{at}.periods[{index}]"), PERIOD));
            }
        }
    }

    fn provider_faults(&self, faults: &mut Vec<Violation>) {
        let Some(configuration) = &self.provider_configuration else {
            return;
        };
        if configuration
            .conditions
            .iter()
            .all(|condition| condition.countries.is_some())
        {
            faults.push(Violation::invalid(
                "providerConfiguration.conditions",
                "must have one without countries, for all others",
            ));
        }
        for (index, condition) in configuration.conditions.iter().enumerate() {
            let at = format!("providerConfiguration.conditions[{index}].countries");
            let countries = condition.countries.as_deref().unwrap_or_default();
            country_faults(countries, &at, faults);
            for (place, provider) in condition.fallback_chain.iter().enumerate() {
                if provider.id != BUILT_IN_SENDER {
                    let target = format!(
                        "providerConfiguration.conditions[{index}].fallbackChain[{place}].id"
                    );
                    faults.push(Violation::not_allowed(target, &[BUILT_IN_SENDER]));
                }
            }
        }
    }
}

fn country_faults(countries: &[String], at: &str, faults: &mut Vec<Violation>) {
    for (index, code) in countries.iter().enumerate() {
        if !country::is_assigned(code) {
            let message = "is not the code of a country (ISO 3166-1 alpha-2)";
            faults.push(Violation::invalid(format!("{at}[{index}]"), message));
        }
    }
}

impl Resource for NotificationsPolicy {
    const KIND: &'static Kind = &NOTIFICATIONS_POLICY;
    type Draft = Marked<Self>;
    const GUARDED_SET: bool = true;

    fn build(
        draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut faults = Vec::new();
        let mut policy = draft.rules;
        policy.quota_faults(&mut faults);
        policy.complete_countries(&mut faults);
        policy.cooldown_faults(&mut faults);
        policy.provider_faults(&mut faults);
        marked::built(policy, draft.default, previous, faults)
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        marked::refuse_default(
            stored,
            "It is not possible to remove default notifications policy.",
        )
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![marked::view_member(generator)]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        marked::members_with_mark(stored)
    }
}
