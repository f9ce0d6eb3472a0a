//! Notification templates and their predefined contents. Both are fixed: texts are read and
//! used, not changed.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::environment::Environment;
use crate::{id::Id, message::Channel, name, time::Timestamp};

/// A kind of message. Its id is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    pub display_name: &'static str,
    pub description: &'static str,
    /// What its texts may mention. A code must be in every text.
    variables: &'static [&'static str],
    /// Whether own texts may mention more.
    allows_dynamic_variables: bool,
    contents: &'static [Content],
}

/// One text of a template, for one channel and language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub channel: Channel,
    pub locale: &'static str,
    /// Only e-mail has one.
    pub subject: Option<&'static str>,
    pub text: &'static str,
    /// Unique among all contents: ids are derived from it.
    number: u8,
}

const CODE: &str = "otp";
const WITH_CODE: &[&str] = &[
    CODE,
    "user.username",
    "user.name.given",
    "user.name.family",
    "current-year",
];
const WITHOUT_CODE: &[&str] = &[
    "user.username",
    "user.name.given",
    "user.name.family",
    "current-year",
];

pub static STRONG_AUTHENTICATION: Template = Template {
    name: "strong_authentication",
    display_name: "Strong authentication",
    description: "A one-time code that completes a sign-on.",
    variables: WITH_CODE,
    allows_dynamic_variables: true,
    contents: &[
        Content {
            channel: Channel::Sms,
            locale: "en",
            subject: None,
            text: "Your sign-on code is ${otp}. Do not share it with anybody.",
            number: 1,
        },
        Content {
            channel: Channel::Email,
            locale: "en",
            subject: Some("Your sign-on code"),
            text: "<p>Hello ${user.name.given},</p>\n<p>your sign-on code is <strong>${otp}</strong>.</p>\n\
                   <p>If you did not try to sign on, do not share it and tell your administrator.</p>\n",
            number: 2,
        },
    ],
};

pub static DEVICE_PAIRING: Template = Template {
    name: "device_pairing",
    display_name: "Device pairing",
    description: "A one-time code that proves that a new device belongs to the user.",
    variables: WITH_CODE,
    allows_dynamic_variables: true,
    contents: &[
        Content {
            channel: Channel::Sms,
            locale: "en",
            subject: None,
            text: "Your pairing code is ${otp}. Enter it to add this phone.",
            number: 3,
        },
        Content {
            channel: Channel::Email,
            locale: "en",
            subject: Some("Your pairing code"),
            text: "<p>Hello ${user.name.given},</p>\n<p>your pairing code is <strong>${otp}</strong>. \
                   Enter it to add this address.</p>\n",
            number: 4,
        },
    ],
};

pub static NEW_DEVICE_PAIRED: Template = Template {
    name: "new_device_paired",
    display_name: "New device paired",
    description: "Tells a user that a new device can be used to sign on.",
    variables: WITHOUT_CODE,
    allows_dynamic_variables: false,
    contents: &[
        Content {
            channel: Channel::Sms,
            locale: "en",
            subject: None,
            text: "A new device can now be used to sign on as ${user.username}. If that was not you, \
                   tell your administrator.",
            number: 5,
        },
        Content {
            channel: Channel::Email,
            locale: "en",
            subject: Some("A new device was added"),
            text: "<p>Hello ${user.name.given},</p>\n<p>a new device can now be used to sign on as \
                   ${user.username}.</p>\n<p>If that was not you, tell your administrator.</p>\n",
            number: 6,
        },
    ],
};

/// All templates, in the order of their names.
pub static TEMPLATES: [&Template; 3] =
    [&DEVICE_PAIRING, &NEW_DEVICE_PAIRED, &STRONG_AUTHENTICATION];

impl Template {
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.into_iter().find(|template| template.name == name)
    }

    pub fn contents(&self) -> &'static [Content] {
        self.contents
    }

    /// The content with this id.
    pub fn content(&self, environment: Id<Environment>, id: Uuid) -> Option<&'static Content> {
        self.contents
            .iter()
            .find(|content| content.id(environment) == id)
    }

    /// A template is as old as its environment.
    pub fn view(&self, created_at: Timestamp) -> Map<String, Value> {
        let variables: Map<_, _> = self
            .variables
            .iter()
            .map(|&name| (name.to_owned(), json!({ "required": name == CODE })))
            .collect();
        members(json!({
            "id": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "deliveryMethods": ["SMS", "Email"],
            "variables": variables,
            "allowDynamicVariables": self.allows_dynamic_variables,
            "createdAt": created_at,
            "updatedAt": created_at,
        }))
    }

    /// The text to send: the first wanted language that has one, exactly or without its region, and
    /// English when none has.
    pub fn choose(&self, channel: Channel, locales: &[&str]) -> Option<&'static Content> {
        let of_channel = || {
            self.contents
                .iter()
                .filter(move |content| content.channel == channel)
        };
        let in_locale =
            |wanted: &str| of_channel().find(|content| same_locale(content.locale, wanted));
        locales
            .iter()
            .flat_map(|&locale| [locale, language(locale)])
            .chain(["en"])
            .find_map(in_locale)
    }
}

impl Content {
    /// Stable: the environment's id with its last byte changed by the content's number, and marked
    /// as a UUID of a version of our own (RFC 9562 §5.8).
    pub fn id(&self, environment: Id<Environment>) -> Uuid {
        let mut bytes = environment.uuid().into_bytes();
        bytes.reverse();
        if let Some(last) = bytes.last_mut() {
            *last ^= self.number;
        }
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    pub fn view(&self, environment: Id<Environment>, created_at: Timestamp) -> Map<String, Value> {
        let mut view = json!({
            "id": self.id(environment).to_string(),
            "deliveryMethod": match self.channel { Channel::Sms => "SMS", Channel::Email => "Email" },
            "locale": self.locale,
            "default": true,
            "createdAt": created_at,
            "updatedAt": created_at,
        });
        let content = match self.channel {
            Channel::Sms => json!({ "content": self.text }),
            Channel::Email => json!({
                "subject": self.subject,
                "body": self.text,
                "charset": "UTF-8",
                "emailContentType": "text/html",
            }),
        };
        if let (Value::Object(view), Value::Object(content)) = (&mut view, content) {
            view.extend(content);
        }
        members(view)
    }
}

/// A message as it goes out.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Only e-mail has one.
    pub subject: Option<String>,
    pub text: String,
}

/// The text holds a code.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

impl Content {
    /// In e-mail, which is HTML, values are escaped.
    pub fn rendered(&self, value_of: impl Fn(&str) -> Option<String>) -> Rendered {
        let value_of = |name: &str| {
            let value = value_of(name)?;
            let is_of_a_person = name.starts_with("user.name.");
            Some(if is_of_a_person {
                name::spoken(&value)
            } else {
                value
            })
        };
        let text = match self.channel {
            Channel::Sms => render(self.text, value_of),
            Channel::Email => render(self.text, |name| {
                value_of(name).map(|value| escape_html(&value))
            }),
        };
        Rendered {
            subject: self.subject.map(|subject| render(subject, value_of)),
            text,
        }
    }
}

/// Puts values in the places of `${name}`. A name without a value leaves nothing behind.
pub fn render(text: &str, value_of: impl Fn(&str) -> Option<String>) -> String {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        rendered.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rendered.push_str("${");
            rest = after;
            continue;
        };
        rendered.push_str(&value_of(name.trim()).unwrap_or_default());
        rest = after;
    }
    rendered.push_str(rest);
    rendered
}

/// Makes a value harmless inside HTML.
pub fn escape_html(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn language(locale: &str) -> &str {
    locale.split(['-', '_']).next().unwrap_or(locale)
}

/// `en-GB` and `en_gb` are the same.
fn same_locale(one: &str, other: &str) -> bool {
    one.replace('_', "-")
        .eq_ignore_ascii_case(&other.replace('_', "-"))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

#[cfg(test)]
mod tests;
