//! Nobody learns from `user.lookup` which names there are, nor keeps anybody from signing on.

use proptest::{prelude::*, test_runner::RngSeed};

use super::*;

fn looked_up(world: &mut World, name: &str) -> Flow {
    looked_up_in(world, mfa_only(), name)
}
fn looked_up_in(world: &mut World, policies: Vec<Policy>, name: &str) -> Flow {
    let mut flow = world.anonymous(policies);
    world.look_up(&mut flow, name).unwrap();
    flow
}
fn entries(flow: &Flow) -> &[status::DeviceEntry] {
    flow.status.devices().unwrap()
}
fn only(types: &[DeviceType]) -> Vec<Policy> {
    let mut settings = mfa();
    settings.sms.enabled = types.contains(&DeviceType::Sms);
    settings.email.enabled = types.contains(&DeviceType::Email);
    vec![policy("P", vec![mfa_action(settings)])]
}

#[test]
fn a_typed_name_shows_one_device_of_the_first_type_and_nothing_of_it() {
    let cases = [
        (
            vec![DeviceType::Sms, DeviceType::Email],
            "phone",
            "***********",
        ),
        (vec![DeviceType::Sms], "phone", "***********"),
        (vec![DeviceType::Email], "email", "****@****"),
    ];
    for (types, member, mask) in cases {
        let mut world = World::with_devices(vec![device(MAIL, DeviceType::Email)]);
        world.device(mail()).nickname = Some("Work".to_owned());
        let flow = looked_up_in(&mut world, only(&types), " mira.K ");
        assert_eq!(entries(&flow).len(), 1);
        let shown = shown(&flow, "", START);
        let device = &shown["_embedded"]["devices"][0];
        assert_eq!(device[member], mask);
        assert_eq!(device.get("nickname"), None);
        let user = &shown["_embedded"]["user"];
        assert_eq!(user["username"], "mira.K");
        assert_eq!(user.get("name"), None);
        assert_ne!(user["id"], json!(id::<ids::User>(USER)));
    }
}

#[test]
fn a_type_that_nothing_can_be_sent_by_is_not_the_first() {
    let mut world = World::new();
    world.senders.sms = false;
    let flow = looked_up(&mut world, "nobody");
    assert_eq!(entries(&flow)[0].kind, DeviceType::Email);
}

#[test]
fn ids_are_those_of_the_name_and_the_flow() {
    let ids = |name: &str, number: u128| {
        let mut world = World::new();
        let start = Start {
            id: id(number),
            ..World::start(mfa_only())
        };
        let mut flow = world.begin(start);
        world.look_up(&mut flow, name).unwrap();
        (flow.user.as_ref().unwrap().id, entries(&flow)[0].id)
    };
    assert_eq!(ids("mira.k", 1), ids("MIRA.K ", 1));
    assert_ne!(ids("mira.k", 1).0, ids("mira.k", 2).0);
    assert_ne!(ids("mira.k", 1).1, ids("mira.k", 2).1);
    assert_ne!(ids("nobody", 1), ids("mira.k", 1));
}

#[test]
fn the_code_goes_to_the_first_usable_device_and_proves_it() {
    let mut world = World::new();
    world.device(phone()).is_blocked = true;
    let mut flow = looked_up(&mut world, "mira.k");
    assert_eq!(entries(&flow)[0].kind, DeviceType::Sms);
    let to_mail = world.device(mail()).address.expose().clone();
    assert_eq!(world.sent.last().unwrap().address, to_mail);
    assert_eq!(world.submit_last(&mut flow), Ok(()));
    assert_eq!(flow.status, Status::Completed);
    assert_eq!(flow.amr(), ["otp"], "by e-mail, whatever was shown");
    let user = &shown(&flow, "", START)["_embedded"]["user"];
    assert_eq!(user["id"], json!(id::<ids::User>(USER)));
    assert_eq!(user["name"]["given"], "Mira");
}

#[test]
fn no_code_of_nobody_is_ever_right_and_its_attempts_end() {
    let mut world = World::new();
    let mut flow = looked_up(&mut world, "nobody");
    let device = selected(&flow).unwrap();
    let right = Input::OtpChecked {
        verdict: Verdict::Matched,
    };
    assert_eq!(world.act(&mut flow, &right), WRONG(2));
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
    assert_eq!((world.sent.len(), world.to_nobody), (0, 2));
}

#[test]
fn a_code_is_right_only_while_whoever_got_it_may_sign_on() {
    let changes: [fn(&mut World); 6] = [
        |world| world.user().enabled = false,
        |world| world.user().verified = false,
        |world| world.user().mfa_enabled = false,
        |world| world.user().lock = Some(AccountLock { until: None }),
        |world| world.device(phone()).is_blocked = true,
        |world| world.is_permitted = false,
    ];
    for change in changes {
        let mut world = World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
        let mut flow = looked_up(&mut world, "mira.k");
        change(&mut world);
        assert_eq!(world.submit_last(&mut flow), WRONG(2));
        world.wait(10);
        let mut later = looked_up(&mut world, "mira.k");
        assert_eq!(
            (world.sent.len(), world.to_nobody),
            (1, 1),
            "nothing more is sent"
        );
        let right = Input::OtpChecked {
            verdict: Verdict::Matched,
        };
        assert_eq!(world.act(&mut later, &right), WRONG(1));
    }
}

#[test]
fn a_typed_name_asks_for_three_codes_an_hour() {
    for name in ["mira.k", "nobody"] {
        let mut world = World::new();
        for _ in 0..3 {
            assert_eq!(looked_up(&mut world, name).status.name(), "OTP_REQUIRED");
            world.wait(60);
        }
        let flow = looked_up(&mut world, name);
        assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
        world.wait(3_600 - 180);
        assert_eq!(looked_up(&mut world, name).status.name(), "OTP_REQUIRED");
    }
}

#[test]
fn where_the_password_is_next_every_name_is_asked_for_it() {
    let actions = vec![
        conditional(
            mfa_action(mfa()),
            &json!({"not": {"exists": "${identifier}"}}),
        ),
        action(ActionKind::Login),
    ];
    for name in ["mira.k", "nobody"] {
        let mut world = World::new();
        let mut flow = looked_up_in(&mut world, vec![policy("P", actions.clone())], name);
        assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
        let wrong = Err(FlowError::InvalidCredentials);
        for verdict in [
            PasswordVerdict::Wrong,
            PasswordVerdict::NoPassword,
            PasswordVerdict::LockedOut { until: None },
        ] {
            assert_eq!(world.password(&mut flow, None, verdict), wrong);
        }
        let others = world.password(&mut flow, Some("somebody"), PasswordVerdict::Matched);
        assert_eq!(others, wrong);
        let right = world.password(&mut flow, None, PasswordVerdict::Matched);
        assert_eq!(right.is_ok(), name == "mira.k");
        if right.is_ok() {
            assert_eq!(flow.user.as_ref().unwrap().id, id(USER));
        }
    }
}

#[test]
fn what_is_asked_of_some_is_asked_of_every_typed_name() {
    let of_interns = json!({ "equals": "interns", "value": "${user.title}" });
    let actions = vec![
        conditional(action(ActionKind::Login), &of_interns),
        mfa_action(mfa()),
    ];
    let policies = vec![policy("P", actions)];
    let mut world = World::new();
    assert_eq!(world.hinted(policies.clone()).status.name(), "OTP_REQUIRED");
    for name in ["mira.k", "nobody"] {
        let flow = looked_up_in(&mut world, policies.clone(), name);
        assert_eq!(flow.status.name(), "PASSWORD_REQUIRED");
    }
}

#[test]
fn too_many_wrong_codes_close_the_name_and_not_the_account() {
    let mut world = World::new();
    world.floors.address_interval = Duration::ZERO;
    world.floors.address_hourly = 1_000;
    world.floors.typed_name_hourly = 1_000;
    world.floors.user_daily = 1_000;
    let mut wrong = 0;
    while wrong < 100 {
        let mut flow = looked_up(&mut world, "mira.k");
        for _ in 0..2 {
            let judged = world.guess(&mut flow);
            wrong += u32::from(judged != Err(FlowError::OtpExpired));
        }
    }
    let flow = looked_up(&mut world, "mira.k");
    assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
    assert_eq!(world.user().lock, None);
    let mut vouched_for = world.hinted(mfa_only());
    assert_eq!(world.submit_last(&mut vouched_for), Ok(()));
}

/// What a stranger does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    LookUp,
    Guess,
    /// Right by chance.
    Hit,
    Select,
    Reset,
    Password(PasswordVerdict),
    LoseTheMessage,
    Wait(i64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => Just(Deed::LookUp),
        4 => Just(Deed::Guess),
        1 => Just(Deed::Hit),
        2 => Just(Deed::Select),
        1 => Just(Deed::Reset),
        1 => Just(Deed::Password(PasswordVerdict::Wrong)),
        1 => Just(Deed::LoseTheMessage),
        3 => (1_i64..1_200).prop_map(Deed::Wait),
    ];
    prop::collection::vec(deed, 1..40)
}

/// Somebody has the name, and this is how they are.
fn somebody() -> impl Strategy<Value = World> {
    let devices = prop::sample::subsequence(
        vec![(PHONE, DeviceType::Sms), (MAIL, DeviceType::Email)],
        0..=2,
    );
    (devices, prop::bits::u8::ANY, 0_i64..3).prop_map(|(devices, bits, cool_down)| {
        let mut world = World::with_devices(
            devices
                .iter()
                .map(|&(number, kind)| device(number, kind))
                .collect(),
        );
        let has = |bit: u8| bits & (1 << bit) == 0;
        world.lockout = (!has(0)).then_some(Lockout {
            failure_count: 4,
            duration: (!has(1)).then(|| Duration::from_minutes(cool_down + 1)),
        });
        world.user().enabled = has(2);
        world.user().mfa_enabled = has(3);
        world.user().holds_a_role = has(4);
        world.is_permitted = has(5);
        if let Some(first) = world.devices.first_mut() {
            first.is_blocked = !has(6);
            first.nickname = (!has(7)).then(|| "Work".to_owned());
        }
        world
    })
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let selection = prop::sample::select(vec![
        DeviceSelection::DefaultToFirst,
        DeviceSelection::PromptToSelect,
        DeviceSelection::AlwaysDisplayDevices,
    ]);
    (selection, any::<[bool; 4]>(), 0_i64..3).prop_map(
        |(device_selection, [sms, email, asks, bypass], cool_down)| {
            let mut settings = with_cool_down(cool_down);
            settings.device_selection = device_selection;
            settings.sms.enabled = sms;
            settings.email.enabled = email;
            if bypass {
                settings.no_devices_mode = NoDevicesMode::Bypass;
            }
            let mut action = mfa_action(settings);
            if asks {
                action = conditional(action, &json!({ "exists": "${user.title}" }));
            }
            vec![
                policy("P0", vec![action]),
                policy("P1", password_and_mfa().remove(0).actions),
            ]
        },
    )
}

/// All that a stranger who knows no code sees of the name, and all rows that are written meanwhile.
fn seen(world: &mut World, policies: &[Policy], deeds: &[Deed]) -> Vec<String> {
    let mut flow = world.anonymous(policies.to_vec());
    let mut seen = Vec::new();
    for deed in deeds {
        let right = Verdict::Matched;
        let outcome = match deed {
            Deed::LookUp => {
                if flow.status.is_final() || flow.is_expired(world.now) {
                    flow = world.anonymous(policies.to_vec());
                }
                world.look_up(&mut flow, "mira.k")
            }
            // A real one would be told: only of names that nothing was sent to is it the same.
            Deed::Hit if world.sent.is_empty() => {
                world.act(&mut flow, &Input::OtpChecked { verdict: right })
            }
            Deed::Guess | Deed::Hit => world.guess(&mut flow),
            Deed::Select => {
                let device = flow
                    .status
                    .devices()
                    .and_then(|devices| devices.first())
                    .map(|it| it.id);
                world.select(&mut flow, device.unwrap_or_else(phone))
            }
            Deed::Reset => world.act(&mut flow, &Input::SessionReset),
            Deed::Password(verdict) => world.password(&mut flow, None, *verdict),
            Deed::LoseTheMessage => {
                let message = match &flow.status {
                    Status::OtpRequired { challenge, .. } => challenge.message,
                    _ => continue,
                };
                world.act(&mut flow, &Input::DeliveryFailed { message })
            }
            Deed::Wait(seconds) => {
                world.wait(*seconds);
                Ok(())
            }
        };
        let rows: Vec<_> = world
            .counters
            .iter()
            .map(|(subject, row)| (subject.key(), row.0))
            .collect();
        let queued = world.sent.len() + world.to_nobody;
        seen.push(format!(
            "{deed:?} {outcome:?} {} {queued} messages {} events {rows:?}",
            shown(&flow, "", world.now),
            world.audit.len(),
        ));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(88),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_stranger_sees_the_same_whoever_has_the_name_and_whether_anybody_has_it(
        somebody in somebody(),
        policies in policies(),
        deeds in deeds(),
    ) {
        let mut nobody = World { user: None, devices: Vec::new(), ..somebody.clone() };
        let mut somebody = somebody;
        prop_assert_eq!(seen(&mut somebody, &policies, &deeds), seen(&mut nobody, &policies, &deeds));
    }

    #[test]
    fn no_stranger_keeps_a_signed_hint_from_its_code(deeds in deeds()) {
        let mut world = World::new();
        world.lockout = Some(Lockout { failure_count: 3, duration: None });
        seen(&mut world, &mfa_only(), &deeds);
        let mut flow = world.hinted(mfa_only());
        prop_assert_eq!(flow.status.name(), "OTP_REQUIRED");
        prop_assert_eq!(world.submit_last(&mut flow), Ok(()));
        prop_assert_eq!(&flow.status, &Status::Completed);
    }
}
