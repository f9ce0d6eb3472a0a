//! Nobody learns from `user.lookup` which names there are.

use super::*;

fn looked_up(world: &mut World, name: &str) -> Flow {
    looked_up_in(world, mfa_only(), name)
}
fn looked_up_in(world: &mut World, policies: Vec<Policy>, name: &str) -> Flow {
    let mut flow = world.anonymous(policies);
    world.look_up(&mut flow, name).unwrap();
    flow
}
/// The resource with everything that differs between any two people blanked.
fn shape(flow: &Flow) -> Value {
    let mut value = shown(flow, "https://auth.example.test/E", START);
    let blank = |value: &mut Value, path: &str| {
        if let Some(found) = value.pointer_mut(path) {
            *found = Value::Null;
        }
    };
    for path in [
        "/selectedDevice/id",
        "/_embedded/user/id",
        "/_embedded/user/username",
    ] {
        blank(&mut value, path);
    }
    for index in 0..2 {
        for member in ["id", "phone", "email"] {
            blank(&mut value, &format!("/_embedded/devices/{index}/{member}"));
        }
    }
    value
}

#[test]
fn an_unknown_name_is_answered_like_a_known_one() {
    let mut world = World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
    world.device(phone()).nickname = Some("Work phone".to_owned());
    let mut settings = mfa();
    settings.email.enabled = false;
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let known = looked_up_in(&mut world, policies.clone(), "mira.k");
    let unknown = looked_up_in(&mut world, policies, "nobody");
    assert_eq!(shape(&known), shape(&unknown));
    assert!(unknown.user.as_ref().unwrap().is_decoy());
    assert_eq!(world.sent.len(), 1, "nothing is sent to nobody");
}

#[test]
fn a_decoy_is_the_same_each_time_and_people_differ() {
    let mut world = World::new();
    world.floors.address_interval = Duration::ZERO;
    let devices = |flow: &Flow| flow.status.devices().unwrap().to_vec();
    let first = looked_up(&mut world, "nobody");
    world.wait(60);
    assert_eq!(devices(&first), devices(&looked_up(&mut world, "nobody")));
    let mut counts: Vec<usize> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .map(|name| devices(&looked_up(&mut world, name)).len())
        .into();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn no_code_of_a_decoy_is_ever_right_and_its_attempts_end() {
    let mut world = World::new();
    let mut flow = looked_up(&mut world, "nobody");
    let device = selected(&flow).unwrap();
    assert_eq!(
        world.act(
            &mut flow,
            &Input::OtpChecked {
                verdict: Verdict::Matched
            }
        ),
        WRONG(2)
    );
    assert_eq!(world.guess(&mut flow), WRONG(1));
    assert_eq!(world.guess(&mut flow), EXHAUSTED);
    assert_eq!(world.guess(&mut flow), Err(FlowError::OtpExpired));
    assert!(matches!(
        world.select(&mut flow, device),
        Err(FlowError::RateLimited { .. })
    ));
    world.wait(10);
    assert_eq!(world.select(&mut flow, device), Ok(()));
    assert_eq!(world.guess(&mut flow), WRONG(2));
    assert_eq!(
        world.select(&mut flow, phone()),
        Err(FlowError::DeviceUnknown)
    );
}

#[test]
fn limits_hit_decoys_as_they_hit_people() {
    for name in ["mira.k", "nobody"] {
        let mut world = World::new();
        assert_eq!(looked_up(&mut world, name).status.name(), "OTP_REQUIRED");
        assert_eq!(
            looked_up(&mut world, name).status.name(),
            "DEVICE_SELECTION_REQUIRED",
            "{name}"
        );
    }
}

#[test]
fn whoever_cannot_go_on_is_answered_as_a_decoy() {
    let changes: [fn(&mut World); 5] = [
        |world| world.user().enabled = false,
        |world| world.user().mfa_enabled = false,
        |world| world.user().lock = Some(AccountLock { until: None }),
        |world| world.devices.clear(),
        |world| {
            world
                .devices
                .iter_mut()
                .for_each(|device| device.is_blocked = true);
        },
    ];
    for change in changes {
        let mut world = World::new();
        change(&mut world);
        let mut policies = mfa_only();
        policies.extend(password_and_mfa());
        let flow = looked_up_in(&mut world, policies, "mira.k");
        assert_eq!(flow.status.name(), "OTP_REQUIRED");
        assert!(flow.user.as_ref().unwrap().is_decoy());
        assert!(world.sent.is_empty());
    }
}

#[test]
fn where_the_password_is_next_every_name_is_asked_for_it() {
    let never = json!({ "exists": "${user.title}" });
    let actions = vec![
        conditional(
            mfa_action(mfa()),
            &json!({"not": {"exists": "${identifier}"}}),
        ),
        conditional(mfa_action(mfa()), &never),
        action(ActionKind::Login),
    ];
    for name in ["mira.k", "nobody"] {
        let mut world = World::new();
        let mut flow = looked_up_in(&mut world, vec![policy("P", actions.clone())], name);
        assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
        let wrong = Err(FlowError::InvalidCredentials);
        assert_eq!(
            world.password(&mut flow, None, PasswordVerdict::Wrong),
            wrong
        );
        let right = world.password(&mut flow, None, PasswordVerdict::Matched);
        assert_eq!(right.is_ok(), name == "mira.k");
    }
}

#[test]
fn who_proves_to_be_the_user_is_named_in_full() {
    let mut world = World::new();
    let mut flow = looked_up(&mut world, "mira.k");
    assert_eq!(
        shown(&flow, "", START)["_embedded"]["user"].get("name"),
        None
    );
    world.submit_last(&mut flow).unwrap();
    assert_eq!(
        shown(&flow, "", START)["_embedded"]["user"]["name"]["given"],
        "Mira"
    );
}

/// What somebody sees who guesses at a name and comes back to it, in two flows at a time.
fn seen_by_a_guesser(
    mut world: World,
    settings: MultiFactorAuthentication,
    name: &str,
) -> Vec<String> {
    world.floors.address_interval = Duration::ZERO;
    world.floors.address_hourly = 1_000;
    world.floors.user_daily = 1_000;
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let mut seen = Vec::new();
    for _ in 0..60 {
        let mut flow = looked_up_in(&mut world, policies.clone(), name);
        let mut other = looked_up_in(&mut world, policies.clone(), name);
        for flow in [&mut flow, &mut other] {
            for _ in 0..2 {
                let answer = world.guess(flow);
                let left = flow.status.name();
                seen.push(format!("{answer:?} {left}"));
            }
        }
        let device = selected(&flow);
        seen.push(format!(
            "{:?}",
            device.map(|device| world.select(&mut flow, device))
        ));
        world.wait(30);
    }
    seen
}

#[test]
fn whoever_guesses_sees_no_difference_between_somebody_and_nobody() {
    let one_phone = || World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
    let sms_only = |mut settings: MultiFactorAuthentication| {
        settings.email.enabled = false;
        settings
    };
    let for_a_minute = Some(Lockout {
        failure_count: 5,
        duration: Some(Duration::from_minutes(1)),
    });
    let for_good = Some(Lockout {
        failure_count: 5,
        duration: None,
    });
    for lockout in [None, for_a_minute, for_good] {
        for cool_down in [0, 1, 30] {
            let seen = |name| {
                let world = World {
                    lockout,
                    ..one_phone()
                };
                seen_by_a_guesser(world, sms_only(with_cool_down(cool_down)), name)
            };
            assert_eq!(seen("mira.k"), seen("nobody"), "{lockout:?} {cool_down}");
        }
    }
}

#[test]
fn a_name_keeps_its_face_whatever_becomes_of_whoever_has_it() {
    let changes: [fn(&mut World); 5] = [
        |world| world.user().enabled = false,
        |world| world.user().verified = false,
        |world| world.user().mfa_enabled = false,
        |world| world.user().lock = Some(AccountLock { until: None }),
        |world| world.device(phone()).is_blocked = true,
    ];
    for change in changes {
        let mut world = World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
        let before = looked_up(&mut world, "mira.k");
        change(&mut world);
        world.wait(10);
        let mut after = looked_up(&mut world, "mira.k");
        assert_eq!(before.status.devices(), after.status.devices());
        assert_eq!(before.user.unwrap().id, after.user.as_ref().unwrap().id);
        assert!(after.user.as_ref().unwrap().is_decoy());
        assert_eq!(world.sent.len(), 1, "nothing more is sent");
        let right = Input::OtpChecked {
            verdict: Verdict::Matched,
        };
        assert_eq!(world.act(&mut after, &right), WRONG(2));
    }
}

#[test]
fn nobody_seems_to_have_come_when_the_environment_was_born() {
    let mut world = World::new();
    let mut days: Vec<i64> = (0..60)
        .map(|number| {
            let flow = looked_up(&mut world, &format!("nobody-{number}"));
            let id = flow.user.unwrap().id.uuid().as_u128();
            let came_at = Timestamp::from_millis(i64::try_from(id >> 80).unwrap());
            let age = came_at.since(START - Duration::from_days(9));
            age.as_seconds() / 86_400
        })
        .collect();
    days.sort_unstable();
    days.dedup();
    assert!(
        days.len() > 4 && days.iter().all(|day| (0..9).contains(day)),
        "{days:?}"
    );
}
