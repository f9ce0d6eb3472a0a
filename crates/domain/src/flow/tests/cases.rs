//! Random sign-ons: policies, a user with devices and a session, and what happens.

use proptest::prelude::*;

use super::*;

/// Longer than a flow can live, so that what is recent stays so.
pub(super) const LONG_AGO: i64 = 100_000;
pub(super) const THRESHOLD: i64 = 5_000;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Guard {
    Always,
    /// When there was no code, or no password, for a while.
    NoRecentCode,
    NoRecentPassword,
    /// When nobody is known.
    Nobody,
    /// Nobody has this title.
    Vip,
}

impl Guard {
    pub(super) fn condition(self) -> Option<Condition> {
        let since = |kind: &str| {
            let time = format!("${{session.lastSignOn.withAuthenticator.{kind}.at}}");
            json!({ "secondsSince": time, "greater": THRESHOLD })
        };
        let source = match self {
            Self::Always => return None,
            Self::NoRecentCode => since("mfa"),
            Self::NoRecentPassword => since("pwd"),
            Self::Nobody => json!({ "notExists": "${identifier}" }),
            Self::Vip => json!({ "value": "${user.title}", "equals": "VIP" }),
        };
        Some(Condition::parse(&source).unwrap())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) guard: Guard,
    /// None: the password.
    pub(super) mfa: Option<MultiFactorAuthentication>,
}

#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of independent choices"
)]
pub(super) struct Case {
    pub(super) policies: Vec<Vec<Rule>>,
    pub(super) failure_count: u32,
    pub(super) devices: Vec<DeviceFacts>,
    pub(super) enabled: bool,
    pub(super) mfa_enabled: bool,
    pub(super) bypassed: bool,
    pub(super) lockout: Option<Lockout>,
    pub(super) password_age: Option<i64>,
    pub(super) mfa_age: Option<i64>,
    pub(super) hinted: bool,
    pub(super) prompt_login: bool,
    pub(super) events: Vec<(usize, Event)>,
}

#[derive(Debug, Clone)]
pub(super) enum Event {
    LookUp {
        known: bool,
    },
    Password {
        named: Option<bool>,
        verdict: PasswordVerdict,
    },
    Select {
        device: u128,
    },
    /// The code of the message sent that many messages ago.
    Submit {
        back: usize,
    },
    Guess,
    Reset,
    DeliveryFailed,
    Wait {
        seconds: i64,
    },
    Disable,
    Enable,
}

fn rules(failure_count: u32, cool_down: i64) -> impl Strategy<Value = Vec<Rule>> {
    let guard = prop_oneof![
        4 => Just(Guard::Always),
        1 => Just(Guard::NoRecentCode),
        1 => Just(Guard::NoRecentPassword),
        1 => Just(Guard::Nobody),
        1 => Just(Guard::Vip),
    ];
    let selection = prop_oneof![
        Just(DeviceSelection::DefaultToFirst),
        Just(DeviceSelection::PromptToSelect),
        Just(DeviceSelection::AlwaysDisplayDevices),
    ];
    let settings = (
        any::<bool>(),
        any::<bool>(),
        selection,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            move |(sms, email, device_selection, bypass, ignore_user_lock)| {
                let cool_down = Duration::from_minutes(cool_down);
                let method = |enabled| Method {
                    enabled,
                    failure_count,
                    cool_down,
                    ..Method::default()
                };
                let no_devices_mode = if bypass {
                    NoDevicesMode::Bypass
                } else {
                    NoDevicesMode::Block
                };
                MultiFactorAuthentication {
                    sms: method(sms),
                    email: method(email),
                    device_selection,
                    no_devices_mode,
                    ignore_user_lock,
                    ..mfa()
                }
            },
        );
    let rule = (guard, proptest::option::weighted(0.65, settings))
        .prop_map(|(guard, mfa)| Rule { guard, mfa });
    proptest::collection::vec(rule, 0..3)
}

fn events() -> impl Strategy<Value = Vec<(usize, Event)>> {
    let verdict = prop_oneof![
        3 => Just(PasswordVerdict::Matched),
        1 => Just(PasswordVerdict::Wrong),
        1 => Just(PasswordVerdict::ChangeRequired),
        1 => Just(PasswordVerdict::NoPassword),
    ];
    let event = prop_oneof![
        4 => any::<bool>().prop_map(|known| Event::LookUp { known }),
        4 => (any::<Option<bool>>(), verdict).prop_map(|(named, verdict)| Event::Password { named, verdict }),
        3 => (PHONE..PHONE + 4).prop_map(|device| Event::Select { device }),
        6 => (0..3_usize).prop_map(|back| Event::Submit { back: back.saturating_sub(1) }),
        4 => Just(Event::Guess),
        1 => Just(Event::Reset),
        1 => Just(Event::DeliveryFailed),
        3 => prop_oneof![Just(10), Just(130), Just(1000)].prop_map(|seconds| Event::Wait { seconds }),
        1 => Just(Event::Disable),
        1 => Just(Event::Enable),
    ];
    proptest::collection::vec((0..2_usize, event), 1..24)
}

fn devices() -> impl Strategy<Value = Vec<DeviceFacts>> {
    let kind = proptest::sample::select(DeviceType::ALL.to_vec());
    let one = (kind, prop::bool::weighted(0.8), prop::bool::weighted(0.2));
    proptest::collection::vec(one, 0..4).prop_map(|all| {
        let numbered = (PHONE..).zip(all);
        let make = |(number, (kind, is_active, is_blocked))| DeviceFacts {
            is_active,
            is_blocked,
            ..device(number, kind)
        };
        numbered.map(make).collect()
    })
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    let limits = (1..4_u32, prop_oneof![Just(0_i64), Just(2_i64)]);
    let policies = limits.prop_flat_map(|(failure_count, cool_down)| {
        (
            Just(failure_count),
            proptest::collection::vec(rules(failure_count, cool_down), 1..3),
        )
    });
    let user = (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.15),
    );
    let lockout = proptest::option::weighted(0.2, 2..6_u32);
    let age = || proptest::option::weighted(0.3, prop_oneof![Just(10), Just(LONG_AGO)]);
    let session = (age(), age(), any::<bool>(), prop::bool::weighted(0.2));
    (policies, devices(), user, lockout, session, events()).prop_map(
        |(
            (failure_count, policies),
            devices,
            (enabled, mfa_enabled, bypassed),
            lockout,
            session,
            events,
        )| {
            let (password_age, mfa_age, hinted, prompt_login) = session;
            let lockout = lockout.map(|failure_count| Lockout {
                failure_count,
                duration: None,
            });
            Case {
                policies,
                failure_count,
                devices,
                enabled,
                mfa_enabled,
                bypassed,
                lockout,
                password_age,
                mfa_age,
                hinted,
                prompt_login,
                events,
            }
        },
    )
}
