//! Floors, cool-downs, quotas and countries.

use super::*;
use crate::{
    message::Channel,
    time::{Duration, Timestamp},
};

const NOON: Timestamp = Timestamp::from_seconds(1_790_000_000 / 86_400 * 86_400 + 43_200);

/// One address of one user, and a clock.
struct Post {
    now: Timestamp,
    policy: NotificationPolicy,
    floors: Floors,
    senders: Senders,
    before: Histories,
}

impl Post {
    fn new(policy: NotificationPolicy) -> Self {
        Self {
            now: NOON,
            policy,
            floors: Floors::default(),
            senders: Senders {
                sms: true,
                email: true,
            },
            before: Histories::default(),
        }
    }
    fn send_to(&mut self, channel: Channel, address: &str) -> Result<(), Denied> {
        let changed = judge(&Request {
            now: self.now,
            flow: None,
            channel,
            address,
            policy: &self.policy,
            floors: &self.floors,
            senders: self.senders,
            before: &self.before,
        })?;
        self.write(changed);
        Ok(())
    }
    fn write(&mut self, changed: Changed) {
        let Histories {
            address,
            user,
            environment,
        } = &mut self.before;
        address.state = changed.address.unwrap_or_else(|| address.state.clone());
        user.state = changed.user.unwrap_or(user.state);
        environment.state = changed.environment.unwrap_or(environment.state);
    }
    fn send(&mut self) -> Result<(), Denied> {
        self.send_to(Channel::Sms, "+47.90000001")
    }
    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now + Duration::from_seconds(seconds);
        self
    }
}
fn until(seconds_after_noon: i64) -> Result<(), Denied> {
    Err(Denied::TooSoon {
        until: NOON + Duration::from_seconds(seconds_after_noon),
    })
}
fn seconds(seconds: i64) -> Duration {
    Duration::from_seconds(seconds)
}

#[test]
fn an_address_gets_one_message_in_ten_seconds() {
    let mut post = Post::new(NotificationPolicy::default());
    assert_eq!(post.send(), Ok(()));
    assert_eq!(post.wait(9).send(), until(10));
    assert_eq!(post.wait(1).send(), Ok(()));
}

#[test]
fn an_address_gets_ten_messages_an_hour() {
    let mut post = Post::new(NotificationPolicy::default());
    for _ in 0..10 {
        assert_eq!(post.send(), Ok(()));
        post.wait(60);
    }
    assert_eq!(post.send(), until(3600));
    assert_eq!(post.wait(3000).send(), Ok(()));
    assert_eq!(post.wait(10).send(), until(3660));
}

#[test]
fn a_user_gets_fifty_messages_a_day() {
    let mut post = Post::new(NotificationPolicy::default());
    for _ in 0..50 {
        post.before.address.state = AddressHistory::default();
        assert_eq!(post.send(), Ok(()));
    }
    post.before.address.state = AddressHistory::default();
    assert_eq!(post.send(), until(43_200));
    assert_eq!(post.wait(43_200).send(), Ok(()));
}

#[test]
fn resends_wait_longer_and_longer_and_then_half_an_hour() {
    let cooldown = Cooldown {
        periods: [seconds(25), seconds(60), seconds(180)],
        resend_limit: 4,
        per_user: false,
    };
    let mut post = Post::new(NotificationPolicy {
        sms_cooldown: Some(cooldown),
        ..Default::default()
    });
    assert_eq!(post.send(), Ok(()));
    for (waiting, sent_at) in [(25, 0), (60, 25), (180, 85), (180, 265)] {
        assert_eq!(post.wait(waiting - 1).send(), until(sent_at + waiting));
        assert_eq!(post.wait(1).send(), Ok(()));
    }
    assert_eq!(post.wait(600).send(), until(445 + 1800));
    assert_eq!(post.wait(1200).send(), Ok(()));
    assert_eq!(post.before.address.state.series.count, 1);
}

#[test]
fn a_series_by_user_spans_addresses() {
    let cooldown = Cooldown {
        periods: [seconds(60); 3],
        resend_limit: 4,
        per_user: true,
    };
    let mut post = Post::new(NotificationPolicy {
        sms_cooldown: Some(cooldown),
        ..Default::default()
    });
    assert_eq!(post.send(), Ok(()));
    post.before.address.state = AddressHistory::default();
    assert_eq!(post.wait(30).send(), until(60));
    assert_eq!(post.send_to(Channel::Email, "a@example.test"), Ok(()));
    post.before.user.state = post.before.user.state.settled(Channel::Sms);
    post.before.address.state = AddressHistory::default();
    assert_eq!(post.send(), Ok(()));
}

#[test]
fn quotas_count_per_day_and_channel() {
    for scope in [QuotaScope::User, QuotaScope::Environment] {
        let quota = Quota {
            scope,
            channel: Channel::Sms,
            limit: QuotaLimit::Total(2),
        };
        let mut post = Post::new(NotificationPolicy {
            quotas: vec![quota],
            ..Default::default()
        });
        assert_eq!(post.send(), Ok(()));
        assert_eq!(post.wait(60).send(), Ok(()));
        let resets_at = NOON + seconds(43_200);
        assert_eq!(
            post.wait(60).send(),
            Err(Denied::QuotaExceeded {
                limit: 2,
                resets_at
            })
        );
        assert_eq!(post.send_to(Channel::Email, "a@example.test"), Ok(()));
        assert_eq!(post.wait(43_200).send(), Ok(()));
    }
}

#[test]
fn a_code_that_was_used_makes_room_for_another() {
    let limit = QuotaLimit::Split {
        claimed: 2,
        unclaimed: 1,
    };
    let quota = Quota {
        scope: QuotaScope::User,
        channel: Channel::Sms,
        limit,
    };
    let mut post = Post::new(NotificationPolicy {
        quotas: vec![quota],
        ..Default::default()
    });
    assert!(post.policy.counts_claims(Channel::Sms));
    let resets_at = NOON + seconds(43_200);
    assert_eq!(post.send(), Ok(()));
    assert_eq!(
        post.wait(60).send(),
        Err(Denied::QuotaExceeded {
            limit: 1,
            resets_at
        })
    );
    post.before.user.state = post.before.user.state.claimed(Channel::Sms, post.now);
    assert_eq!(post.send(), Ok(()));
    post.before.user.state = post.before.user.state.claimed(Channel::Sms, post.now);
    assert_eq!(
        post.wait(60).send(),
        Err(Denied::QuotaExceeded {
            limit: 2,
            resets_at
        })
    );
}

#[test]
fn countries_limit_messages_to_phones() {
    let norway = vec!["NO".to_owned()];
    for (limit, expected) in [
        (
            CountryLimit::Allowed(norway.clone()),
            [Ok(()), Err(Denied::CountryDenied)],
        ),
        (
            CountryLimit::Denied(norway),
            [Err(Denied::CountryDenied), Ok(())],
        ),
    ] {
        for (address, expected) in ["+47.90000001", "+46.701234567"].into_iter().zip(expected) {
            let mut post = Post::new(NotificationPolicy {
                country_limit: limit.clone(),
                ..Default::default()
            });
            assert_eq!(post.send_to(Channel::Sms, address), expected);
            assert_eq!(
                post.wait(60).send_to(Channel::Email, "a@example.test"),
                Ok(())
            );
        }
    }
}

#[test]
fn without_a_sender_nothing_is_sent() {
    let mut post = Post::new(NotificationPolicy::default());
    post.senders.sms = false;
    assert_eq!(post.send(), Err(Denied::NoSender));
    assert_eq!(post.send_to(Channel::Email, "a@example.test"), Ok(()));
}
