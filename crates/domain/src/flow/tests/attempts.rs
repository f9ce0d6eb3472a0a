//! Attempts, and the locks that too many of them lead to.

use super::*;

#[test]
fn wrong_codes_are_counted_and_a_right_one_makes_good() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    assert_eq!(world.guess(&mut flow), WRONG(2));
    assert_eq!(world.guess(&mut flow), WRONG(1));
    assert_eq!(world.submit_last(&mut flow), Ok(()));
    world.wait(60);
    let mut flow = world.hinted(mfa_only());
    assert_eq!(world.guess(&mut flow), WRONG(2));
}

#[test]
fn without_a_cool_down_the_last_attempt_voids_the_code_and_the_user_may_resend() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    let first = world.sent[0].message;
    let _ = (world.guess(&mut flow), world.guess(&mut flow));
    assert_eq!(world.guess(&mut flow), EXHAUSTED);
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    assert_eq!(world.submit(&mut flow, first), Err(FlowError::OtpExpired));
    world.wait(10);
    assert_eq!(world.select(&mut flow, phone()), Ok(()));
    assert_eq!(world.submit(&mut flow, first), WRONG(2));
    assert_eq!(world.submit_last(&mut flow), Ok(()));
}

#[test]
fn with_a_cool_down_the_last_attempt_locks_the_device() {
    let mut world = World::new();
    let policies = vec![policy("P", vec![mfa_action(with_cool_down(2))])];
    let mut flow = world.hinted(policies.clone());
    let _ = (world.guess(&mut flow), world.guess(&mut flow));
    let until = START + Duration::from_minutes(2);
    assert_eq!(
        world.guess(&mut flow),
        Err(FlowError::LimitExceeded {
            cool_down_expires_at: Some(until)
        })
    );
    assert_eq!(flow.status.name(), "DEVICE_SELECTION_REQUIRED");
    assert_eq!(
        flow.status.devices().unwrap()[0].usable,
        UsableStatus::Locked
    );
    let locked = FlowError::DeviceUnusable {
        status: UsableStatus::Locked,
    };
    assert_eq!(world.select(&mut flow, phone()), Err(locked));
    let status = |now| shown(&flow, "", now)["_embedded"]["devices"][0]["usableStatus"].clone();
    assert_eq!(
        status(START),
        json!({ "status": "DISABLED", "reason": "LOCKED" })
    );
    assert_eq!(status(until), json!({ "status": "ENABLED" }));
    assert_eq!(world.select(&mut flow, mail()), Ok(()));

    assert_eq!(
        selected(&world.hinted(policies.clone())),
        None,
        "the mailbox is asked too soon"
    );
    world.wait(120);
    assert_eq!(selected(&world.hinted(policies)), Some(phone()));
}

#[test]
fn locking_the_only_device_ends_the_flow_and_is_not_having_no_device() {
    let mut world = World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
    let mut settings = with_cool_down(2);
    settings.no_devices_mode = NoDevicesMode::Bypass;
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let mut flow = world.hinted(policies.clone());
    let _ = (
        world.guess(&mut flow),
        world.guess(&mut flow),
        world.guess(&mut flow),
    );
    assert_eq!(failure(&flow), Some("LIMIT_EXCEEDED"));
    let flow = world.hinted(policies);
    let unavailable = vec![phone()];
    assert_eq!(
        flow.status,
        Status::Failed {
            error: Failure::NoUsableDevices { unavailable }
        }
    );
}

#[test]
fn parallel_flows_on_one_device_share_its_attempts() {
    let mut world = World::new();
    world.floors.address_interval = Duration::ZERO;
    let mut flows: Vec<Flow> = (0..8).map(|_| world.hinted(mfa_only())).collect();
    let mut judged = 0;
    for round in 0..64 {
        let outcome = world.guess(&mut flows[round % 8]);
        judged += u32::from(outcome != Err(FlowError::OtpExpired));
    }
    assert_eq!(judged, 3);
    let messages: Vec<_> = world.sent.iter().map(|message| message.message).collect();
    for (flow, message) in flows.iter_mut().zip(messages) {
        assert_eq!(world.submit(flow, message), Err(FlowError::OtpExpired));
    }
}

#[test]
fn the_account_is_locked_on_reaching_the_lockout() {
    let mut world = World::new();
    world.lockout = Some(Lockout {
        failure_count: 2,
        duration: Some(Duration::from_minutes(9)),
    });
    let mut flow = world.hinted(mfa_only());
    assert_eq!(world.guess(&mut flow), WRONG(2));
    let until = Some(START + Duration::from_minutes(9));
    assert_eq!(
        world.guess(&mut flow),
        Err(FlowError::LimitExceeded {
            cool_down_expires_at: until
        })
    );
    assert_eq!(failure(&flow), Some("ACCOUNT_NOT_USABLE"));
    assert_eq!(world.user().lock, Some(AccountLock { until }));
    assert_eq!(
        failure(&world.hinted(mfa_only())),
        Some("ACCOUNT_NOT_USABLE")
    );
    world.wait(540);
    assert_eq!(world.hinted(mfa_only()).status.name(), "OTP_REQUIRED");
}

#[test]
fn a_hundred_wrong_codes_in_a_row_lock_the_account_whatever_the_policy() {
    let mut world = World::new();
    world.floors = Floors {
        address_interval: Duration::ZERO,
        address_hourly: 1000,
        user_daily: 1000,
        ..Floors::default()
    };
    let settings = MultiFactorAuthentication {
        ignore_user_lock: true,
        ..mfa()
    };
    let policies = vec![policy("P", vec![mfa_action(settings)])];
    let mut judged = 0;
    for _ in 0..60 {
        let mut flow = world.hinted(policies.clone());
        while selected(&flow).is_some() && world.guess(&mut flow) != Err(FlowError::OtpExpired) {
            judged += 1;
        }
    }
    assert_eq!(judged, 100);
    assert_eq!(world.user().lock, Some(AccountLock { until: None }));
    assert_eq!(
        failure(&world.hinted(policies.clone())),
        Some("ACCOUNT_NOT_USABLE")
    );
    // An administrator unlocks.
    world.user().lock = None;
    world.counters.remove(&Subject::UserFailures(id(USER)));
    assert_eq!(world.hinted(policies).status.name(), "OTP_REQUIRED");
}

#[test]
fn a_new_code_does_not_reset_what_counts_against_the_user() {
    let mut world = World::new();
    let mut flow = world.hinted(mfa_only());
    for _ in 0..3 {
        let _ = world.guess(&mut flow);
    }
    world.wait(10);
    world.select(&mut flow, phone()).unwrap();
    let _ = world.guess(&mut flow);
    let (_, state) = &world.counters[&Subject::UserFailures(id(USER))];
    let counted = UserFailures {
        lock: None,
        consecutive: 4,
        toward_lockout: 4,
        locked_at: None,
    };
    assert_eq!(*state, CounterState::UserFailures(counted));
    assert_eq!(state.expires_at(START), Timestamp::from_millis(i64::MAX));
}
