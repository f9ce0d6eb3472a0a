//! An application that does not let the user in.

use super::{ProofMethod::Sms, *};

fn shut_out() -> World {
    World {
        is_permitted: false,
        ..World::new()
    }
}

#[track_caller]
fn assert_not_permitted(world: &World, flow: &Flow) {
    let error = Failure::NotPermitted;
    assert_eq!(flow.status, Status::Failed { error });
    assert_eq!(failure(flow), Some("ACCOUNT_NOT_USABLE"));
    assert!(world.sent.is_empty(), "nothing is sent");
}

#[test]
fn a_known_user_is_told_at_once() {
    let never = json!({ "exists": "${user.title}" });
    let nothing = vec![policy(
        "P",
        vec![conditional(action(ActionKind::Login), &never)],
    )];
    for policies in [mfa_only(), password_and_mfa(), nothing] {
        let mut world = shut_out();
        let flow = world.hinted(policies.clone());
        assert_not_permitted(&world, &flow);
        let flow = world.begin(Start {
            signed_on: Some(session(&[(Sms, 5)])),
            ..World::start(policies)
        });
        assert_not_permitted(&world, &flow);
    }
}

#[test]
fn whoever_types_a_name_is_told_after_the_password_only() {
    for policies in [
        password_and_mfa(),
        vec![policy("P", vec![action(ActionKind::Login)])],
    ] {
        let mut world = shut_out();
        let mut flow = world.anonymous(policies);
        let wrong = world.password(&mut flow, Some("mira.k"), PasswordVerdict::Wrong);
        assert_eq!(wrong, Err(FlowError::InvalidCredentials));
        let right = world.password(&mut flow, Some("mira.k"), PasswordVerdict::Matched);
        assert_eq!(right, Ok(()));
        assert_not_permitted(&world, &flow);
    }
}

#[test]
fn whoever_types_their_name_is_answered_like_anybody_and_sent_nothing() {
    let mut world = shut_out();
    let mut flow = world.anonymous(mfa_only());
    world.look_up(&mut flow, "mira.k").unwrap();
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    assert!(world.sent.is_empty());
    assert_eq!(world.guess(&mut flow), WRONG(2), "it goes on as for others");
}

#[test]
fn whoever_is_shut_out_meanwhile_is_sent_nothing_more() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    world.is_permitted = false;
    world.sent.clear();
    world.wait(60);
    assert_eq!(world.select(&mut flow, mail()), Ok(()));
    assert_not_permitted(&world, &flow);

    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    world.submit_last(&mut flow).unwrap();
    let user = world.user().clone();
    assert_eq!(flow.bar(&user, true, world.now), None);
    let barred = flow.bar(&user, false, world.now);
    assert_eq!(barred, Some(Failure::NotPermitted));
}
