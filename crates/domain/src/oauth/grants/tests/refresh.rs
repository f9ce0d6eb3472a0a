use proptest::prelude::*;

use super::*;
use crate::oauth::{client::RefreshTokenRules, grants::refresh_token::Rotation};

fn client_with(rules: RefreshTokenRules) -> Client {
    Client {
        refresh_tokens: rules,
        ..web_app()
    }
}

fn rotate(
    client: &Client,
    token: &RefreshToken,
    family: &TokenFamily,
    now: Timestamp,
) -> Result<Rotation, Refusal> {
    let request = RefreshRequest {
        refresh_token: Secret::new("r".to_owned()),
        scope: None,
    };
    request.rotate(client, Some((token, family)), FINE, now)
}

#[test]
fn a_refresh_token_is_replaced_and_the_nonce_is_not_repeated() {
    let rotation = rotate(&web_app(), &refresh_token(), &family("openid pay"), NOW).unwrap();
    assert!(rotation.consumes);
    assert_eq!(rotation.issue.id_token, Some(IdTokenIssue { nonce: None }));
    assert_eq!(
        rotation.issue.authorization,
        family("openid pay").authorization
    );
    assert_eq!(rotation.successor.expires_at, NOW + Duration::from_days(30));
}

#[test]
fn reuse_revokes_the_family_unless_the_application_says_otherwise() {
    let used = RefreshToken {
        consumed_at: Some(NOW),
        ..refresh_token()
    };
    let refusal = rotate(&web_app(), &used, &family("openid"), NOW).unwrap_err();
    assert_eq!(
        refusal,
        Refusal {
            error: GrantError::RefreshTokenReused,
            revoke: Some(used.family)
        }
    );
    let lenient = client_with(RefreshTokenRules {
        replay_protection: false,
        ..RefreshTokenRules::default()
    });
    assert_eq!(
        refused(rotate(&lenient, &used, &family("openid"), NOW)),
        GrantError::RefreshTokenReused
    );
}

#[test]
fn within_the_grace_period_an_exchanged_token_works_again() {
    let grace_period = Duration::from_seconds(30);
    let client = client_with(RefreshTokenRules {
        grace_period,
        ..RefreshTokenRules::default()
    });
    let used = RefreshToken {
        consumed_at: Some(NOW),
        ..refresh_token()
    };
    let late = NOW + Duration::from_millis(29_999);
    assert!(
        !rotate(&client, &used, &family("openid"), late)
            .unwrap()
            .consumes
    );
    assert!(rotate(&client, &used, &family("openid"), NOW + grace_period).is_err());
}

#[test]
fn a_family_that_was_revoked_buys_nothing() {
    let revoked = TokenFamily {
        revoked_at: Some(NOW),
        ..family("openid")
    };
    assert_eq!(
        refused(rotate(&web_app(), &refresh_token(), &revoked, NOW)),
        GrantError::Revoked
    );
}

#[test]
fn a_refresh_token_of_another_client_or_family_is_refused() {
    let other = Client {
        id: Id::random(&mut Seeded(77)),
        ..web_app()
    };
    let used = RefreshToken {
        consumed_at: Some(NOW),
        ..refresh_token()
    };
    assert_eq!(
        refused(rotate(&other, &used, &family("openid"), NOW)),
        GrantError::OtherClient
    );
    let stray = RefreshToken {
        family: Id::random(&mut Seeded(78)),
        ..refresh_token()
    };
    assert_eq!(
        refused(rotate(&web_app(), &stray, &family("openid"), NOW)),
        GrantError::UnknownRefreshToken
    );
}

#[test]
fn the_session_is_outlived_only_with_offline_access() {
    let ended = Standing {
        session_is_alive: false,
        ..FINE
    };
    let request = RefreshRequest {
        refresh_token: Secret::new("r".to_owned()),
        scope: None,
    };
    let with = |scopes: &str| {
        request
            .rotate(
                &web_app(),
                Some((&refresh_token(), &family(scopes))),
                ended,
                NOW,
            )
            .map(|_| ())
    };
    assert_eq!(with("openid offline_access"), Ok(()));
    assert_eq!(refused(with("openid")), GrantError::SessionEnded);
}

#[test]
fn fewer_scopes_may_be_asked_for_but_not_others() {
    let ask = |scope: &str| {
        let scope = Some(Scopes::parse(scope).unwrap());
        let request = RefreshRequest {
            refresh_token: Secret::new("r".to_owned()),
            scope,
        };
        request.rotate(
            &web_app(),
            Some((&refresh_token(), &family("openid pay"))),
            FINE,
            NOW,
        )
    };
    let narrowed = ask("pay").unwrap().issue;
    assert_eq!(narrowed.authorization.granted.scopes.to_string(), "pay");
    assert_eq!(narrowed.id_token, None);
    assert_eq!(
        ask("openid")
            .unwrap()
            .issue
            .authorization
            .granted
            .audience(),
        ["https://api.example.test"]
    );
    let error = OAuthError::from(refused(ask("openid email")));
    assert_eq!(error.code, OAuthErrorCode::InvalidScope);
}

#[test]
fn the_rolling_duration_ends_a_family() {
    let rules = RefreshTokenRules {
        duration: Duration::from_days(30),
        rolling_duration: Some(Duration::from_days(40)),
        ..RefreshTokenRules::default()
    };
    let client = client_with(rules);
    let rotation = rotate(
        &client,
        &refresh_token(),
        &family("openid"),
        NOW + Duration::from_days(20),
    )
    .unwrap();
    assert_eq!(rotation.successor.expires_at, NOW + Duration::from_days(40));
    let late = RefreshToken {
        expires_at: NOW + Duration::from_days(60),
        ..refresh_token()
    };
    let result = rotate(
        &client,
        &late,
        &family("openid"),
        NOW + Duration::from_days(40),
    );
    assert_eq!(refused(result), GrantError::RefreshTokenExpired);
}

/// A client's behaviour against a store that keeps what the outcomes say.
#[derive(Debug, Default)]
struct Store {
    tokens: Vec<RefreshToken>,
    revoked: bool,
}

proptest! {
    /// Whatever is presented, whenever: outside the grace period a token is exchanged once, its
    /// reuse ends the family for good, and no token outlives the rolling duration.
    #[test]
    fn rotation_keeps_its_promises(
        grace in 0_i64..30, rolling in 60_i64..600, steps in prop::collection::vec((0_usize..4, 0_i64..40), 1..40)
    ) {
        let rules = RefreshTokenRules {
            duration: Duration::from_seconds(200),
            rolling_duration: Some(Duration::from_seconds(rolling)),
            grace_period: Duration::from_seconds(grace),
            replay_protection: true,
        };
        let client = client_with(rules);
        let mut store = Store { tokens: vec![refresh_token()], revoked: false };
        let mut now = NOW;
        for (back, pause) in steps {
            now = now + Duration::from_seconds(pause);
            let index = store.tokens.len() - 1 - back.min(store.tokens.len() - 1);
            let family = TokenFamily { revoked_at: store.revoked.then_some(now), ..family("openid") };
            let token = store.tokens[index].clone();
            let in_grace = token.consumed_at.is_some_and(|at| now < at + client.refresh_tokens.grace_period);
            match rotate(&client, &token, &family, now) {
                Ok(rotation) => {
                    prop_assert!(!store.revoked);
                    prop_assert!(token.consumed_at.is_none() || in_grace);
                    prop_assert_eq!(rotation.consumes, token.consumed_at.is_none());
                    prop_assert!(rotation.successor.expires_at <= NOW + Duration::from_seconds(rolling));
                    prop_assert!(rotation.successor.expires_at > now);
                    if rotation.consumes {
                        store.tokens[index].consumed_at = Some(now);
                    }
                    store.tokens.push(rotation.successor);
                }
                Err(refusal) => {
                    let is_reuse = token.consumed_at.is_some() && !in_grace && !store.revoked;
                    prop_assert_eq!(refusal.revoke.is_some(), is_reuse);
                    store.revoked |= refusal.revoke.is_some();
                }
            }
        }
    }
}
