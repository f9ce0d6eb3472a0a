//! Messages for the tests, and the words that no log may show.

use stepgate_domain::{
    message::{Channel, Message},
    secret::Secret,
};

pub(crate) const PHONE: &str = "+4712345678";
pub(crate) const ADDRESS: &str = "mira@example.test";
pub(crate) const CODE: &str = "482915";

pub(crate) fn by(channel: Channel) -> Message {
    let to = match channel {
        Channel::Sms => PHONE,
        Channel::Email => ADDRESS,
    };
    Message {
        id: "0198f0a0-0000-7000-8000-000000000001".to_owned(),
        channel,
        to: Secret::new(to.to_owned()),
        subject: (channel == Channel::Email).then(|| "Your code".to_owned()),
        text: Secret::new(format!("Harbor code: {CODE} & more")),
        code: Some(Secret::new(CODE.to_owned())),
        sender: None,
    }
}

/// Fails when `shown` gives away what the message holds or how the sender proves itself.
pub(crate) fn assert_discreet(shown: &str) {
    for hidden in [
        PHONE,
        "12345678",
        ADDRESS,
        CODE,
        "Harbor",
        "gateway-token",
        "mail-password",
    ] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}
