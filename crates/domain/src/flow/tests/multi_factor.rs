//! Devices, codes and resends.

use super::*;

#[test]
fn a_hinted_user_is_sent_a_code_at_once_and_the_code_completes_the_flow() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    assert_eq!(selected(&flow), Some(phone()));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.sent[0].address, "+4790000011");
    assert_eq!(world.submit_last(&mut flow), Ok(()));
    assert_eq!(flow.status, Status::Completed);
    assert_eq!(flow.amr(), ["otp", "sms"]);
    assert_eq!(flow.acr(), Some("MFA_Only"));
    assert_eq!(flow.authenticated_at(), Some(START));
}

#[test]
fn a_right_code_is_right_once() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    let message = world.sent[0].message;
    assert_eq!(world.submit(&mut flow, message), Ok(()));
    let refused = FlowError::InvalidAction {
        action: Some(Action::OtpCheck),
        status: "COMPLETED",
    };
    assert_eq!(world.submit(&mut flow, message), Err(refused));
}

#[test]
fn each_flow_has_its_own_code_and_a_new_flow_voids_none() {
    let mut world = World::new();
    world.floors.address_interval = Duration::ZERO;
    let mut first = world.hinted(mfa_only());
    let mut second = world.hinted(mfa_only());
    let (of_first, of_second) = (world.sent[0].message, world.sent[1].message);
    assert_eq!(world.submit(&mut first, of_second), WRONG(2));
    assert_eq!(world.submit(&mut first, of_first), Ok(()));
    assert_eq!(world.submit(&mut second, of_second), Ok(()));
}

#[test]
fn a_resend_voids_the_earlier_code() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    let first = world.sent[0].message;
    world.wait(10);
    assert_eq!(world.select(&mut flow, phone()), Ok(()));
    assert_eq!(world.submit(&mut flow, first), WRONG(2));
    assert_eq!(world.submit_last(&mut flow), Ok(()));
}

#[test]
fn a_code_dies_with_its_life_time_and_an_old_one_is_no_attempt() {
    let mut world = World::new();
    let mut settings = mfa();
    settings.sms.otp_life = Duration::from_minutes(1);
    let mut flow = world.hinted(vec![policy("P", vec![mfa_action(settings)])]);
    world.wait(60);
    for _ in 0..5 {
        assert_eq!(world.submit_last(&mut flow), Err(FlowError::OtpExpired));
    }
    assert_eq!(world.select(&mut flow, phone()), Ok(()));
    assert_eq!(world.guess(&mut flow), WRONG(2));
}

#[test]
fn a_resend_that_comes_too_soon_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    world.wait(4);
    let before = flow.clone();
    let refused = FlowError::RateLimited {
        retry_after: Duration::from_seconds(6),
        cool_down_expires_at: START + Duration::from_seconds(10),
        channel: Channel::Sms,
    };
    assert_eq!(world.select(&mut flow, phone()), Err(refused));
    assert_eq!(
        world.act(&mut flow, &Input::SessionReset),
        Err(refused),
        "a reset of a hinted flow is a resend"
    );
    assert_eq!(flow, before);
    world.wait(6);
    assert_eq!(world.act(&mut flow, &Input::SessionReset), Ok(()));
    assert_eq!(world.submit_last(&mut flow), Ok(()));
}

#[test]
fn a_limit_at_authorize_leaves_the_choice_to_the_user() {
    let mut world = World::new();
    let first = world.hinted(mfa_only());
    let mut flow = world.begin(Start {
        id: id(801),
        hinted: true,
        ..World::start(mfa_only())
    });
    assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
    assert_eq!(world.sent.len(), 1);
    let until = START + Duration::from_seconds(10);
    let not_sent = NotSent {
        device: phone(),
        channel: Channel::Sms,
        denied: Denied::TooSoon { until },
        earlier: Some(first.id),
    };
    assert_eq!(flow.status.not_sent(START), Some(&not_sent));
    assert_eq!(flow.status.not_sent(until), None, "it may be sent now");
    assert!(matches!(
        world.select(&mut flow, phone()),
        Err(FlowError::RateLimited { .. })
    ));
    assert_eq!(world.select(&mut flow, mail()), Ok(()));
    assert_eq!(world.submit_last(&mut flow), Ok(()));
    assert_eq!(flow.amr(), ["otp"]);
}

#[test]
fn what_cannot_be_sent_is_refused_beforehand() {
    let mut world = World::new();
    world.senders.sms = false;
    let start = Start {
        hinted: true,
        ..World::start(mfa_only())
    };
    assert_eq!(world.try_begin(start).unwrap_err(), FlowError::SendFailed);
    assert!(world.counters.is_empty());
}

#[test]
fn a_message_that_cannot_be_delivered_moves_the_flow_on() {
    for (devices, expected) in [
        (
            vec![
                device(PHONE, DeviceType::Sms),
                device(MAIL, DeviceType::Email),
            ],
            "DEVICE_SELECTION_REQUIRED",
        ),
        (vec![device(PHONE, DeviceType::Sms)], "FAILED"),
    ] {
        let mut world = World::with_devices(devices);
        let mut flow = world.hinted(mfa_only());
        let message = world.sent[0].message;
        let stale = Input::DeliveryFailed { message: id(1) };
        assert!(matches!(
            world.act(&mut flow, &stale),
            Err(FlowError::InvalidAction { .. })
        ));
        assert_eq!(
            world.act(&mut flow, &Input::DeliveryFailed { message }),
            Ok(())
        );
        assert_eq!(flow.status.name(), expected);
        assert_eq!(flow.outstanding_code(), None);
    }
}

#[test]
fn the_policy_says_when_the_user_chooses() {
    use DeviceSelection::{AlwaysDisplayDevices, DefaultToFirst, PromptToSelect};
    let two = || {
        vec![
            device(PHONE, DeviceType::Sms),
            device(MAIL, DeviceType::Email),
        ]
    };
    let one = || vec![device(MAIL, DeviceType::Email)];
    for (device_selection, devices, expected) in [
        (DefaultToFirst, two(), "OTP_REQUIRED"),
        (PromptToSelect, two(), "DEVICE_SELECTION_REQUIRED"),
        (PromptToSelect, one(), "OTP_REQUIRED"),
        (AlwaysDisplayDevices, one(), "DEVICE_SELECTION_REQUIRED"),
        (AlwaysDisplayDevices, vec![], "FAILED"),
    ] {
        let mut world = World::with_devices(devices);
        let settings = MultiFactorAuthentication {
            device_selection,
            ..mfa()
        };
        let flow = world.hinted(vec![policy("P", vec![mfa_action(settings)])]);
        assert_eq!(flow.status.name(), expected, "{device_selection:?}");
    }
}

#[test]
fn only_usable_devices_of_permitted_types_are_asked() {
    let mut world = World::new();
    let mut settings = mfa();
    settings.email.enabled = false;
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let mut flow = world.hinted(policies.clone());
    assert_eq!(flow.status.devices().unwrap().len(), 1);
    let disabled = FlowError::DeviceUnusable {
        status: UsableStatus::Disabled,
    };
    assert_eq!(world.select(&mut flow, mail()), Err(disabled));
    assert_eq!(
        world.select(&mut flow, id(99)),
        Err(FlowError::DeviceUnknown)
    );
    world.device(phone()).is_blocked = true;
    assert_eq!(
        failure(&world.hinted(policies.clone())),
        Some("NO_USABLE_DEVICES")
    );
    world.device(phone()).is_blocked = false;
    world.device(phone()).is_active = false;
    assert_eq!(failure(&world.hinted(policies)), Some("NO_USABLE_DEVICES"));
}

#[test]
fn a_device_that_is_blocked_meanwhile_takes_no_code() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    world.device(phone()).is_blocked = true;
    assert_eq!(world.submit_last(&mut flow), Err(FlowError::OtpExpired));
    assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
}

#[test]
fn an_account_that_is_lost_meanwhile_ends_the_flow() {
    let changes: [fn(&mut World); 4] = [
        |world| world.user = None,
        |world| world.user().enabled = false,
        |world| world.user().verified = false,
        |world| world.user().lock = Some(AccountLock { until: None }),
    ];
    for change in changes {
        let mut world = World::new();
        let mut flow = world.hinted(mfa_only());
        change(&mut world);
        assert_eq!(world.submit_last(&mut flow), Ok(()));
        assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
    }
}

#[test]
fn an_idle_flow_expires_and_reading_prolongs_it() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    world.wait(60);
    assert!(!flow.should_persist_touch(world.now));
    world.wait(1);
    assert!(flow.should_persist_touch(world.now));
    flow.touch(world.now);
    world.wait(899);
    assert!(!flow.is_expired(world.now));
    world.wait(1);
    assert_eq!(world.submit_last(&mut flow), Err(FlowError::FlowExpired));
    flow.touch(START + Duration::from_minutes(59));
    assert_eq!(flow.expires_at(), START + Duration::from_minutes(60));
}

#[test]
fn the_code_has_the_length_of_its_method() {
    let mut world = World::new();
    let mut settings = mfa();
    settings.sms.otp_length = 8;
    let mut flow = world.hinted(vec![policy("P", vec![mfa_action(settings)])]);
    assert_eq!(world.sent[0].code_length, 8);
    assert_eq!(
        flow.outstanding_code(),
        Some(&code_hash(world.sent[0].message, 8))
    );
    assert_eq!(world.submit_last(&mut flow), Ok(()));
}

#[test]
fn a_stored_flow_shows_no_address_and_its_debug_output_no_hash() {
    let mut world = World::new();
    let flow = world.hinted(mfa_only());
    let stored = serde_json::to_string(&flow).unwrap();
    assert!(!stored.contains("90000011") && !stored.contains("mira11"));
    assert!(format!("{flow:?}").contains("CodeHash(…)"));
}
