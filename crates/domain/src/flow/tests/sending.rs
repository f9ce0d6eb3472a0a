//! What the notification policy makes of codes that were used, and of those of nobody.

use super::*;
use crate::authenticator::sending::{Cooldown, CountryLimit, Quota, QuotaLimit, QuotaScope};

fn notifying(notifications: NotificationPolicy) -> Vec<Policy> {
    let settings = MultiFactorAuthentication {
        notifications,
        ..mfa()
    };
    vec![policy("P", vec![mfa_action(settings)])]
}

#[test]
fn a_right_code_ends_the_series_of_resends() {
    for per_user in [false, true] {
        let periods = [Duration::from_minutes(5); 3];
        let cooldown = Cooldown {
            periods,
            resend_limit: 1,
            per_user,
        };
        let policies = notifying(NotificationPolicy {
            sms_cooldown: Some(cooldown),
            ..Default::default()
        });
        let mut world = World::new();
        let mut flow = world.hinted(policies.clone());
        world.wait(60);
        assert_eq!(
            world.hinted(policies.clone()).status.name(),
            "DEVICE_SELECTION_REQUIRED"
        );
        world.submit_last(&mut flow).unwrap();
        assert_eq!(
            world.hinted(policies).status.name(),
            "OTP_REQUIRED",
            "{per_user}"
        );
    }
}

#[test]
fn a_right_code_is_counted_as_claimed() {
    let limit = QuotaLimit::Split {
        claimed: 2,
        unclaimed: 1,
    };
    let quota = Quota {
        scope: QuotaScope::User,
        channel: Channel::Sms,
        limit,
    };
    let policies = notifying(NotificationPolicy {
        quotas: vec![quota],
        ..Default::default()
    });
    let mut world = World::with_devices(vec![device(PHONE, DeviceType::Sms)]);
    for claimed in [true, true] {
        let mut flow = world.hinted(policies.clone());
        assert_eq!(world.submit_last(&mut flow).is_ok(), claimed);
        world.wait(60);
    }
    let start = Start {
        hinted: true,
        ..World::start(policies)
    };
    let refused = world.try_begin(start).unwrap_err();
    assert!(
        matches!(refused, FlowError::QuotaExceeded { limit: 2, .. }),
        "{refused:?}"
    );
}

#[test]
fn which_countries_are_permitted_does_not_show_in_a_typed_name() {
    let country_limit = CountryLimit::Allowed(vec!["JP".to_owned()]);
    let mut policies = notifying(NotificationPolicy {
        country_limit,
        ..Default::default()
    });
    if let ActionKind::MultiFactorAuthentication(settings) = &mut policies[0].actions[0].kind {
        settings.email.enabled = false;
    }
    let mut world = World::new();
    let mut flow = world.anonymous(policies.clone());
    world.look_up(&mut flow, "nobody").unwrap();
    assert_eq!(flow.status.name(), "OTP_REQUIRED");
    let start = Start {
        hinted: true,
        ..World::start(policies)
    };
    assert_eq!(
        world.try_begin(start).unwrap_err(),
        FlowError::CountryDenied
    );
}

#[test]
fn the_counters_of_a_subject_are_those_it_is_judged_by() {
    let mut world = World::new();
    let facts = world.facts(None, None);
    let listed = facts.subject.unwrap().counters();
    let mut flow = world.hinted(mfa_only());
    let _ = world.guess(&mut flow);
    assert!(
        world
            .counters
            .keys()
            .all(|subject| listed.contains(subject))
    );
    assert_eq!(world.counters.len(), 4);
}
