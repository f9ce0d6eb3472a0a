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
fn every_text_has_the_code_that_it_is_for_and_no_unknown_name() {
    for template in TEMPLATES {
        for content in template.contents() {
            let seen = std::cell::RefCell::new(Vec::new());
            for text in [Some(content.text), content.subject].into_iter().flatten() {
                render(text, |name| {
                    seen.borrow_mut().push(name.to_owned());
                    None
                });
            }
            let has_code = seen.borrow().contains(&CODE.to_owned());
            assert_eq!(has_code, template.variables.contains(&CODE));
            assert!(
                seen.borrow()
                    .iter()
                    .all(|name| template.variables.contains(&name.as_str()))
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
    assert_eq!(ids.len(), 12);
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
