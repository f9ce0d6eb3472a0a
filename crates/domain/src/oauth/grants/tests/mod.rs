mod code;
mod refresh;

use super::{
    authorization_code::{AuthorizationCode, CodeRequest, LIFETIME},
    refresh_token::{RefreshRequest, RefreshToken},
    *,
};
use crate::{
    entropy::Seeded,
    oauth::{
        client::{
            TokenEndpointAuthMethod,
            samples::{service, web_app, worker},
        },
        scope::{Allowance, GrantedResource},
    },
};

const NOW: Timestamp = Timestamp::from_seconds(1_796_000_000);
const FINE: Standing = Standing {
    user_is_usable: true,
    session_is_alive: true,
};

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
        second_factor_at: None,
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

fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> GrantError {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.revoke, None);
    refusal.error
}

fn read(client: &Client, form: &[u8]) -> Result<TokenRequest, OAuthError> {
    TokenRequest::read(&Parameters::parse(form), client)
}

#[test]
fn a_token_request_names_a_grant_that_the_client_may_use() {
    let code = |result: Result<TokenRequest, OAuthError>| result.unwrap_err().code.as_str();
    assert!(matches!(
        read(&web_app(), b"grant_type=authorization_code&code=c"),
        Ok(TokenRequest::AuthorizationCode(CodeRequest {
            redirect_uri: None,
            code_verifier: None,
            ..
        }))
    ));
    assert!(matches!(
        read(
            &web_app(),
            b"grant_type=refresh_token&refresh_token=r&scope=a+b"
        ),
        Ok(TokenRequest::RefreshToken(RefreshRequest {
            scope: Some(_),
            ..
        }))
    ));
    assert!(matches!(
        read(&worker(), b"grant_type=client_credentials&scope="),
        Ok(TokenRequest::ClientCredentials { scope: None })
    ));
    assert_eq!(code(read(&web_app(), b"")), "invalid_request");
    assert_eq!(
        code(read(&web_app(), b"grant_type=authorization_code")),
        "invalid_request"
    );
    assert_eq!(
        code(read(
            &web_app(),
            b"grant_type=refresh_token&refresh_token=a&refresh_token=a"
        )),
        "invalid_request"
    );
    assert_eq!(
        code(read(&web_app(), b"grant_type=password&username=a")),
        "unsupported_grant_type"
    );
    assert_eq!(
        code(read(&web_app(), b"grant_type=client_credentials")),
        "unauthorized_client"
    );
    assert_eq!(
        code(read(&worker(), b"grant_type=authorization_code&code=c")),
        "unauthorized_client"
    );
    assert_eq!(
        code(read(&worker(), b"grant_type=client_credentials&scope=%22")),
        "invalid_scope"
    );
    let public = Client {
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        ..worker()
    };
    assert_eq!(
        code(read(&public, b"grant_type=client_credentials")),
        "unauthorized_client"
    );
}

#[test]
fn a_worker_needs_a_role_and_a_service_a_scope() {
    let allowance = |client| Allowance {
        client,
        grants: &[],
        platform_audience: "https://api.example.test",
    };
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
        assert_eq!(
            &serde_json::from_str::<T>(&serde_json::to_string(value).unwrap()).unwrap(),
            value
        );
    }
    same(&code());
    same(&refresh_token());
    same(&family("openid pay"));
}
