//! The attributes that describe a person. All are optional.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_with::skip_serializing_none;

use crate::{message::Channel, phone::Phone, secret::Secret, violation::Violation};

#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    #[schemars(email, length(min = 1, max = 256))]
    pub email: Option<String>,
    pub name: Option<Name>,
    #[schemars(length(min = 1, max = 256))]
    pub nickname: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub title: Option<String>,
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 256))]
    pub kind: Option<String>,
    /// A language tag (RFC 5646).
    #[schemars(
        length(min = 1, max = 256),
        regex(pattern = r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$")
    )]
    pub locale: Option<String>,
    /// As in `Accept-Language` (RFC 9110 §12.5.4).
    #[schemars(length(min = 1, max = 256), regex(pattern = LANGUAGES))]
    pub preferred_language: Option<String>,
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^\w+(/[\w+-]+)+$"))]
    pub timezone: Option<String>,
    #[schemars(length(min = 1, max = 32), regex(pattern = "[0-9]"))]
    pub mobile_phone: Option<String>,
    #[schemars(length(min = 1, max = 32), regex(pattern = "[0-9]"))]
    pub primary_phone: Option<String>,
    pub photo: Option<Photo>,
    pub address: Option<Address>,
    #[schemars(length(min = 1, max = 1024))]
    pub external_id: Option<String>,
    #[schemars(length(min = 1, max = 1024))]
    pub account_id: Option<String>,
}

const LANGUAGES: &str = r"^\s*(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)(\s*;\s*q=[01](\.[0-9]{0,3})?)?(\s*,\s*(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)(\s*;\s*q=[01](\.[0-9]{0,3})?)?)*\s*$";

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Name {
    #[schemars(length(min = 1, max = 256))]
    pub formatted: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub given: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub middle: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub family: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub honorific_prefix: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub honorific_suffix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Photo {
    #[schemars(url, regex(pattern = "^[Hh][Tt][Tt][Pp][Ss]?://"))]
    pub href: String,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Address {
    #[schemars(length(min = 1, max = 256))]
    pub street_address: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub locality: Option<String>,
    #[schemars(length(min = 1, max = 256))]
    pub region: Option<String>,
    #[schemars(length(min = 1, max = 40))]
    pub postal_code: Option<String>,
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    pub country_code: Option<String>,
}

/// Only which attributes there are: the values are personal.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.attributes().map(|(name, _)| name))
            .finish()
    }
}

impl Profile {
    /// Every attribute that has a value, by its path.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let name = self.name.as_ref();
        let address = self.address.as_ref();
        [
            ("email", self.email.as_ref()),
            (
                "name.formatted",
                name.and_then(|name| name.formatted.as_ref()),
            ),
            ("name.given", name.and_then(|name| name.given.as_ref())),
            ("name.middle", name.and_then(|name| name.middle.as_ref())),
            ("name.family", name.and_then(|name| name.family.as_ref())),
            (
                "name.honorificPrefix",
                name.and_then(|name| name.honorific_prefix.as_ref()),
            ),
            (
                "name.honorificSuffix",
                name.and_then(|name| name.honorific_suffix.as_ref()),
            ),
            ("nickname", self.nickname.as_ref()),
            ("title", self.title.as_ref()),
            ("type", self.kind.as_ref()),
            ("locale", self.locale.as_ref()),
            ("preferredLanguage", self.preferred_language.as_ref()),
            ("timezone", self.timezone.as_ref()),
            ("mobilePhone", self.mobile_phone.as_ref()),
            ("primaryPhone", self.primary_phone.as_ref()),
            ("photo.href", self.photo.as_ref().map(|photo| &photo.href)),
            (
                "address.streetAddress",
                address.and_then(|address| address.street_address.as_ref()),
            ),
            (
                "address.locality",
                address.and_then(|address| address.locality.as_ref()),
            ),
            (
                "address.region",
                address.and_then(|address| address.region.as_ref()),
            ),
            (
                "address.postalCode",
                address.and_then(|address| address.postal_code.as_ref()),
            ),
            (
                "address.countryCode",
                address.and_then(|address| address.country_code.as_ref()),
            ),
            ("externalId", self.external_id.as_ref()),
            ("accountId", self.account_id.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_str())))
    }

    /// Where a message to the person goes by this channel: the address, or a number as a gateway
    /// wants it. One without `+` may be anybody's.
    pub fn recipient(&self, channel: Channel) -> Option<Secret<String>> {
        let address = match channel {
            Channel::Email => self.email.clone(),
            Channel::Sms => [&self.mobile_phone, &self.primary_phone]
                .into_iter()
                .flatten()
                .filter(|number| number.trim_start().starts_with('+'))
                .find_map(|number| Phone::parse(number).ok())
                .map(|phone| phone.e164()),
        };
        address.map(Secret::new)
    }

    /// The faults that JSON Schema cannot name here: classes of characters.
    pub(super) fn faults(&self) -> Vec<Violation> {
        let faults = self
            .attributes()
            .filter_map(|(name, value)| class_of(name)?.fault(name, value));
        faults.collect()
    }
}

/// A class of characters, and its name in the contract.
pub(super) struct Characters {
    pattern: &'static str,
    regex: LazyLock<Option<Regex>>,
}

/// Anything visible, and spaces.
pub(super) static VISIBLE: Characters = Characters {
    pattern: r"^[\p{L}\p{M}\p{Zs}\p{S}\p{N}\p{P}]*$",
    regex: LazyLock::new(|| Regex::new(VISIBLE.pattern).ok()),
};
static NAME: Characters = Characters {
    pattern: r"^[\p{L}\p{M}\p{N}' .-]*$",
    regex: LazyLock::new(|| Regex::new(NAME.pattern).ok()),
};
static LINES: Characters = Characters {
    pattern: r"^[\p{L}\p{M}\p{N}\p{Zs}\p{P}\n\r]*$",
    regex: LazyLock::new(|| Regex::new(LINES.pattern).ok()),
};

impl Characters {
    pub(super) fn fault(&self, target: &str, value: &str) -> Option<Violation> {
        let fits = self
            .regex
            .as_ref()
            .is_some_and(|regex| regex.is_match(value));
        (!fits).then(|| {
            Violation::invalid(target, "contains characters that are not allowed")
                .with(json!({ "allowedPattern": self.pattern }))
        })
    }
}

fn class_of(attribute: &str) -> Option<&'static Characters> {
    match attribute {
        "name.given" | "name.middle" | "nickname" | "title" | "type" | "address.locality"
        | "address.region" | "address.postalCode" => Some(&VISIBLE),
        "name.family" | "name.formatted" => Some(&NAME),
        "address.streetAddress" => Some(&LINES),
        _ => None,
    }
}
