//! Which actions run, what lets them be left out, and what a session is worth.

use super::{
    ProofMethod::{Password, Sms},
    *,
};

fn no_devices(mode: NoDevicesMode) -> Vec<PolicyAction> {
    vec![mfa_action(MultiFactorAuthentication {
        no_devices_mode: mode,
        ..mfa()
    })]
}

#[test]
fn disabled_mfa_fails_whatever_the_policy_says_of_missing_devices() {
    let mut world = World::with_devices(vec![]);
    world.user().mfa_enabled = false;
    world.user().bypass_mfa_until = Some(START + Duration::from_days(1));
    let flow = world.hinted(vec![policy("P", no_devices(NoDevicesMode::Bypass))]);
    assert_eq!(failure(&flow), Some("MFA_DISABLED"));
}

#[test]
fn an_unusable_account_fails() {
    let changes: [fn(&mut World); 3] = [
        |world| world.user().enabled = false,
        |world| world.user().verified = false,
        |world| {
            world.user().lock = Some(AccountLock {
                until: Some(START + Duration::from_seconds(1)),
            });
        },
    ];
    for change in changes {
        for policies in [mfa_only(), password_and_mfa()] {
            let mut world = World::new();
            change(&mut world);
            assert_eq!(failure(&world.hinted(policies)), Some("ACCOUNT_NOT_USABLE"));
            assert!(world.sent.is_empty());
        }
    }
}

#[test]
fn a_policy_may_ignore_the_lock_of_the_account() {
    let mut world = World::new();
    world.user().lock = Some(AccountLock { until: None });
    let settings = MultiFactorAuthentication {
        ignore_user_lock: true,
        ..mfa()
    };
    let mut flow = world.hinted(vec![policy("P", vec![mfa_action(settings)])]);
    assert_eq!(world.submit_last(&mut flow), Ok(()));
    assert_eq!(flow.status, Status::Completed);
}

#[test]
fn an_active_bypass_satisfies_the_action_for_a_vouched_user_until_it_ends() {
    let mut world = World::new();
    world.user().bypass_mfa_until = Some(START + Duration::from_seconds(1));
    let flow = world.hinted(mfa_only());
    assert_eq!((flow.status.name(), flow.amr()), ("COMPLETED", vec![]));
    assert!(
        world
            .audit
            .iter()
            .any(|event| matches!(event, AuditEvent::MfaBypassed { .. }))
    );
    let mut flow = world.anonymous(mfa_only());
    world.look_up(&mut flow, "mira.k").unwrap();
    assert_eq!(
        flow.status.name(),
        "OTP_REQUIRED",
        "a typed name is nobody's proof"
    );
    world.wait(1);
    assert_eq!(world.hinted(mfa_only()).status.name(), "OTP_REQUIRED");
}

#[test]
fn missing_devices_are_bypassed_only_where_somebody_vouches() {
    for (mode, expected) in [
        (NoDevicesMode::Block, "FAILED"),
        (NoDevicesMode::Bypass, "COMPLETED"),
    ] {
        let mut world = World::with_devices(vec![]);
        let flow = world.hinted(vec![policy("P", no_devices(mode))]);
        assert_eq!(flow.status.name(), expected);
        let mut actions = vec![action(ActionKind::Login)];
        actions.extend(no_devices(mode));
        let mut flow = world.anonymous(vec![policy("P", actions)]);
        world
            .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
            .unwrap();
        assert_eq!(flow.status.name(), expected);
    }
    let mut world = World::with_devices(vec![]);
    let signed_on = Some(session(&[(Sms, 5)]));
    let policies = vec![policy("P", no_devices(NoDevicesMode::Bypass))];
    let flow = world.begin(Start {
        signed_on,
        ..World::start(policies)
    });
    assert_eq!(
        flow.status.name(),
        "SIGN_ON_REQUIRED",
        "a session without a password does not vouch here"
    );
}

#[test]
fn devices_that_are_blocked_or_locked_are_not_missing() {
    let changes: [fn(&mut DeviceFacts); 2] = [
        |device| device.is_blocked = true,
        |device| device.locked_until = Some(START + Duration::from_seconds(1)),
    ];
    for change in changes {
        let mut device = device(PHONE, DeviceType::Sms);
        change(&mut device);
        let mut world = World::with_devices(vec![device]);
        let flow = world.hinted(vec![policy("P", no_devices(NoDevicesMode::Bypass))]);
        assert_eq!(failure(&flow), Some("NO_USABLE_DEVICES"));
    }
}

#[test]
fn when_a_policy_fails_the_next_one_is_tried() {
    let mut world = World::new();
    let mut only_sms = mfa();
    only_sms.email.enabled = false;
    world.devices.remove(0);
    let policies = vec![
        policy("Sms", vec![mfa_action(only_sms.clone())]),
        policy("Any", vec![mfa_action(mfa())]),
    ];
    let mut flow = world.hinted(policies);
    assert_eq!(selected(&flow), Some(mail()));
    world.submit_last(&mut flow).unwrap();
    assert_eq!(flow.acr(), Some("Any"));
    let sms_twice = vec![
        policy("Sms", vec![mfa_action(only_sms.clone())]),
        policy("Too", vec![mfa_action(only_sms)]),
    ];
    assert_eq!(failure(&world.hinted(sms_twice)), Some("NO_USABLE_DEVICES"));
}

#[test]
fn policies_that_ask_for_nothing_fail() {
    let mut world = World::new();
    assert_eq!(failure(&world.hinted(vec![])), Some("POLICY_FAILED"));
    assert_eq!(
        failure(&world.hinted(vec![policy("Empty", vec![])])),
        Some("POLICY_FAILED")
    );
}

#[test]
fn a_condition_that_is_false_leaves_the_action_out() {
    let mut world = World::new();
    let policies = vec![policy(
        "P",
        vec![conditional(mfa_action(mfa()), &since("mfa", 300))],
    )];
    let with = |signed_on| Start {
        signed_on: Some(signed_on),
        ..World::start(policies.clone())
    };
    assert_eq!(
        world.begin(with(session(&[(Sms, 300)]))).status,
        Status::Completed
    );
    assert_eq!(
        world.begin(with(session(&[(Sms, 301)]))).status.name(),
        "OTP_REQUIRED"
    );
    let forced = Start {
        max_age: Some(Duration::ZERO),
        ..with(session(&[(Sms, 1)]))
    };
    assert_eq!(
        world.begin(forced).status.name(),
        "DEVICE_SELECTION_REQUIRED",
        "asked, though too soon to send"
    );
}

#[test]
fn a_password_of_the_session_does_unless_the_policy_or_the_client_asks_for_a_new_one() {
    let login = || action(ActionKind::Login);
    let with = |actions, signed_on| Start {
        signed_on: Some(signed_on),
        ..World::start(vec![policy("P", actions)])
    };
    let status = |start| World::new().begin(start).status.name();
    assert_eq!(
        status(with(vec![login()], session(&[(Password, 600)]))),
        "COMPLETED"
    );
    assert_eq!(
        status(with(vec![login()], session(&[(Sms, 600)]))),
        "PASSWORD_REQUIRED"
    );
    let guarded = || vec![conditional(login(), &since("pwd", 300))];
    assert_eq!(
        status(with(guarded(), session(&[(Password, 300)]))),
        "COMPLETED"
    );
    assert_eq!(
        status(with(guarded(), session(&[(Password, 301)]))),
        "PASSWORD_REQUIRED"
    );
    let signed_on = || with(vec![login()], session(&[(Password, 600)]));
    assert_eq!(
        status(Start {
            prompt_login: true,
            requires_hint: false,
            ..signed_on()
        }),
        "USERNAME_PASSWORD_REQUIRED"
    );
    for (seconds, expected) in [
        (0, "PASSWORD_REQUIRED"),
        (599, "PASSWORD_REQUIRED"),
        (600, "COMPLETED"),
    ] {
        let max_age = Some(Duration::from_seconds(seconds));
        assert_eq!(
            status(Start {
                max_age,
                ..signed_on()
            }),
            expected,
            "{seconds}"
        );
    }
}

#[test]
fn the_session_of_another_user_does_not_count() {
    let mut world = World::new();
    let mut other = session(&[(Password, 1), (Sms, 1)]);
    other.user = id(77);
    let policies = vec![policy(
        "P",
        vec![conditional(mfa_action(mfa()), &since("mfa", 300))],
    )];
    let flow = world.begin(Start {
        hinted: true,
        signed_on: Some(other),
        ..World::start(policies)
    });
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    assert_eq!(flow.signed_on, None);
}

#[test]
fn nothing_completes_on_a_typed_name_alone() {
    let mut world = World::new();
    let elsewhere = json!({ "not": { "exists": "${identifier}" } });
    let policies = vec![policy(
        "P",
        vec![conditional(mfa_action(mfa()), &elsewhere)],
    )];
    let mut flow = world.anonymous(policies.clone());
    assert_eq!(flow.status.name(), "SIGN_ON_REQUIRED");
    world.look_up(&mut flow, "mira.k").unwrap();
    assert_eq!(
        flow.status.name(),
        "OTP_REQUIRED",
        "the first action runs in spite of its condition"
    );
    assert_eq!(world.hinted(policies).status, Status::Completed);
}

#[test]
fn without_interaction_nothing_is_sent() {
    let mut world = World::new();
    for policies in [mfa_only(), password_and_mfa()] {
        let start = Start {
            hinted: true,
            prompt_none: true,
            ..World::start(policies)
        };
        assert_eq!(
            world.try_begin(start).unwrap_err(),
            FlowError::LoginRequired
        );
    }
    assert!(world.sent.is_empty() && world.counters.is_empty());
    let start = Start {
        prompt_none: true,
        ..World::start(mfa_only())
    };
    assert_eq!(
        world.try_begin(start).unwrap_err(),
        FlowError::LoginRequired
    );
}

#[test]
fn two_kinds_of_proof_make_mfa() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    world
        .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(flow.amr(), ["pwd"]);
    world.submit_last(&mut flow).unwrap();
    assert_eq!(flow.amr(), ["pwd", "otp", "sms", "mfa"]);
    world.wait(60);
    let mut flow = world.hinted(vec![policy(
        "P",
        vec![mfa_action(mfa()), mfa_action(mfa())],
    )]);
    world.submit_last(&mut flow).unwrap();
    assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
    world.select(&mut flow, mail()).unwrap();
    world.submit_last(&mut flow).unwrap();
    assert_eq!(flow.amr(), ["otp", "sms"]);
}

#[test]
fn the_flow_resource_is_as_documented() {
    let mut world = World::new();
    world.device(phone()).nickname = Some("Work phone".to_owned());
    let mut flow = world.hinted(mfa_only());
    let show = |flow: &Flow| shown(flow, "https://auth.example.test/E", START);
    insta::assert_json_snapshot!("otp_required", show(&flow));
    world.submit_last(&mut flow).unwrap();
    insta::assert_json_snapshot!("completed", show(&flow));
    world.devices.clear();
    insta::assert_json_snapshot!("failed", show(&world.hinted(mfa_only())));
}

#[test]
fn an_unusable_account_fails_also_where_every_action_is_left_out() {
    let mut world = World::new();
    world.user().enabled = false;
    let never = json!({ "exists": "${user.title}" });
    for kind in [
        ActionKind::Login,
        ActionKind::MultiFactorAuthentication(mfa()),
    ] {
        let flow = world.hinted(vec![policy("P", vec![conditional(action(kind), &never)])]);
        assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
    }
}

#[test]
fn a_reset_drops_the_session_of_the_browser() {
    let mut world = World::new();
    let actions = vec![
        action(ActionKind::Login),
        conditional(mfa_action(mfa()), &since("mfa", 300)),
    ];
    let signed_on = Some(session(&[(Sms, 10)]));
    let mut flow = world.begin(Start {
        signed_on,
        ..World::start(vec![policy("P", actions)])
    });
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    world.act(&mut flow, &Input::SessionReset).unwrap();
    world
        .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
}

#[test]
fn without_interaction_the_need_for_it_is_told_before_any_limit() {
    let mut world = World::new();
    world.senders.sms = false;
    let start = Start {
        hinted: true,
        prompt_none: true,
        ..World::start(mfa_only())
    };
    assert_eq!(
        world.try_begin(start).unwrap_err(),
        FlowError::LoginRequired
    );
}
