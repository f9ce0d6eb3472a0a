//! The password, and what a hint is not.

use super::*;

#[test]
fn a_right_password_goes_on_to_the_code() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    assert_eq!(flow.status.name(), "USERNAME_PASSWORD_REQUIRED");
    let wrong = Err(FlowError::InvalidCredentials);
    assert_eq!(
        world.password(&mut flow, Some("mira.k"), PasswordVerdict::Wrong),
        wrong
    );
    assert_eq!(
        world.password(&mut flow, Some("nobody"), PasswordVerdict::Wrong),
        wrong
    );
    assert_eq!(flow.status.name(), "USERNAME_PASSWORD_REQUIRED");
    assert_eq!(
        world.password(&mut flow, Some("mira.k"), PasswordVerdict::Matched),
        Ok(())
    );
    assert_eq!(selected(&flow), Some(phone()));
}

#[test]
fn a_hint_fixes_the_user_and_does_not_stand_for_the_password() {
    let mut world = World::new();
    let mut flow = world.hinted(password_and_mfa());
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    assert!(world.sent.is_empty());
    let wrong = Err(FlowError::InvalidCredentials);
    assert_eq!(
        world.password(&mut flow, Some("somebody.else"), PasswordVerdict::Matched),
        wrong
    );
    assert_eq!(
        world.password(&mut flow, None, PasswordVerdict::Matched),
        Ok(())
    );
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
}

#[test]
fn the_reasons_of_a_refused_password_are_told_apart() {
    let until = Some(START + Duration::from_minutes(9));
    for (verdict, expected) in [
        (
            PasswordVerdict::LockedOut { until },
            FlowError::PasswordLockedOut { until },
        ),
        (PasswordVerdict::NoPassword, FlowError::NoPassword),
        (
            PasswordVerdict::ChangeRequired,
            FlowError::PasswordChangeRequired,
        ),
    ] {
        let mut world = World::new();
        let mut flow = world.hinted(password_and_mfa());
        assert_eq!(world.password(&mut flow, None, verdict), Err(expected));
        assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    }
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    let anonymous = world.password(&mut flow, Some("mira.k"), PasswordVerdict::NoPassword);
    assert_eq!(
        anonymous,
        Err(FlowError::InvalidCredentials),
        "that there is a user is not told"
    );
}

#[test]
fn an_unusable_account_is_told_only_to_who_knows_the_password() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    world.user().enabled = false;
    let wrong = world.password(&mut flow, Some("mira.k"), PasswordVerdict::Wrong);
    assert_eq!(wrong, Err(FlowError::InvalidCredentials));
    let right = world.password(&mut flow, Some("mira.k"), PasswordVerdict::Matched);
    assert_eq!(right, Err(FlowError::AccountNotUsable));
    assert!(flow.proofs.is_empty());
}

#[test]
fn a_hinted_user_who_is_deleted_before_the_password_ends_the_flow() {
    let mut world = World::new();
    let mut flow = world.hinted(password_and_mfa());
    world.user = None;
    assert_eq!(
        world.password(&mut flow, None, PasswordVerdict::Wrong),
        Ok(())
    );
    assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
}

#[test]
fn a_password_is_not_lost_when_no_code_can_be_sent() {
    let mut world = World::new();
    world.senders = Senders {
        sms: false,
        email: false,
    };
    let mut flow = world.anonymous(password_and_mfa());
    world
        .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
    assert_eq!(world.select(&mut flow, phone()), Err(FlowError::SendFailed));
}

#[test]
fn a_reset_forgets_everybody_but_a_hinted_user() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    world
        .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
        .unwrap();
    world.act(&mut flow, &Input::SessionReset).unwrap();
    assert_eq!(
        (flow.status.name(), &flow.user),
        ("USERNAME_PASSWORD_REQUIRED", &None)
    );
    assert!(flow.proofs.is_empty());
    let mut flow = world.hinted(password_and_mfa());
    world
        .password(&mut flow, None, PasswordVerdict::Matched)
        .unwrap();
    world.act(&mut flow, &Input::SessionReset).unwrap();
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    assert!(flow.is_hinted() && flow.proofs.is_empty());
}

#[test]
fn a_password_without_a_name_is_nobodys() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    let wrong = Err(FlowError::InvalidCredentials);
    assert_eq!(
        world.password(&mut flow, None, PasswordVerdict::Matched),
        wrong
    );
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    let mut world = World::new();
    let mut flow = world.anonymous(password_and_mfa());
    let refused = FlowError::InvalidAction {
        action: Some(Action::OtpCheck),
        status: "USERNAME_PASSWORD_REQUIRED",
    };
    assert_eq!(world.guess(&mut flow), Err(refused));
}

#[test]
fn another_users_right_password_does_not_do_in_a_flow_that_has_a_user() {
    let mut world = World::new();
    let mut flow = world.hinted(password_and_mfa());
    let user = world.user();
    user.id = id(2);
    user.username = "other.user".to_owned();
    let refused = world.password(&mut flow, Some("other.user"), PasswordVerdict::Matched);
    assert_eq!(refused, Err(FlowError::InvalidCredentials));
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
}

#[test]
fn a_reset_for_a_hinted_user_who_is_gone_ends_the_flow() {
    for policies in [password_and_mfa(), mfa_only()] {
        let mut world = World::new();
        let mut flow = world.hinted(policies);
        world.user = None;
        assert_eq!(world.act(&mut flow, &Input::SessionReset), Ok(()));
        assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
    }
}

#[test]
fn where_a_password_follows_it_can_be_given_before_anybody_is_known() {
    let actions = vec![mfa_action(mfa()), action(ActionKind::Login)];
    let mut world = World::new();
    let mut flow = world.anonymous(vec![policy("P", actions)]);
    assert_eq!(flow.status.name(), "SIGN_ON_REQUIRED");
    assert_eq!(
        flow.offered(),
        [
            Action::UserLookup,
            Action::UsernamePasswordCheck,
            Action::SessionReset
        ]
    );
    let wrong = Err(FlowError::InvalidCredentials);
    for name in ["mira.k", "nobody"] {
        assert_eq!(
            world.password(&mut flow, Some(name), PasswordVerdict::Wrong),
            wrong
        );
    }
    world
        .password(&mut flow, Some("mira.k"), PasswordVerdict::Matched)
        .unwrap();
    assert_eq!(selected(&flow), Some(phone()));
    world.submit_last(&mut flow).unwrap();
    assert_eq!(
        flow.status,
        Status::Completed,
        "the password is not asked for again"
    );

    let mut flow = world.anonymous(mfa_only());
    let refused = world.password(&mut flow, Some("mira.k"), PasswordVerdict::Matched);
    assert!(matches!(refused, Err(FlowError::InvalidAction { .. })));
}

#[test]
fn that_a_password_is_locked_is_told_only_where_more_than_a_name_speaks_for_the_user() {
    let until = Some(START + Duration::from_minutes(9));
    let locked = PasswordVerdict::LockedOut { until };
    let told = Err(FlowError::PasswordLockedOut { until });
    let wrong = Err(FlowError::InvalidCredentials);
    let mut world = World::new();
    let mut flow = world.hinted(password_and_mfa());
    assert_eq!(world.password(&mut flow, None, locked), told);
    let mut flow = world.begin(Start {
        signed_on: Some(session(&[(ProofMethod::Sms, 5)])),
        ..World::start(password_and_mfa())
    });
    assert_eq!(world.password(&mut flow, None, locked), told);

    let mut flow = world.anonymous(password_and_mfa());
    assert_eq!(world.password(&mut flow, Some("mira.k"), locked), wrong);
    let nobody = json!({ "not": { "exists": "${identifier}" } });
    let actions = vec![
        conditional(mfa_action(mfa()), &nobody),
        action(ActionKind::Login),
    ];
    let mut flow = world.anonymous(vec![policy("P", actions)]);
    world.look_up(&mut flow, "mira.k").unwrap();
    assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    assert_eq!(world.password(&mut flow, None, locked), wrong);
    assert!(flow.proofs.is_empty());
}
