use serde_json::{Value, json};

use super::*;
use crate::{
    entropy::Seeded,
    oauth::{
        client::samples::{web_app, worker},
        grants::{Authorization, IdTokenIssue, refresh_token::RefreshToken},
        scope::GrantedScopes,
    },
    oidc::{
        claims::UserClaims,
        id_token::{IdTokenClaims, IdTokenFacts},
        introspection::{Caller, Token, answer, inactive},
    },
};

const NOW: Timestamp = Timestamp::from_millis(1_796_000_000_900);
const JTI: &str = "7e0c1111-2222-4333-8444-555566667777";

fn issuer() -> Issuer<'static> {
    Issuer {
        issuer: "https://auth.test/e/as",
        environment: web_app().environment,
        organization: uuid::uuid!("0f0f1111-2222-4333-8444-555566667777"),
        region: "EU",
    }
}

fn granted(scopes: &str) -> GrantedScopes {
    GrantedScopes {
        scopes: Scopes::parse(scopes).unwrap(),
        resources: vec![],
        default_audience: "https://api.test".to_owned(),
    }
}

fn issue() -> Issue {
    Issue {
        client: web_app().id,
        family: Id::random(&mut Seeded(4)),
        authorization: Authorization {
            user: Id::random(&mut Seeded(2)),
            session: Id::random(&mut Seeded(3)),
            granted: granted("openid email"),
            acr: "Payments_MFA".to_owned(),
            amr: vec!["otp".to_owned(), "sms".to_owned()],
            auth_time: Timestamp::from_seconds(1_795_999_990),
            second_factor_at: None,
        },
        access_token_lifetime: Duration::from_hours(1),
        id_token: Some(IdTokenIssue {
            nonce: Some("n-1".to_owned()),
        }),
        refresh_token: None,
    }
}

fn id_token(issue: &Issue) -> Option<IdTokenClaims> {
    let user = UserClaims {
        email: Some("ada@shop.test".to_owned()),
        ..UserClaims::default()
    };
    let facts = IdTokenFacts {
        issuer: &issuer(),
        access_token_hash: &[0xff; 32],
        user: &user,
        now: NOW,
    };
    IdTokenClaims::for_issue(issue, &facts)
}

#[test]
fn a_users_access_token_has_the_documented_claims() {
    let issue = issue();
    let claims = AccessTokenClaims::for_user(&issue, &issuer(), JTI, NOW);
    assert_eq!(
        serde_json::to_value(&claims).unwrap(),
        json!({
            "client_id": issue.client, "iss": "https://auth.test/e/as", "jti": JTI,
            "iat": 1_796_000_000, "exp": 1_796_003_600, "aud": ["https://api.test"], "scope": "openid email",
            "sub": issue.authorization.user, "sid": issue.authorization.session, "auth_time": 1_795_999_990,
            "acr": "Payments_MFA", "env": "9e0a1111-2222-4333-8444-555566667777",
            "org": "0f0f1111-2222-4333-8444-555566667777", "grant_id": issue.family
        })
    );
    let text = serde_json::to_string(&claims).unwrap();
    assert_eq!(
        serde_json::from_str::<AccessTokenClaims>(&text).unwrap(),
        claims
    );
    assert!(!claims.has_expired(NOW));
    assert!(claims.has_expired(Timestamp::from_seconds(1_796_003_600)));
}

#[test]
fn a_workers_access_token_has_neither_scope_nor_user() {
    let issue = ClientIssue {
        client: worker().id,
        granted: granted(""),
        access_token_lifetime: Duration::from_hours(1),
    };
    let claims =
        serde_json::to_value(AccessTokenClaims::for_client(&issue, &issuer(), JTI, NOW)).unwrap();
    assert_eq!(
        claims,
        json!({
            "client_id": issue.client, "iss": "https://auth.test/e/as", "jti": JTI, "p1.rid": JTI,
            "iat": 1_796_000_000, "exp": 1_796_003_600, "aud": ["https://api.test"],
            "env": "9e0a1111-2222-4333-8444-555566667777", "org": "0f0f1111-2222-4333-8444-555566667777"
        })
    );
    assert!(
        serde_json::from_value::<AccessTokenClaims>(claims)
            .unwrap()
            .scope
            .is_empty()
    );
}

#[test]
fn an_id_token_has_the_documented_claims() {
    let issue = issue();
    assert_eq!(
        serde_json::to_value(id_token(&issue)).unwrap(),
        json!({
            "iss": "https://auth.test/e/as", "sub": issue.authorization.user, "aud": issue.client,
            "iat": 1_796_000_000, "exp": 1_796_003_600, "nonce": "n-1", "acr": "Payments_MFA",
            "amr": ["otp", "sms"], "auth_time": 1_795_999_990, "sid": issue.authorization.session,
            "at_hash": "_____________________w", "env": "9e0a1111-2222-4333-8444-555566667777",
            "org": "0f0f1111-2222-4333-8444-555566667777", "p1.region": "EU", "email": "ada@shop.test"
        })
    );
    assert_eq!(
        id_token(&Issue {
            id_token: None,
            ..issue
        }),
        None
    );
}

#[test]
fn at_hash_is_the_left_half() {
    // OIDC Core, appendix A.3.
    let token = b"jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let hash = crate::oauth::pkce::sha256(token);
    let facts = IdTokenFacts {
        issuer: &issuer(),
        access_token_hash: &hash,
        user: &UserClaims::default(),
        now: NOW,
    };
    assert_eq!(
        IdTokenClaims::for_issue(&issue(), &facts).unwrap().at_hash,
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
}

#[test]
fn a_token_is_shown_to_its_client_and_to_its_resource_only() {
    let claims = AccessTokenClaims::for_user(&issue(), &issuer(), JTI, NOW);
    let show = |caller| answer(caller, Token::Access(&claims), true, NOW);
    let shown = show(Caller::Client(web_app().id));
    assert_eq!(
        (&shown["active"], &shown["token_type"], &shown["jti"]),
        (&json!(true), &json!("Bearer"), &json!(JTI))
    );
    assert_eq!(
        show(Caller::Resource {
            audience: "https://api.test"
        }),
        shown
    );
    assert_eq!(show(Caller::Client(worker().id)), inactive());
    assert_eq!(show(Caller::Resource { audience: "other" }), inactive());
}

#[test]
fn a_dead_token_is_inactive_and_nothing_else() {
    let claims = AccessTokenClaims::for_user(&issue(), &issuer(), JTI, NOW);
    let caller = Caller::Client(web_app().id);
    assert_eq!(
        answer(caller, Token::Access(&claims), false, NOW),
        json!({ "active": false })
    );
    let later = NOW + Duration::from_hours(1);
    assert_eq!(
        answer(caller, Token::Access(&claims), true, later),
        inactive()
    );
}

#[test]
fn id_and_refresh_tokens_are_shown_to_their_client() {
    let issue = issue();
    let family = TokenFamily {
        id: issue.family,
        client: issue.client,
        authorization: issue.authorization.clone(),
        started_at: NOW,
        expires_at: NOW + Duration::from_days(30),
        revoked_at: None,
    };
    let token = RefreshToken {
        family: family.id,
        issued_at: NOW,
        expires_at: NOW + Duration::from_days(30),
        consumed_at: None,
    };
    let id_token = id_token(&issue).unwrap();
    let refresh = Token::Refresh {
        token: &token,
        family: &family,
        issuer: "https://auth.test/e/as",
    };
    for token in [Token::Id(&id_token), refresh] {
        let shown = answer(Caller::Client(issue.client), token, true, NOW);
        assert_eq!(shown["active"], true);
        assert_eq!(shown["sub"], json!(issue.authorization.user));
        assert_eq!(shown.get("token_type"), None::<&Value>);
        assert_eq!(
            answer(
                Caller::Resource {
                    audience: "https://api.test"
                },
                token,
                true,
                NOW
            ),
            inactive()
        );
    }
    let used = RefreshToken {
        consumed_at: Some(NOW),
        ..token
    };
    let used = Token::Refresh {
        token: &used,
        family: &family,
        issuer: "https://auth.test/e/as",
    };
    assert_eq!(
        answer(Caller::Client(issue.client), used, true, NOW),
        inactive()
    );
}

#[test]
fn userinfo_is_for_a_users_token_with_openid() {
    let claims = AccessTokenClaims::for_user(&issue(), &issuer(), JTI, NOW);
    assert_eq!(
        claims.userinfo_subject(),
        Ok(issue().authorization.user.to_string().as_str())
    );
    let narrowed = AccessTokenClaims {
        scope: Scopes::parse("email").unwrap(),
        ..claims.clone()
    };
    assert_eq!(narrowed.userinfo_subject(), Err(UserinfoError::NoOpenid));
    let client_only = AccessTokenClaims {
        sub: None,
        ..claims
    };
    assert_eq!(client_only.userinfo_subject(), Err(UserinfoError::NoUser));
}
