//! What the developer inbox has received.

use askama::Template;
use stepgate_domain::{message::Channel, secret::Secret, time::Timestamp};

use super::Page;

/// Loads itself again every `refresh_seconds`, so that a new message appears by itself.
#[derive(Debug, Template)]
#[template(path = "inbox.html")]
pub struct InboxPage {
    /// Whose messages alone are shown, as asked for.
    pub to: Option<String>,
    /// In the order to show.
    pub messages: Vec<InboxEntry>,
    pub refresh_seconds: u32,
}

#[derive(Debug)]
pub struct InboxEntry {
    pub to: Secret<String>,
    pub channel: Channel,
    pub text: Secret<String>,
    pub code: Option<Secret<String>>,
    pub time: Timestamp,
}

impl InboxEntry {
    fn channel_name(&self) -> &'static str {
        match self.channel {
            Channel::Sms => "SMS",
            Channel::Email => "E-mail",
        }
    }
}

impl Page for InboxPage {}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> InboxPage {
        let entry = |to: &str, channel, text: &str, code: Option<&str>| InboxEntry {
            to: Secret::new(to.to_owned()),
            channel,
            text: Secret::new(text.to_owned()),
            code: code.map(|code| Secret::new(code.to_owned())),
            time: Timestamp::from_millis(1_769_860_800_123),
        };
        InboxPage {
            to: None,
            messages: vec![
                entry(
                    "+4712345678",
                    Channel::Sms,
                    "Harbor code: 482915",
                    Some("482915"),
                ),
                entry("mira@example.test", Channel::Email, "<b>Welcome</b>", None),
            ],
            refresh_seconds: 3,
        }
    }

    #[test]
    fn messages_are_listed_with_their_codes_apart() {
        let html = page().render().unwrap();
        assert!(
            html.contains("<meta http-equiv=\"refresh\" content=\"3\">"),
            "{html}"
        );
        assert!(
            html.contains("+4712345678") && html.contains("mira@example.test"),
            "{html}"
        );
        assert!(
            html.contains("<strong class=\"code\">482915</strong>"),
            "{html}"
        );
        assert_eq!(html.matches("class=\"code\"").count(), 1);
        assert!(html.contains("2026-01-31T12:00:00.123Z"), "{html}");
        assert!(html.contains("&#60;b&#62;Welcome&#60;/b&#62;"), "{html}");
    }

    #[test]
    fn an_empty_inbox_says_so() {
        let page = InboxPage {
            to: Some("<+47>".to_owned()),
            messages: Vec::new(),
            refresh_seconds: 3,
        };
        let html = page.render().unwrap();
        assert!(html.contains("No messages"), "{html}");
        assert!(html.contains("&#60;+47&#62;"), "{html}");
    }

    #[test]
    fn debug_output_hides_codes_and_recipients() {
        let shown = format!("{:?}", page());
        assert!(
            !shown.contains("482915") && !shown.contains("12345678") && !shown.contains("mira")
        );
    }
}
