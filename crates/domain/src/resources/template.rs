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

/// What a template may mention. `otp` must be in every text.
pub const VARIABLES: [&str; 5] = [
    "otp",
    "user.username",
    "user.name.given",
    "user.name.family",
    "current-year",
];

pub static STRONG_AUTHENTICATION: Template = Template {
    name: "strong_authentication",
    display_name: "Strong authentication",
    description: "A one-time code that completes a sign-on.",
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

/// All templates, in the order of their names.
pub static TEMPLATES: [&Template; 2] = [&DEVICE_PAIRING, &STRONG_AUTHENTICATION];

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
        let variables: Map<_, _> = VARIABLES
            .iter()
            .map(|&name| (name.to_owned(), json!({ "required": name == "otp" })))
            .collect();
        members(json!({
            "id": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "deliveryMethods": ["SMS", "Email"],
            "variables": variables,
            "allowDynamicVariables": true,
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
            Channel::Sms => render(self.text, &value_of),
            Channel::Email => render(self.text, |name| {
                value_of(name).map(|value| escape_html(&value))
            }),
        };
        Rendered {
            subject: self.subject.map(|subject| render(subject, &value_of)),
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
mod tests {
    use super::*;

    fn environment(number: u128) -> Id<Environment> {
        Id::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn names_are_replaced_and_unknown_ones_vanish() {
        let value_of = |name: &str| (name == "otp").then(|| "123456".to_owned());
        assert_eq!(
            render("Code ${otp}, ${ otp }${who}!", value_of),
            "Code 123456, 123456!"
        );
        assert_eq!(render("${otp", value_of), "${otp");
        assert_eq!(render("100 $ {otp}", value_of), "100 $ {otp}");
    }

    #[test]
    fn a_value_is_not_rendered_again() {
        let value_of = |name: &str| (name == "user.name.given").then(|| "${otp}".to_owned());
        assert_eq!(render("Hello ${user.name.given}", value_of), "Hello ${otp}");
    }

    #[test]
    fn every_text_has_the_code_and_no_unknown_name() {
        for template in TEMPLATES {
            for content in template.contents() {
                let seen = std::cell::RefCell::new(Vec::new());
                for text in [Some(content.text), content.subject].into_iter().flatten() {
                    render(text, |name| {
                        seen.borrow_mut().push(name.to_owned());
                        None
                    });
                }
                assert!(seen.borrow().contains(&"otp".to_owned()));
                assert!(
                    seen.borrow()
                        .iter()
                        .all(|name| VARIABLES.contains(&name.as_str()))
                );
                assert!(content.channel == Channel::Email || content.text.chars().count() <= 153);
            }
        }
    }

    #[test]
    fn ids_of_contents_stay_and_differ() {
        let mut ids: Vec<_> = TEMPLATES
            .iter()
            .flat_map(|template| template.contents())
            .flat_map(|content| [content.id(environment(7)), content.id(environment(8 << 64))])
            .collect();
        assert_eq!(
            ids.first(),
            Some(&DEVICE_PAIRING.contents()[0].id(environment(7)))
        );
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 8);
    }

    #[test]
    fn a_language_without_a_text_falls_back_to_english() {
        for locales in [vec!["en-GB"], vec!["nb-NO", "EN_us"], vec!["nb"], vec![]] {
            let content = STRONG_AUTHENTICATION
                .choose(Channel::Sms, &locales)
                .unwrap();
            assert_eq!((content.channel, content.locale), (Channel::Sms, "en"));
        }
    }

    #[test]
    fn markup_in_a_value_is_escaped() {
        assert_eq!(
            escape_html("<b>\"O'Neil\" & co</b>"),
            "&lt;b&gt;&quot;O&#39;Neil&quot; &amp; co&lt;/b&gt;"
        );
    }

    #[test]
    fn values_are_escaped_in_mail_and_plain_in_a_text_message() {
        let rendered = |channel| {
            let content = STRONG_AUTHENTICATION.choose(channel, &[]).unwrap();
            content.rendered(|name| Some(format!("<{name}>")))
        };
        assert!(rendered(Channel::Email).text.contains("&lt;otp&gt;"));
        assert!(rendered(Channel::Email).subject.is_some());
        let message = rendered(Channel::Sms);
        assert!(message.text.contains("<otp>") && message.subject.is_none());
        assert!(!format!("{message:?}").contains("otp"));
    }

    #[test]
    fn a_content_is_found_by_its_id_in_its_own_environment_and_template() {
        let content = &DEVICE_PAIRING.contents()[1];
        let id = content.id(environment(7));
        assert_eq!(DEVICE_PAIRING.content(environment(7), id), Some(content));
        assert_eq!(DEVICE_PAIRING.content(environment(8), id), None);
        assert_eq!(STRONG_AUTHENTICATION.content(environment(7), id), None);
        let view = content.view(environment(7), Timestamp::from_millis(0));
        assert_eq!(view["id"], id.to_string());
        assert_eq!(view["emailContentType"], "text/html");
    }

    #[test]
    fn an_unknown_name_is_no_template() {
        assert_eq!(
            Template::named("device_pairing")
                .unwrap()
                .view(Timestamp::from_millis(0))["deliveryMethods"],
            json!(["SMS", "Email"])
        );
        assert!(Template::named("transaction").is_none());
    }
}
