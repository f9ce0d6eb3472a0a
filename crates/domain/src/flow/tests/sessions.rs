//! Whom a session speaks for, what it proves, and when it is as good as none.

use super::{
    ProofMethod::{Email, Password, Sms},
    *,
};

fn with_session(policies: Vec<Policy>, proofs: &[(ProofMethod, i64)]) -> Start {
    Start {
        signed_on: Some(session(proofs)),
        ..World::start(policies)
    }
}

#[test]
fn a_session_whose_user_cannot_go_on_is_as_good_as_none() {
    let changes: [fn(&mut World); 6] = [
        |world| world.user().enabled = false,
        |world| world.user().verified = false,
        |world| world.user().lock = Some(AccountLock { until: None }),
        |world| world.user().mfa_enabled = false,
        |world| world.devices.clear(),
        |world| world.user = None,
    ];
    for change in changes {
        let mut world = World::new();
        change(&mut world);
        let start = || with_session(mfa_only(), &[(Sms, 5)]);
        let flow = world.begin(start());
        assert_eq!(flow.status.name(), "SIGN_ON_REQUIRED");
        assert_eq!((flow.user, flow.signed_on), (None, None));
        let silent = Start {
            prompt_none: true,
            ..start()
        };
        assert_eq!(
            world.try_begin(silent).unwrap_err(),
            FlowError::LoginRequired
        );
        assert!(world.sent.is_empty());
    }
}

#[test]
fn a_lock_that_the_policy_ignores_ends_no_session() {
    let mut world = World::new();
    world.user().lock = Some(AccountLock { until: None });
    let settings = MultiFactorAuthentication {
        ignore_user_lock: true,
        ..mfa()
    };
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let flow = world.begin(with_session(policies, &[(Sms, 5)]));
    assert_eq!(selected(&flow), Some(phone()));
}

#[test]
fn a_hinted_user_who_cannot_go_on_is_told_so_whatever_the_session() {
    let mut world = World::new();
    world.devices.clear();
    let flow = world.begin(Start {
        hinted: true,
        ..with_session(mfa_only(), &[(Sms, 5)])
    });
    assert_eq!(failure(&flow), Some("NO_USABLE_DEVICES"));
}

#[test]
fn with_prompt_login_the_user_is_not_taken_from_the_session() {
    for (policies, expected) in [
        (mfa_only(), "SIGN_ON_REQUIRED"),
        (password_and_mfa(), "USERNAME_PASSWORD_REQUIRED"),
    ] {
        let mut world = World::new();
        let flow = world.begin(Start {
            prompt_login: true,
            requires_hint: false,
            ..with_session(policies, &[(Password, 5), (Sms, 5)])
        });
        assert_eq!(flow.status.name(), expected);
        assert_eq!(flow.user, None);
        assert!(world.sent.is_empty());
    }
}

#[test]
fn single_sign_on_tells_what_the_session_proved() {
    let if_old = |kind| conditional(mfa_action(mfa()), &since(kind, 300));
    for (proofs, expected) in [
        (&[(Sms, 20)][..], &["otp", "sms"][..]),
        (&[(Email, 20)], &["otp"]),
        (&[(Password, 60), (Email, 20)], &["pwd", "otp", "mfa"]),
        // In whatever order.
        (&[(Sms, 60), (Password, 20)], &["pwd", "otp", "sms", "mfa"]),
    ] {
        let mut world = World::new();
        let policies = vec![policy("P", vec![if_old("mfa")])];
        let flow = world.begin(with_session(policies, proofs));
        assert_eq!(flow.status, Status::Completed);
        assert_eq!(flow.amr(), expected);
        let last = START - Duration::from_seconds(20);
        assert_eq!(flow.authenticated_at(), Some(last));
    }
}

#[test]
fn what_was_proved_before_the_password_makes_two_factors_as_well() {
    let mut world = World::new();
    let login = vec![policy("P", vec![action(ActionKind::Login)])];
    let mut flow = world.begin(with_session(login.clone(), &[(Sms, 60)]));
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    world
        .password(&mut flow, None, PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(flow.amr(), ["pwd", "otp", "sms", "mfa"]);
    assert_eq!(flow.authenticated_at(), Some(START));

    // What has to be repeated counts for nothing.
    let mut flow = world.begin(Start {
        max_age: Some(Duration::from_seconds(30)),
        ..with_session(login, &[(Sms, 60)])
    });
    world
        .password(&mut flow, None, PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(flow.amr(), ["pwd"]);
}

#[test]
fn a_reset_forgets_what_the_session_proved() {
    let mut world = World::new();
    let mut flow = world.begin(with_session(password_and_mfa(), &[(Password, 60)]));
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    assert_eq!(flow.amr(), ["pwd"]);
    world.act(&mut flow, &Input::SessionReset).unwrap();
    assert_eq!(flow.amr(), Vec::<&str>::new());
    assert_eq!(flow.authenticated_at(), None);
}
