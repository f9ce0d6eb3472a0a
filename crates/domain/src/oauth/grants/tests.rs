use proptest::prelude::*;

use super::{
    authorization_code::{AuthorizationCode, CodeRequest, Exchange, LIFETIME},
    refresh_token::{RefreshRequest, RefreshToken, Rotation},
    *,
};
use crate::{
    entropy::Seeded,
    oauth::{
        client::{
            RefreshTokenRules, TokenEndpointAuthMethod,
            samples::{service, web_app, worker},
        },
        pkce::{CodeChallenge, CodeChallengeMethod, sha256},
        scope::{Allowance, GrantedResource},
    },
};

const NOW: Timestamp = Timestamp::from_seconds(1_796_000_000);
const FINE: Standing = Standing { user_is_usable: true, session_is_alive: true };
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn granted(scopes: &str) -> GrantedScopes {
    GrantedScopes {
        scopes: Scopes::parse(scopes).unwrap(),
        resources: vec![GrantedResource {
            resource: Id::random(&mut Seeded(1)),
            audience: "payments".to_owned(),
            access_token_lifetime: Duration::from_minutes(10),
            scopes: vec!["pay".to_owned()],
        }],
        default_audience: "https://api.example.test".to_owned(),
    }
}

fn authorization(scopes: &str) -> Authorization {
    Authorization {
        user: Id::random(&mut Seeded(2)),
        session: Id::random(&mut Seeded(3)),
        granted: granted(scopes),
        acr: "Payments_MFA".to_owned(),
        amr: vec!["otp".to_owned(), "sms".to_owned()],
        auth_time: NOW,
    }
}

fn code() -> AuthorizationCode {
    AuthorizationCode {
        client: web_app().id,
        redirect_uri: Some("https://app.example.test/cb".to_owned()),
        code_challenge: None,
        nonce: Some("n-1".to_owned()),
        authorization: authorization("openid pay"),
        with_refresh_token: true,
        family: Id::random(&mut Seeded(4)),
        expires_at: NOW + LIFETIME,
        consumed_at: None,
    }
}

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

fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> GrantError {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.revoke, None);
    refusal.error
}

#[test]
fn a_code_buys_an_access_token_an_id_token_and_a_refresh_token() {
    let Exchange { issue, family, remember_until } = exchange(&code_request(), &code()).unwrap();
    assert_eq!(issue.id_token, Some(IdTokenIssue { nonce: Some("n-1".to_owned()) }));
    assert_eq!(issue.access_token_lifetime, Duration::from_minutes(10));
    let expires_at = NOW + Duration::from_days(30);
    assert_eq!(issue.refresh_token, Some(RefreshTokenIssue { expires_at }));
    assert_eq!((family.id, family.started_at, family.expires_at), (code().family, NOW, expires_at));
    assert_eq!(remember_until, expires_at);
}

#[test]
fn without_openid_there_is_no_id_token() {
    let code = AuthorizationCode { authorization: authorization("pay"), with_refresh_token: false, ..code() };
    let Exchange { issue, remember_until, .. } = exchange(&code_request(), &code).unwrap();
    assert_eq!((issue.id_token, issue.refresh_token), (None, None));
    assert_eq!(remember_until, NOW + Duration::from_minutes(10));
}

#[test]
fn a_used_code_is_refused_and_what_it_bought_is_revoked_even_after_its_expiry() {
    let used = AuthorizationCode { consumed_at: Some(NOW), expires_at: NOW - LIFETIME, ..code() };
    let refusal = exchange(&code_request(), &used).unwrap_err();
    assert_eq!(refusal, Refusal { error: GrantError::CodeReused, revoke: Some(used.family) });
}

#[test]
fn an_expired_or_unknown_code_is_refused() {
    let expired = AuthorizationCode { expires_at: NOW, ..code() };
    assert_eq!(refused(exchange(&code_request(), &expired)), GrantError::CodeExpired);
    let unknown = code_request().exchange(&web_app(), None, FINE, NOW, sha256);
    assert_eq!(refused(unknown), GrantError::UnknownCode);
}

#[test]
fn another_client_can_neither_use_nor_revoke() {
    let other = Client { id: Id::random(&mut Seeded(77)), ..web_app() };
    for code in [code(), AuthorizationCode { consumed_at: Some(NOW), ..code() }] {
        let result = code_request().exchange(&other, Some(&code), FINE, NOW, sha256);
        assert_eq!(refused(result), GrantError::OtherClient);
    }
}

#[test]
fn the_redirect_uri_must_be_the_same_and_absent_where_it_was_absent() {
    let with = |uri: Option<&str>| CodeRequest { redirect_uri: uri.map(str::to_owned), ..code_request() };
    let without = AuthorizationCode { redirect_uri: None, ..code() };
    for (request, code) in
        [(with(None), code()), (with(Some("https://app.example.test/cb/")), code()), (code_request(), without.clone())]
    {
        assert_eq!(refused(exchange(&request, &code)), GrantError::RedirectUriDiffers);
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
    let verified =
        CodeRequest { code_verifier: Some(Secret::new(VERIFIER.to_owned())), ..code_request() };
    assert!(exchange(&verified, &challenged).is_ok());
    assert_eq!(refused(exchange(&code_request(), &challenged)), GrantError::Pkce(PkceError::VerifierMissing));
    assert_eq!(refused(exchange(&verified, &code())), GrantError::Pkce(PkceError::Downgrade));
}

#[test]
fn who_may_no_longer_sign_on_gets_nothing() {
    let no_user = Standing { user_is_usable: false, ..FINE };
    let no_session = Standing { session_is_alive: false, ..FINE };
    let with = |standing| code_request().exchange(&web_app(), Some(&code()), standing, NOW, sha256);
    assert_eq!(refused(with(no_user)), GrantError::UserNotUsable);
    assert_eq!(refused(with(no_session)), GrantError::SessionEnded);
}

fn family(scopes: &str) -> TokenFamily {
    TokenFamily {
        id: Id::random(&mut Seeded(4)),
        client: web_app().id,
        authorization: authorization(scopes),
        started_at: NOW,
        expires_at: NOW + Duration::from_days(30),
        revoked_at: None,
    }
}

fn refresh_token() -> RefreshToken {
    RefreshToken {
        family: family("openid").id,
        issued_at: NOW,
        expires_at: NOW + Duration::from_days(30),
        consumed_at: None,
    }
}

fn client_with(rules: RefreshTokenRules) -> Client {
    Client { refresh_tokens: rules, ..web_app() }
}

fn rotate(client: &Client, token: &RefreshToken, family: &TokenFamily, now: Timestamp) -> Result<Rotation, Refusal> {
    let request = RefreshRequest { refresh_token: Secret::new("r".to_owned()), scope: None };
    request.rotate(client, Some((token, family)), FINE, now)
}

#[test]
fn a_refresh_token_is_replaced_and_the_nonce_is_not_repeated() {
    let rotation = rotate(&web_app(), &refresh_token(), &family("openid pay"), NOW).unwrap();
    assert!(rotation.consumes);
    assert_eq!(rotation.issue.id_token, Some(IdTokenIssue { nonce: None }));
    assert_eq!(rotation.issue.authorization, family("openid pay").authorization);
    assert_eq!(rotation.successor.expires_at, NOW + Duration::from_days(30));
}

#[test]
fn reuse_revokes_the_family_unless_the_application_says_otherwise() {
    let used = RefreshToken { consumed_at: Some(NOW), ..refresh_token() };
    let refusal = rotate(&web_app(), &used, &family("openid"), NOW).unwrap_err();
    assert_eq!(refusal, Refusal { error: GrantError::RefreshTokenReused, revoke: Some(used.family) });
    let lenient = client_with(RefreshTokenRules { replay_protection: false, ..RefreshTokenRules::default() });
    assert_eq!(refused(rotate(&lenient, &used, &family("openid"), NOW)), GrantError::RefreshTokenReused);
}

#[test]
fn within_the_grace_period_an_exchanged_token_works_again() {
    let grace_period = Duration::from_seconds(30);
    let client = client_with(RefreshTokenRules { grace_period, ..RefreshTokenRules::default() });
    let used = RefreshToken { consumed_at: Some(NOW), ..refresh_token() };
    let late = NOW + Duration::from_millis(29_999);
    assert!(!rotate(&client, &used, &family("openid"), late).unwrap().consumes);
    assert!(rotate(&client, &used, &family("openid"), NOW + grace_period).is_err());
}

#[test]
fn a_family_that_was_revoked_buys_nothing() {
    let revoked = TokenFamily { revoked_at: Some(NOW), ..family("openid") };
    assert_eq!(refused(rotate(&web_app(), &refresh_token(), &revoked, NOW)), GrantError::Revoked);
}

#[test]
fn a_refresh_token_of_another_client_or_family_is_refused() {
    let other = Client { id: Id::random(&mut Seeded(77)), ..web_app() };
    let used = RefreshToken { consumed_at: Some(NOW), ..refresh_token() };
    assert_eq!(refused(rotate(&other, &used, &family("openid"), NOW)), GrantError::OtherClient);
    let stray = RefreshToken { family: Id::random(&mut Seeded(78)), ..refresh_token() };
    assert_eq!(refused(rotate(&web_app(), &stray, &family("openid"), NOW)), GrantError::UnknownRefreshToken);
}

#[test]
fn the_session_is_outlived_only_with_offline_access() {
    let ended = Standing { session_is_alive: false, ..FINE };
    let request = RefreshRequest { refresh_token: Secret::new("r".to_owned()), scope: None };
    let with = |scopes: &str| {
        request.rotate(&web_app(), Some((&refresh_token(), &family(scopes))), ended, NOW).map(|_| ())
    };
    assert_eq!(with("openid offline_access"), Ok(()));
    assert_eq!(refused(with("openid")), GrantError::SessionEnded);
}

#[test]
fn fewer_scopes_may_be_asked_for_but_not_others() {
    let ask = |scope: &str| {
        let scope = Some(Scopes::parse(scope).unwrap());
        let request = RefreshRequest { refresh_token: Secret::new("r".to_owned()), scope };
        request.rotate(&web_app(), Some((&refresh_token(), &family("openid pay"))), FINE, NOW)
    };
    let narrowed = ask("pay").unwrap().issue;
    assert_eq!(narrowed.authorization.granted.scopes.to_string(), "pay");
    assert_eq!(narrowed.id_token, None);
    assert_eq!(ask("openid").unwrap().issue.authorization.granted.audience(), ["https://api.example.test"]);
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
    let rotation = rotate(&client, &refresh_token(), &family("openid"), NOW + Duration::from_days(20)).unwrap();
    assert_eq!(rotation.successor.expires_at, NOW + Duration::from_days(40));
    let late = RefreshToken { expires_at: NOW + Duration::from_days(60), ..refresh_token() };
    let result = rotate(&client, &late, &family("openid"), NOW + Duration::from_days(40));
    assert_eq!(refused(result), GrantError::RefreshTokenExpired);
}

fn read(client: &Client, form: &[u8]) -> Result<TokenRequest, OAuthError> {
    TokenRequest::read(&Parameters::parse(form), client)
}

#[test]
fn a_token_request_names_a_grant_that_the_client_may_use() {
    let code = |result: Result<TokenRequest, OAuthError>| result.unwrap_err().code.as_str();
    assert!(matches!(
        read(&web_app(), b"grant_type=authorization_code&code=c"),
        Ok(TokenRequest::AuthorizationCode(CodeRequest { redirect_uri: None, code_verifier: None, .. }))
    ));
    assert!(matches!(
        read(&web_app(), b"grant_type=refresh_token&refresh_token=r&scope=a+b"),
        Ok(TokenRequest::RefreshToken(RefreshRequest { scope: Some(_), .. }))
    ));
    assert!(matches!(
        read(&worker(), b"grant_type=client_credentials&scope="),
        Ok(TokenRequest::ClientCredentials { scope: None })
    ));
    assert_eq!(code(read(&web_app(), b"")), "invalid_request");
    assert_eq!(code(read(&web_app(), b"grant_type=authorization_code")), "invalid_request");
    assert_eq!(code(read(&web_app(), b"grant_type=refresh_token&refresh_token=a&refresh_token=a")), "invalid_request");
    assert_eq!(code(read(&web_app(), b"grant_type=password&username=a")), "unsupported_grant_type");
    assert_eq!(code(read(&web_app(), b"grant_type=client_credentials")), "unauthorized_client");
    assert_eq!(code(read(&worker(), b"grant_type=authorization_code&code=c")), "unauthorized_client");
    assert_eq!(code(read(&worker(), b"grant_type=client_credentials&scope=%22")), "invalid_scope");
    let public = Client { token_endpoint_auth_method: TokenEndpointAuthMethod::None, ..worker() };
    assert_eq!(code(read(&public, b"grant_type=client_credentials")), "unauthorized_client");
}

#[test]
fn a_worker_needs_a_role_and_a_service_a_scope() {
    let allowance =
        |client| Allowance { client, grants: &[], platform_audience: "https://api.example.test" };
    let (worker, service) = (worker(), service());
    let issue = client_credentials::judge(&allowance(&worker), None, true).unwrap();
    assert_eq!(issue.access_token_lifetime, Duration::from_hours(1));
    let refused = client_credentials::judge(&allowance(&worker), None, false).unwrap_err();
    assert_eq!(OAuthError::from(refused).code, OAuthErrorCode::AccessDenied);
    let refused = client_credentials::judge(&allowance(&service), None, true).unwrap_err();
    assert_eq!(OAuthError::from(refused).code, OAuthErrorCode::InvalidScope);
}

#[test]
fn stored_grants_are_read_back_as_they_were() {
    fn same<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        assert_eq!(&serde_json::from_str::<T>(&serde_json::to_string(value).unwrap()).unwrap(), value);
    }
    same(&code());
    same(&refresh_token());
    same(&family("openid pay"));
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
