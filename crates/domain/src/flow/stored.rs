//! What the engine is told of stored objects. Bodies follow the contract, facts follow
//! what the engine asks.

use serde_json::Value;

use super::{
    facts::{DeviceFacts, UserFacts},
    policy,
};
use crate::{
    authenticator::{
        Versioned,
        attempts::{AccountLock, DeviceFailures, Lockout, UserFailures},
        sending,
    },
    message::Channel,
    resource::{Resource, Stored},
    resources::{
        device::{Device, DeviceStatus},
        device_authentication_policy::{DeviceSelection, SentCode},
        mfa_settings::MfaLockout,
        notifications_policy::{
            Cooldown, CountryLimit, CountryLimitType, DeliveryMethod, NotificationsPolicy,
            PhoneMethod, Quota, QuotaType,
        },
        user::{LifecycleStatus, User},
    },
    time::{Duration, Timestamp},
};

/// The user, with the counters that were read beside it, and without [`attributes`].
pub fn of_user(
    stored: &Stored<User>,
    failures: Versioned<UserFailures>,
    sends: Versioned<sending::DailyHistory>,
    holds_a_role: bool,
    now: Timestamp,
) -> UserFacts {
    let user = &stored.body;
    let name = user.profile.name.as_ref();
    UserFacts {
        id: stored.id.cast(),
        counted_as: stored.id.cast(),
        username: user.username.clone(),
        given_name: name.and_then(|name| name.given.clone()),
        family_name: name.and_then(|name| name.family.clone()),
        enabled: user.enabled,
        verified: user.lifecycle.status == LifecycleStatus::AccountOk,
        lock: user.credentials.locks.hold(now).then(|| AccountLock {
            until: user.account(now).unlock_at,
        }),
        mfa_enabled: user.mfa_enabled,
        bypass_mfa_until: user.credentials.mfa_bypass_until,
        holds_a_role,
        attributes: Value::Null,
        failures,
        sends,
    }
}

/// What conditions may ask of the user.
pub fn attributes(stored: &Stored<User>, now: Timestamp) -> Value {
    let mut attributes = User::view(stored, now);
    attributes.insert("id".to_owned(), stored.id.to_string().into());
    Value::Object(attributes)
}

/// The device, with the counters that were read beside it. `address_key` is a keyed hash of
/// [`Device::recipient`].
pub fn of_device(
    stored: &Stored<Device>,
    address_key: String,
    failures: Versioned<DeviceFailures>,
    sends: Versioned<sending::AddressHistory>,
    now: Timestamp,
) -> DeviceFacts {
    let device = &stored.body;
    // 9999-12-31: a lock without an end.
    let endless = Timestamp::from_millis(253_402_214_400_000);
    let lock = device.lock.filter(|_| device.is_locked(now));
    DeviceFacts {
        id: stored.id.cast(),
        counted_as: stored.id.cast(),
        kind: device.kind,
        is_active: device.status == DeviceStatus::Active,
        is_blocked: device.is_blocked(),
        locked_until: lock.map(|lock| lock.expires_at.unwrap_or(endless)),
        nickname: device.nickname.clone(),
        address: device.recipient(),
        address_key,
        failures,
        sends,
    }
}

impl From<&SentCode> for policy::Method {
    fn from(method: &SentCode) -> Self {
        Self {
            enabled: method.enabled,
            otp_length: method.otp.otp_length,
            otp_life: method.otp.life_time.as_duration(),
            failure_count: method.otp.failure.count.into(),
            cool_down: method.otp.failure.cool_down(),
        }
    }
}

impl From<DeviceSelection> for policy::DeviceSelection {
    fn from(selection: DeviceSelection) -> Self {
        match selection {
            DeviceSelection::DefaultToFirst => Self::DefaultToFirst,
            DeviceSelection::PromptToSelect => Self::PromptToSelect,
            DeviceSelection::AlwaysDisplayDevices => Self::AlwaysDisplayDevices,
        }
    }
}

impl From<MfaLockout> for Lockout {
    fn from(lockout: MfaLockout) -> Self {
        let duration = lockout
            .duration_seconds
            .map(|seconds| Duration::from_seconds(seconds.into()));
        Self {
            failure_count: lockout.failure_count,
            duration,
        }
    }
}

impl From<&NotificationsPolicy> for sending::NotificationPolicy {
    fn from(policy: &NotificationsPolicy) -> Self {
        Self {
            sms_cooldown: cooldown(&policy.cooldown_configuration.sms),
            email_cooldown: cooldown(&policy.cooldown_configuration.email),
            quotas: policy.quotas.iter().filter_map(quota).collect(),
            country_limit: country_limit(&policy.country_limit),
        }
    }
}

fn cooldown(cooldown: &Cooldown) -> Option<sending::Cooldown> {
    if !cooldown.enabled {
        return None;
    }
    let [first, second, later] = cooldown.periods.as_deref()? else {
        return None;
    };
    Some(sending::Cooldown {
        periods: [
            first.as_duration(),
            second.as_duration(),
            later.as_duration(),
        ],
        resend_limit: cooldown.resend_limit?.into(),
        per_user: cooldown.is_per_user(),
    })
}

/// `None` for a quota of voice calls alone, which are not made.
fn quota(quota: &Quota) -> Option<sending::Quota> {
    let channel = quota
        .delivery_methods
        .iter()
        .find_map(|method| match method {
            DeliveryMethod::Sms => Some(Channel::Sms),
            DeliveryMethod::Email => Some(Channel::Email),
            DeliveryMethod::Voice => None,
        })?;
    let limit = match (quota.total, quota.claimed, quota.unclaimed) {
        (Some(total), ..) => sending::QuotaLimit::Total(total),
        (None, Some(claimed), Some(unclaimed)) => sending::QuotaLimit::Split { claimed, unclaimed },
        (None, ..) => return None,
    };
    let scope = match quota.kind {
        QuotaType::User => sending::QuotaScope::User,
        QuotaType::Environment => sending::QuotaScope::Environment,
    };
    Some(sending::Quota {
        scope,
        channel,
        limit,
    })
}

fn country_limit(limit: &CountryLimit) -> sending::CountryLimit {
    let methods = limit.delivery_methods.as_deref();
    if !methods.is_none_or(|methods| methods.contains(&PhoneMethod::Sms)) {
        return sending::CountryLimit::None;
    }
    let countries = limit.countries.clone().unwrap_or_default();
    match limit.kind {
        CountryLimitType::None => sending::CountryLimit::None,
        CountryLimitType::Allowed => sending::CountryLimit::Allowed(countries),
        CountryLimitType::Denied => sending::CountryLimit::Denied(countries),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{
        device_authentication_policy::DeviceAuthenticationPolicy,
        trial::{NOW, build, stored},
    };

    #[test]
    fn a_user_is_told_with_its_locks_and_its_attributes() {
        let user = build::<User>(
            json!({ "username": "nia", "name": { "given": "Nia" }, "title": "Lead" }),
        );
        let until = NOW + Duration::from_minutes(5);
        let locked = user.unwrap().body.lock_account(Some(until), NOW);
        let locked = stored(locked);
        let facts = of_user(
            &locked,
            Versioned::default(),
            Versioned::default(),
            false,
            NOW,
        );
        assert_eq!(facts.lock, Some(AccountLock { until: Some(until) }));
        assert_eq!(facts.given_name.as_deref(), Some("Nia"));
        assert!(facts.verified);
        let attributes = attributes(&locked, NOW);
        assert_eq!(attributes["title"], "Lead");
        assert!(attributes.get("credentials").is_none());
    }

    /// The paths of the values in an object.
    fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let place = if at.is_empty() {
                        name.clone()
                    } else {
                        format!("{at}.{name}")
                    };
                    leaves(value, &place, found);
                }
            }
            _ => found.push(at.to_owned()),
        }
    }

    #[test]
    fn a_condition_can_ask_for_every_attribute_and_for_no_other() {
        let name = json!({ "formatted": "Nia Berg", "given": "Nia", "middle": "A", "family": "Berg",
            "honorificPrefix": "Dr", "honorificSuffix": "Jr" });
        let address = json!({ "streetAddress": "1 Road", "locality": "Oslo", "region": "Oslo",
            "postalCode": "0150", "countryCode": "NO" });
        let user = json!({ "username": "nia", "email": "nia@corp.example", "name": name,
            "nickname": "n", "title": "Lead", "type": "staff", "locale": "nb-NO", "address": address,
            "preferredLanguage": "nb", "timezone": "Europe/Oslo", "mobilePhone": "+4740612345",
            "primaryPhone": "+4740612345", "photo": { "href": "https://corp.example/nia.png" },
            "externalId": "e-1", "accountId": "a-1" });
        let mut user = build::<User>(user).unwrap().body;
        user.last_sign_on = Some(crate::resources::user::SignOn {
            at: NOW,
            remote_ip: Some("192.0.2.1".to_owned()),
        });
        let mut found = Vec::new();
        leaves(&attributes(&stored(user), NOW), "", &mut found);
        found.sort_unstable();
        assert_eq!(found, crate::condition::USER_ATTRIBUTES);
    }

    #[test]
    fn a_device_is_told_with_the_address_that_a_gateway_wants() {
        let device = build::<Device>(json!({ "type": "SMS", "phone": "+47.40612345" }))
            .unwrap()
            .body;
        let told = |device: Device| {
            of_device(
                &stored(device),
                "key".to_owned(),
                Versioned::default(),
                Versioned::default(),
                NOW,
            )
        };
        let facts = told(device.clone());
        assert_eq!(facts.address.expose(), "+4740612345");
        assert_eq!(
            (facts.is_active, facts.is_blocked, facts.locked_until),
            (true, false, None)
        );
        assert!(told(device.clone().locked(None)).locked_until > Some(NOW));
        assert_eq!(told(device.locked(Some(NOW))).locked_until, None);
    }

    #[test]
    fn a_method_is_told_as_the_policy_has_it() {
        let policy = DeviceAuthenticationPolicy::born().body;
        let method = policy::Method::from(&policy.sms);
        assert_eq!(
            (method.enabled, method.otp_length, method.failure_count),
            (true, 6, 3)
        );
        assert_eq!(
            (method.otp_life, method.cool_down),
            (Duration::from_minutes(30), Duration::ZERO)
        );
        assert!(!policy::Method::from(&policy.voice).enabled);
    }

    #[test]
    fn a_notification_policy_is_told_as_far_as_messages_are_sent() {
        let off = json!({ "enabled": false });
        let policy = build::<NotificationsPolicy>(json!({ "name": "Careful",
            "quotas": [{ "type": "USER", "total": 12 }, { "type": "ENVIRONMENT", "deliveryMethods": ["Email"], "claimed": 9, "unclaimed": 4 }],
            "countryLimit": { "type": "ALLOWED", "countries": ["NO", "SE"] },
            "cooldownConfiguration": { "email": off, "voice": off, "whatsApp": off,
                "sms": { "enabled": true, "resendLimit": 4, "groupBy": "USER_ID", "periods": [
                    { "duration": 25, "timeUnit": "SECONDS" }, { "duration": 1, "timeUnit": "MINUTES" }, { "duration": 3, "timeUnit": "MINUTES" }] } } }))
        .unwrap()
        .body;
        let told = sending::NotificationPolicy::from(&policy);
        assert_eq!(
            told.quotas,
            [
                sending::Quota {
                    scope: sending::QuotaScope::User,
                    channel: Channel::Sms,
                    limit: sending::QuotaLimit::Total(12)
                },
                sending::Quota {
                    scope: sending::QuotaScope::Environment,
                    channel: Channel::Email,
                    limit: sending::QuotaLimit::Split {
                        claimed: 9,
                        unclaimed: 4
                    }
                },
            ]
        );
        assert_eq!(
            told.country_limit,
            sending::CountryLimit::Allowed(vec!["NO".to_owned(), "SE".to_owned()])
        );
        assert_eq!(told.email_cooldown, None);
        assert_eq!(
            told.sms_cooldown,
            Some(sending::Cooldown {
                periods: [25, 60, 180].map(Duration::from_seconds),
                resend_limit: 4,
                per_user: true
            })
        );
    }

    #[test]
    fn a_country_limit_for_calls_does_not_stop_text_messages() {
        let limit = CountryLimit {
            kind: CountryLimitType::Denied,
            delivery_methods: Some(vec![PhoneMethod::Voice]),
            countries: Some(vec!["NO".to_owned()]),
        };
        assert_eq!(country_limit(&limit), sending::CountryLimit::None);
    }
}
