//! Random policies, users, devices and inputs. What a completed flow must have been shown is worked
//! out here a second time, from the policy and from what really happened, not from the engine.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::RngSeed};

use super::{
    cases::{Case, Event, Guard, Rule, THRESHOLD, cases},
    *,
};

/// What was really shown in one flow.
#[derive(Debug, Clone, Default)]
struct Evidence {
    password: bool,
    codes: Vec<DeviceType>,
    /// The session's user is not the flow's: after a reset, or because they could not go on.
    session_lost: bool,
}

impl Case {
    fn policies(&self) -> Vec<Policy> {
        let action = |rule: &Rule| PolicyAction {
            condition: rule.guard.condition(),
            kind: rule
                .mfa
                .clone()
                .map_or(ActionKind::Login, ActionKind::MultiFactorAuthentication),
        };
        let named = |(index, rules): (usize, &Vec<Rule>)| {
            policy(&format!("P{index}"), rules.iter().map(action).collect())
        };
        self.policies.iter().enumerate().map(named).collect()
    }

    fn has_session(&self) -> bool {
        self.password_age.is_some() || self.mfa_age.is_some()
    }

    /// Whether this much evidence is enough for the policy.
    fn suffices(&self, policy: &[Rule], evidence: &Evidence) -> bool {
        let session_counts = self.has_session() && !evidence.session_lost && !self.prompt_login;
        let session_password = self.password_age.filter(|_| session_counts);
        let session_mfa = self.mfa_age.filter(|_| session_counts);
        let is_recent = |age: Option<i64>| age.is_some_and(|age| age < THRESHOLD);
        let has_password = evidence.password || session_password.is_some();
        let vouched =
            self.hinted || session_counts || evidence.password || !evidence.codes.is_empty();
        let mut codes = evidence.codes.clone();

        let each = policy.iter().all(|rule| {
            let left_out = match rule.guard {
                Guard::Always => false,
                Guard::NoRecentCode => is_recent(session_mfa) || !evidence.codes.is_empty(),
                Guard::NoRecentPassword => is_recent(session_password) || evidence.password,
                Guard::Nobody | Guard::Vip => true,
            };
            let Some(settings) = &rule.mfa else {
                let by_session = rule.guard == Guard::Always && session_password.is_some();
                return evidence.password || by_session || (left_out && !self.prompt_login);
            };
            let allows = |kind: &DeviceType| match kind {
                DeviceType::Sms => settings.sms.enabled,
                DeviceType::Email => settings.email.enabled,
            };
            let has_device = self
                .devices
                .iter()
                .any(|device| device.is_active && allows(&device.kind));
            let without_device = settings.no_devices_mode == NoDevicesMode::Bypass
                && !has_device
                && (self.hinted || has_password);
            if left_out || (self.mfa_enabled && ((self.bypassed && vouched) || without_device)) {
                return true;
            }
            match codes.iter().position(allows) {
                Some(index) => {
                    codes.remove(index);
                    true
                }
                None => false,
            }
        });
        each && vouched && !policy.is_empty()
    }
}

/// Counts what is judged: per device, no more wrong codes than the policy allows before its
/// outstanding codes are void.
#[derive(Debug, Default)]
struct Judge {
    remaining: BTreeMap<DeviceId, u32>,
    void: BTreeSet<MessageId>,
    used: BTreeSet<MessageId>,
}

fn run(case: &Case) {
    let mut world = World::with_devices(case.devices.clone());
    world.floors.address_interval = Duration::from_seconds(1);
    world.lockout = case.lockout;
    let user = world.user();
    user.enabled = case.enabled;
    user.mfa_enabled = case.mfa_enabled;
    user.bypass_mfa_until = Some(START + Duration::from_days(if case.bypassed { 1 } else { -1 }));
    let ages = [
        (ProofMethod::Password, case.password_age),
        (ProofMethod::Sms, case.mfa_age),
    ];
    let proofs = ages.map(|(method, age)| Some((method, age?)));
    let proofs: Vec<_> = proofs.into_iter().flatten().collect();
    let signed_on = case.has_session().then(|| session(&proofs));
    let mut judge = Judge::default();
    let mut flows = Vec::new();
    for _ in 0..2 {
        let start = Start {
            hinted: case.hinted,
            prompt_login: case.prompt_login,
            requires_hint: false,
            signed_on: signed_on.clone(),
            ..World::start(case.policies())
        };
        let flow = world.begin(start);
        assert!(
            case.enabled || flow.status != Status::Completed,
            "completed for a disabled user"
        );
        let evidence = Evidence {
            session_lost: flow.user.is_none(),
            ..Evidence::default()
        };
        check(case, &mut world, &flow, &evidence);
        flows.push((flow, evidence));
        world.wait(2);
    }
    for (index, event) in &case.events {
        let (flow, evidence) = &mut flows[*index];
        perform(case, &mut world, &mut judge, flow, evidence, event);
        check(case, &mut world, flow, evidence);
    }
}

fn perform(
    case: &Case,
    world: &mut World,
    judge: &mut Judge,
    flow: &mut Flow,
    evidence: &mut Evidence,
    event: &Event,
) {
    let before = flow.clone();
    let name = |known: bool| if known { "mira.k" } else { "nobody" };
    let outcome = match event {
        Event::LookUp { known } => world.look_up(flow, name(*known)),
        Event::Password { named, verdict } => {
            let outcome = world.password(flow, named.map(name), *verdict);
            let is_typed = before.typed_name() == Some("mira.k");
            let user = before.user.as_ref();
            let is_real = is_typed || user.is_none_or(|user| user.id == id(USER));
            let names_user = *named == Some(true) || (named.is_none() && before.user.is_some());
            evidence.password |=
                outcome.is_ok() && *verdict == PasswordVerdict::Matched && is_real && names_user;
            outcome
        }
        Event::Select { device } => world.select(flow, id(*device)),
        Event::Submit { back } => {
            let index = world.sent.len().checked_sub(back + 1);
            let Some(sent) = index.and_then(|index| world.sent.get(index)).cloned() else {
                return;
            };
            submit(case, world, judge, flow, evidence, Some(&sent))
        }
        Event::Guess => submit(case, world, judge, flow, evidence, None),
        Event::Reset => {
            let outcome = world.act(flow, &Input::SessionReset);
            if outcome.is_ok() {
                *evidence = Evidence {
                    session_lost: evidence.session_lost || !case.hinted,
                    ..Evidence::default()
                };
            } else {
                let expected = flow.status.is_final() || case.hinted || flow.is_expired(world.now);
                assert!(expected, "a reset is always a way out: {outcome:?}");
            }
            outcome
        }
        Event::DeliveryFailed => {
            let Some(message) = world.sent.last().map(|sent| sent.message) else {
                return;
            };
            world.act(flow, &Input::DeliveryFailed { message })
        }
        Event::Wait { seconds } => {
            world.wait(*seconds);
            Ok(())
        }
        Event::Disable | Event::Enable => {
            world.user().enabled = matches!(event, Event::Enable);
            Ok(())
        }
    };
    assert_ne!(outcome, Err(FlowError::FactsMissing));
    if flow.status == Status::Completed && before.status != Status::Completed {
        assert!(world.user().enabled, "completed for a disabled user");
    }
    if before.status.is_final() || before.is_expired(world.now) {
        assert_eq!(*flow, before, "what is over does not change");
    }
}

/// Submits the code of a message, or none that was ever sent, and keeps the accounts.
fn submit(
    case: &Case,
    world: &mut World,
    judge: &mut Judge,
    flow: &mut Flow,
    evidence: &mut Evidence,
    sent: Option<&super::world::Sent>,
) -> Result<(), FlowError> {
    let challenge = match &flow.status {
        Status::OtpRequired { challenge, .. } => Some(challenge.clone()),
        _ => None,
    };
    let proofs = flow.proofs.len();
    let outcome = match sent {
        Some(sent) => world.submit(flow, sent.message),
        None => world.guess(flow),
    };
    let Some(challenge) = challenge else {
        assert!(outcome.is_err());
        return outcome;
    };
    let allowed = judge
        .remaining
        .entry(challenge.device)
        .or_insert(case.failure_count);
    if flow.proofs.len() > proofs {
        let sent = sent.expect("a guess is never right");
        assert_eq!(
            sent.message, challenge.message,
            "a code of another message was accepted"
        );
        assert!(judge.used.insert(sent.message), "a code was right twice");
        assert!(
            !judge.void.contains(&sent.message),
            "a void code was accepted"
        );
        evidence.codes.push(
            case.devices
                .iter()
                .find(|device| *device.address.expose() == sent.address)
                .unwrap()
                .kind,
        );
        *allowed = case.failure_count;
    } else if matches!(
        outcome,
        Err(FlowError::InvalidOtp { .. } | FlowError::LimitExceeded { .. })
    ) && world
        .audit
        .iter()
        .rev()
        .take(4)
        .any(|event| matches!(event, AuditEvent::CodeRefused { .. }))
        && challenge.code.is_some()
        && !judge.void.contains(&challenge.message)
    {
        assert!(*allowed > 0);
        *allowed -= 1;
        if *allowed == 0 {
            *allowed = case.failure_count;
            let to_device = world
                .sent
                .iter()
                .filter(|sent| sent.shown == challenge.device);
            judge.void.extend(to_device.map(|sent| sent.message));
        }
    } else if judge.void.contains(&challenge.message) {
        assert!(
            !matches!(outcome, Err(FlowError::InvalidOtp { .. })),
            "a void code was judged"
        );
    }
    outcome
}

fn check(case: &Case, world: &mut World, flow: &Flow, evidence: &Evidence) {
    let offered = flow.offered();
    if flow.status.is_final() {
        assert!(offered.is_empty());
    } else {
        assert!(
            offered.len() > 1 && offered.contains(&Action::SessionReset),
            "no way on"
        );
    }
    if let (Status::OtpRequired { challenge, .. }, false) = (&flow.status, flow.is_anonymous()) {
        assert!(
            world
                .sent
                .iter()
                .any(|sent| sent.message == challenge.message),
            "shown as sent, and was not"
        );
    }
    if flow.status != Status::Completed {
        return;
    }
    assert_eq!(flow.user.as_ref().map(|user| user.id), Some(id(USER)));
    let policy: usize = flow.acr().unwrap()[1..].parse().unwrap();
    assert!(
        case.suffices(&case.policies[policy], evidence),
        "completed by policy {policy} without every required proof: {evidence:?}"
    );
    let session_counts = case.has_session() && !evidence.session_lost && !case.prompt_login;
    let earlier = |age: Option<i64>| session_counts && age.is_some();
    let password = evidence.password || earlier(case.password_age);
    let code = !evidence.codes.is_empty() || earlier(case.mfa_age);
    let told = ["pwd", "otp", "mfa"].map(|method| flow.amr().contains(&method));
    assert_eq!(told, [password, code, password && code], "{evidence:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3000,
        rng_seed: RngSeed::Fixed(42),
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_completes_without_every_required_proof(case in cases()) {
        run(&case);
    }
}

#[test]
fn the_random_cases_reach_every_status_and_every_refusal_of_a_code() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..1500 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let mut world = World::with_devices(case.devices.clone());
        let mut flow = world.begin(Start {
            hinted: case.hinted,
            ..World::start(case.policies())
        });
        let (mut judge, mut evidence) = (Judge::default(), Evidence::default());
        for (_, event) in &case.events {
            seen.insert(flow.status.name().to_owned());
            perform(
                &case,
                &mut world,
                &mut judge,
                &mut flow,
                &mut evidence,
                event,
            );
        }
        seen.insert(flow.status.name().to_owned());
        seen.extend(failure(&flow).map(str::to_owned));
        seen.extend((!judge.void.is_empty()).then(|| "void".to_owned()));
        seen.extend((!judge.used.is_empty()).then(|| "used".to_owned()));
    }
    for wanted in [
        "SIGN_ON_REQUIRED",
        "USERNAME_PASSWORD_REQUIRED",
        "PASSWORD_REQUIRED",
        "DEVICE_SELECTION_REQUIRED",
        "OTP_REQUIRED",
        "COMPLETED",
        "FAILED",
        "NO_USABLE_DEVICES",
        "POLICY_FAILED",
        "LIMIT_EXCEEDED",
        "ACCOUNT_NOT_USABLE",
        "void",
        "used",
    ] {
        assert!(seen.contains(wanted), "{wanted} is never reached: {seen:?}");
    }
}
