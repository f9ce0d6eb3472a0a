use super::*;

fn phone() -> DeviceChoice {
    DeviceChoice {
        id: "d-01".to_owned(),
        channel: Channel::Sms,
        masked_address: Some("*********42".to_owned()),
        nickname: Some("Work <phone>".to_owned()),
        is_usable: true,
    }
}

fn mailbox() -> DeviceChoice {
    DeviceChoice {
        id: "d-02".to_owned(),
        channel: Channel::Email,
        masked_address: Some("mi****@example.test".to_owned()),
        nickname: None,
        is_usable: true,
    }
}

fn page(step: SignOnStep) -> SignOnPage {
    SignOnPage {
        application: Some("Shop & <Co>".to_owned()),
        post_to: "/9e0a/signon/?flowId=7c1f&x=\"1\"".to_owned(),
        flow_id: "7c1f\"".to_owned(),
        csrf_token: Secret::new("csrf-token'".to_owned()),
        fault: None,
        notice: None,
        earlier: None,
        step,
        can_start_over: false,
    }
}

fn code_step() -> SignOnStep {
    SignOnStep::EnterCode {
        device: phone(),
        attempts_remaining: None,
        resend_after: 0,
        other_devices: Vec::new(),
    }
}

/// Renders, checks what holds for every step, and yields the forms.
fn forms(page: &SignOnPage) -> (String, Vec<String>) {
    let html = page.render().unwrap();
    let forms: Vec<String> = html
        .split("<form")
        .skip(1)
        .map(|rest| rest.split_once("</form>").unwrap().0.to_owned())
        .collect();
    for form in &forms {
        assert!(
            form.contains(
                " method=\"post\" action=\"/9e0a/signon/?flowId=7c1f&#38;x=&#34;1&#34;\""
            ),
            "{form}"
        );
        assert!(
            form.contains("<input type=\"hidden\" name=\"flowId\" value=\"7c1f&#34;\">"),
            "{form}"
        );
        assert!(
            form.contains("<input type=\"hidden\" name=\"csrfToken\" value=\"csrf-token&#39;\">"),
            "{form}"
        );
        assert!(form.contains("<button type=\"submit\""), "{form}");
        assert_eq!(form.matches("name=\"action\"").count(), 1, "{form}");
    }
    assert!(
        html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
        "{html}"
    );
    assert!(
        html.contains("<link rel=\"stylesheet\" href=\"/stepgate.css\">"),
        "{html}"
    );
    assert!(
        html.contains("Shop &#38; &#60;Co&#62;") && !html.contains("<Co>"),
        "{html}"
    );
    assert!(
        !html.contains("<script") && !html.contains("<style") && !html.contains(" style="),
        "{html}"
    );
    assert_every_control_is_labelled(&html);
    (html, forms)
}

fn assert_every_control_is_labelled(html: &str) {
    for tag in html
        .split("<input")
        .skip(1)
        .map(|rest| rest.split_once('>').unwrap().0)
    {
        if !tag.contains("type=\"hidden\"") {
            let id = tag
                .split_once(" id=\"")
                .unwrap()
                .1
                .split_once('"')
                .unwrap()
                .0;
            assert_eq!(
                html.matches(&format!("<label for=\"{id}\">")).count(),
                1,
                "{id} in {html}"
            );
            assert_eq!(
                html.matches(&format!(" id=\"{id}\"")).count(),
                1,
                "{id} in {html}"
            );
        }
    }
}

fn action(form: &str) -> &str {
    form.split_once("name=\"action\" value=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0
}

#[test]
fn a_device_is_chosen_from_the_masked_ones() {
    let blocked = DeviceChoice {
        id: "d-00".to_owned(),
        is_usable: false,
        ..mailbox()
    };
    let (html, forms) = forms(&page(SignOnStep::ChooseDevice {
        devices: vec![blocked, phone(), mailbox()],
    }));
    let [form] = &forms[..] else { panic!("{html}") };
    assert_eq!(action(form), "device.select");
    let radios: Vec<&str> = form
        .split("<input type=\"radio\"")
        .skip(1)
        .map(|tag| tag.split_once('>').unwrap().0)
        .collect();
    assert_eq!(radios.len(), 3);
    assert!(
        radios[0].contains("value=\"d-00\"") && radios[0].contains(" disabled"),
        "{form}"
    );
    assert!(
        radios[1].contains("name=\"deviceId\"") && radios[1].contains("value=\"d-01\""),
        "{form}"
    );
    let checked: Vec<bool> = radios
        .iter()
        .map(|radio| radio.contains(" checked"))
        .collect();
    assert_eq!(checked, [false, true, false]);
    assert!(
        form.contains("*********42") && form.contains("mi****@example.test"),
        "{form}"
    );
    assert!(form.contains("Work &#60;phone&#62;"), "{form}");
    assert!(form.contains("<legend>"), "{form}");
}

#[test]
fn without_a_usable_device_there_is_nothing_to_send() {
    let blocked = DeviceChoice {
        is_usable: false,
        ..phone()
    };
    let html = page(SignOnStep::ChooseDevice {
        devices: vec![blocked],
    })
    .render()
    .unwrap();
    assert!(html.contains("<button type=\"submit\" disabled>"), "{html}");
}

#[test]
fn a_code_is_entered_for_the_masked_device() {
    let (html, forms) = forms(&page(code_step()));
    let [check, resend] = &forms[..] else {
        panic!("{html}")
    };
    assert_eq!(action(check), "otp.check");
    assert!(html.contains("*********42"), "{html}");
    let input = check
        .split_once("<input id=\"otp\"")
        .unwrap()
        .1
        .split_once('>')
        .unwrap()
        .0;
    for attribute in [
        "name=\"otp\"",
        "autocomplete=\"one-time-code\"",
        "inputmode=\"numeric\"",
        "required",
    ] {
        assert!(input.contains(attribute), "{input}");
    }
    assert_eq!(action(resend), "device.select");
    assert!(
        resend.contains("<input type=\"hidden\" name=\"deviceId\" value=\"d-01\">"),
        "{resend}"
    );
    assert!(!html.contains("attempt"), "{html}");
    assert!(!html.contains("second"), "{html}");
}

#[test]
fn a_wrong_code_tells_the_attempts_left_and_the_waiting_time() {
    let step = |attempts, seconds| SignOnStep::EnterCode {
        device: phone(),
        attempts_remaining: Some(attempts),
        resend_after: seconds,
        other_devices: Vec::new(),
    };
    let (html, _) = forms(&SignOnPage {
        fault: Some("That code is <wrong>.".to_owned()),
        ..page(step(2, 30))
    });
    assert!(
        html.contains("role=\"alert\">That code is &#60;wrong&#62;.</p>"),
        "{html}"
    );
    assert!(html.contains("<title>Error: "), "{html}");
    assert!(
        html.contains("aria-describedby=\"fault\"") && html.contains("aria-invalid=\"true\""),
        "{html}"
    );
    assert!(html.contains("2 attempts left."), "{html}");
    assert!(html.contains("in 30 seconds"), "{html}");

    let (html, _) = forms(&page(step(1, 1)));
    assert!(html.contains("1 attempt left."), "{html}");
    assert!(html.contains("in 1 second."), "{html}");
}

#[test]
fn a_code_sent_again_is_told() {
    let notice = Some("A new code is on its way to <you>.".to_owned());
    let (html, _) = forms(&SignOnPage {
        notice,
        ..page(code_step())
    });
    assert!(
        html.contains("role=\"status\">A new code is on its way to &#60;you&#62;.</p>"),
        "{html}"
    );
    assert!(
        !html.contains("role=\"alert\"") && !html.contains("aria-invalid"),
        "{html}"
    );
}

#[test]
fn another_device_can_be_tried() {
    let step = SignOnStep::EnterCode {
        device: phone(),
        attempts_remaining: None,
        resend_after: 0,
        other_devices: vec![mailbox()],
    };
    let (html, forms) = forms(&page(step));
    let [_, _, other] = &forms[..] else {
        panic!("{html}")
    };
    assert_eq!(action(other), "device.select");
    assert!(
        other.contains("value=\"d-02\"") && other.contains("mi****@example.test"),
        "{other}"
    );
    assert!(html.contains("Try another device"), "{html}");
}

#[test]
fn a_username_is_asked_for() {
    let (html, forms) = forms(&page(SignOnStep::EnterUsername {
        username: Some("mira\"k".to_owned()),
    }));
    let [form] = &forms[..] else { panic!("{html}") };
    assert_eq!(action(form), "user.lookup");
    assert!(
        form.contains("name=\"username\"") && form.contains("autocomplete=\"username\""),
        "{form}"
    );
    assert!(form.contains("value=\"mira&#34;k\""), "{form}");
    assert!(!form.contains("password"), "{form}");
}

#[test]
fn a_username_and_a_password_are_asked_for() {
    let (html, forms) = forms(&page(SignOnStep::EnterUsernameAndPassword {
        username: None,
    }));
    let [form] = &forms[..] else { panic!("{html}") };
    assert_eq!(action(form), "usernamePassword.check");
    assert!(
        form.contains("name=\"username\" type=\"text\" value=\"\""),
        "{form}"
    );
    assert!(
        form.contains("name=\"password\" type=\"password\" autocomplete=\"current-password\""),
        "{form}"
    );
}

#[test]
fn a_known_user_is_asked_for_the_password_only() {
    let (html, forms) = forms(&page(SignOnStep::EnterPassword {
        username: "<mira>".to_owned(),
    }));
    let [form] = &forms[..] else { panic!("{html}") };
    assert_eq!(action(form), "usernamePassword.check");
    assert!(html.contains("&#60;mira&#62;"), "{html}");
    assert!(form.contains("type=\"password\""), "{form}");
    assert!(!form.contains("name=\"username\""), "{form}");
}

#[test]
fn starting_over_is_offered_where_it_is_possible() {
    let (html, forms) = forms(&SignOnPage {
        can_start_over: true,
        ..page(code_step())
    });
    assert_eq!(action(forms.last().unwrap()), "session.reset", "{html}");
    let (_, without) = self::forms(&page(code_step()));
    assert!(without.iter().all(|form| action(form) != "session.reset"));
}

#[test]
fn debug_output_hides_the_token() {
    assert!(!format!("{:?}", page(code_step())).contains("csrf-token"));
}

#[test]
fn the_way_to_an_earlier_sign_on_is_a_link() {
    let page = SignOnPage {
        earlier: Some(EarlierSignOn {
            url: "/9e0a/signon/?flowId=1&x=2".to_owned(),
            application: "Shop & <Co>".to_owned(),
        }),
        ..page(SignOnStep::ChooseDevice {
            devices: vec![phone()],
        })
    };
    let (html, forms) = forms(&page);
    assert_eq!(forms.len(), 1, "{html}");
    let link = "<a href=\"/9e0a/signon/?flowId=1&#38;x=2\">Enter the code of your earlier sign-on \
                to Shop &#38; &#60;Co&#62;</a>";
    assert!(html.contains(link), "{html}");
}

#[test]
fn of_a_typed_name_no_address_is_told() {
    let device = DeviceChoice {
        masked_address: None,
        ..phone()
    };
    let (html, _) = forms(&page(SignOnStep::EnterCode {
        device,
        attempts_remaining: None,
        resend_after: 0,
        other_devices: Vec::new(),
    }));
    assert!(!html.contains("**") && !html.contains(" to "), "{html}");
    assert!(
        html.contains("If nothing comes, check the username."),
        "{html}"
    );
}
