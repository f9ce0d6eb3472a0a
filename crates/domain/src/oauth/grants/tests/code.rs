use super::*;
use crate::oauth::{
    authorization_request::{Addressed, AuthorizationFacts},
    grants::authorization_code::Exchange,
    pkce::{CodeChallenge, CodeChallengeMethod, sha256},
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn code_request() -> CodeRequest {
    CodeRequest {
        code: Secret::new("c".to_owned()),
        redirect_uri: Some("https://app.example.test/cb".to_owned()),
        code_verifier: None,
    }
}

fn exchange(request: &CodeRequest, code: &AuthorizationCode) -> Result<Exchange, Refusal> {
    request.exchange(&web_app(), Some(code), FINE, NOW, sha256)
}

#[test]
fn a_code_buys_an_access_token_an_id_token_and_a_refresh_token() {
    let Exchange {
        issue,
        family,
        remember_until,
    } = exchange(&code_request(), &code()).unwrap();
    assert_eq!(
        issue.id_token,
        Some(IdTokenIssue {
            nonce: Some("n-1".to_owned())
        })
    );
    assert_eq!(issue.access_token_lifetime, Duration::from_minutes(10));
    let expires_at = NOW + Duration::from_days(30);
    assert_eq!(issue.refresh_token, Some(RefreshTokenIssue { expires_at }));
    assert_eq!(
        (family.id, family.started_at, family.expires_at),
        (code().family, NOW, expires_at)
    );
    assert_eq!(remember_until, expires_at);
}

#[test]
fn without_openid_there_is_no_id_token() {
    let code = AuthorizationCode {
        authorization: authorization("pay"),
        with_refresh_token: false,
        ..code()
    };
    let Exchange {
        issue,
        remember_until,
        ..
    } = exchange(&code_request(), &code).unwrap();
    assert_eq!((issue.id_token, issue.refresh_token), (None, None));
    assert_eq!(remember_until, NOW + Duration::from_minutes(10));
}

#[test]
fn a_used_code_is_refused_and_what_it_bought_is_revoked_even_after_its_expiry() {
    let used = AuthorizationCode {
        consumed_at: Some(NOW),
        expires_at: NOW - LIFETIME,
        ..code()
    };
    let refusal = exchange(&code_request(), &used).unwrap_err();
    assert_eq!(
        refusal,
        Refusal {
            error: GrantError::CodeReused,
            revoke: Some(used.family)
        }
    );
}

#[test]
fn an_expired_or_unknown_code_is_refused() {
    let expired = AuthorizationCode {
        expires_at: NOW,
        ..code()
    };
    assert_eq!(
        refused(exchange(&code_request(), &expired)),
        GrantError::CodeExpired
    );
    let unknown = code_request().exchange(&web_app(), None, FINE, NOW, sha256);
    assert_eq!(refused(unknown), GrantError::UnknownCode);
}

#[test]
fn another_client_can_neither_use_nor_revoke() {
    let other = Client {
        id: Id::random(&mut Seeded(77)),
        ..web_app()
    };
    for code in [
        code(),
        AuthorizationCode {
            consumed_at: Some(NOW),
            ..code()
        },
    ] {
        let result = code_request().exchange(&other, Some(&code), FINE, NOW, sha256);
        assert_eq!(refused(result), GrantError::OtherClient);
    }
}

#[test]
fn the_redirect_uri_must_be_the_same_and_absent_where_it_was_absent() {
    let with = |uri: Option<&str>| CodeRequest {
        redirect_uri: uri.map(str::to_owned),
        ..code_request()
    };
    let without = AuthorizationCode {
        redirect_uri: None,
        ..code()
    };
    for (request, code) in [
        (with(None), code()),
        (with(Some("https://app.example.test/cb/")), code()),
        (code_request(), without.clone()),
    ] {
        assert_eq!(
            refused(exchange(&request, &code)),
            GrantError::RedirectUriDiffers
        );
    }
    assert!(exchange(&with(None), &without).is_ok());
}

#[test]
fn pkce_is_judged_at_the_exchange() {
    let challenged = AuthorizationCode {
        code_challenge: Some(CodeChallenge {
            method: CodeChallengeMethod::S256,
            challenge: CHALLENGE.to_owned(),
        }),
        ..code()
    };
    let verified = CodeRequest {
        code_verifier: Some(Secret::new(VERIFIER.to_owned())),
        ..code_request()
    };
    assert!(exchange(&verified, &challenged).is_ok());
    assert_eq!(
        refused(exchange(&code_request(), &challenged)),
        GrantError::Pkce(PkceError::VerifierMissing)
    );
    assert_eq!(
        refused(exchange(&verified, &code())),
        GrantError::Pkce(PkceError::Downgrade)
    );
}

#[test]
fn who_may_no_longer_sign_on_gets_nothing() {
    let no_user = Standing {
        user_is_usable: false,
        ..FINE
    };
    let no_session = Standing {
        session_is_alive: false,
        ..FINE
    };
    let with = |standing| code_request().exchange(&web_app(), Some(&code()), standing, NOW, sha256);
    assert_eq!(refused(with(no_user)), GrantError::UserNotUsable);
    assert_eq!(refused(with(no_session)), GrantError::SessionEnded);
}

#[test]
fn a_minted_code_remembers_what_was_asked_and_who_signed_on() {
    let client = web_app();
    let query = format!(
        "client_id={}&response_type=code&redirect_uri=https://app.example.test/cb&nonce=n-1",
        client.id
    );
    let parameters = Parameters::parse(query.as_bytes());
    let facts = AuthorizationFacts {
        allowance: Allowance {
            client: &client,
            grants: &[],
            platform_audience: "https://api.example.test",
        },
        policies: &[],
    };
    let accepted = Addressed::check(&parameters, Some(&client))
        .unwrap()
        .validate(&facts)
        .unwrap();
    let sign_on = SignOn {
        user: Id::random(&mut Seeded(2)),
        session: Id::random(&mut Seeded(3)),
        acr: "Payments_MFA".to_owned(),
        amr: vec!["otp".to_owned()],
        auth_time: NOW,
        second_factor_at: None,
    };
    let code = AuthorizationCode::mint(&accepted.request, sign_on.clone(), code().family, NOW);
    assert_eq!(code.authorization.user, sign_on.user);
    let exchanged = exchange(&code_request(), &code).unwrap();
    assert_eq!(
        exchanged.issue.id_token,
        Some(IdTokenIssue {
            nonce: Some("n-1".to_owned())
        })
    );
    assert_eq!(
        exchanged.issue.authorization.granted.scopes,
        Scopes::openid()
    );
    assert!(exchanged.issue.refresh_token.is_some());
}
