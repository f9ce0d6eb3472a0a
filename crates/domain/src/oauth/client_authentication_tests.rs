use proptest::prelude::*;

use super::*;
use crate::oauth::client::samples::web_app;

const ID: &str = "0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01";

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

fn client(method: TokenEndpointAuthMethod) -> Client {
    Client {
        token_endpoint_auth_method: method,
        ..web_app()
    }
}

fn form(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().copied().collect()
}

fn secrets() -> [Secret<String>; 2] {
    [
        Secret::new("current".to_owned()),
        Secret::new("prev+%2F:&=ious".to_owned()),
    ]
}

#[test]
fn exactly_the_configured_method_is_accepted() {
    use TokenEndpointAuthMethod::{
        ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None as Public, PrivateKeyJwt,
    };
    let sent = [
        (
            Public,
            ClientCredentials::read(None, &form(&[("client_id", ID)])).unwrap(),
        ),
        (
            ClientSecretBasic,
            ClientCredentials::read(Some(&basic(&format!("{ID}:current"))), &form(&[])).unwrap(),
        ),
        (
            ClientSecretPost,
            ClientCredentials::read(
                None,
                &form(&[("client_id", ID), ("client_secret", "current")]),
            )
            .unwrap(),
        ),
    ];
    for (method, credentials) in &sent {
        for configured in [
            Public,
            ClientSecretBasic,
            ClientSecretPost,
            ClientSecretJwt,
            PrivateKeyJwt,
        ] {
            let client = client(configured);
            let judged = credentials.judge(Some(&client));
            if configured == *method {
                assert_eq!(judged.unwrap().id, client.id);
            } else {
                let by_basic = *method == ClientSecretBasic;
                assert_eq!(
                    judged,
                    Err(ClientAuthenticationError::UnsupportedMethod { by_basic })
                );
            }
        }
    }
}

#[test]
fn basic_credentials_may_be_form_encoded_or_not() {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for pair in [
        format!("{ID}:prev+%2F:&=ious"),
        format!("{}:{}", encode(ID), encode("prev+%2F:&=ious")),
    ] {
        let credentials =
            ClientCredentials::read(Some(&basic(&pair)), &form(&[("client_id", ID)])).unwrap();
        assert_eq!(credentials.client_id, ID);
        assert_eq!(credentials.matching(&secrets()), Some(1), "{pair}");
    }
}

#[test]
fn a_wrong_secret_matches_none() {
    let credentials =
        ClientCredentials::read(Some(&basic(&format!("{ID}:curren"))), &form(&[])).unwrap();
    assert_eq!(credentials.matching(&secrets()), None);
    assert_eq!(credentials.matching(&[]), None);
    let public = ClientCredentials::read(None, &form(&[("client_id", ID)])).unwrap();
    assert_eq!(public.matching(&[Secret::new(String::new())]), None);
}

#[test]
fn two_methods_at_once_are_an_invalid_request() {
    let header = basic(&format!("{ID}:current"));
    for extra in [
        ("client_secret", "current"),
        ("client_assertion", "x"),
        ("client_id", "other"),
    ] {
        let error = ClientCredentials::read(Some(&header), &form(&[extra])).unwrap_err();
        assert_eq!(error, ClientAuthenticationError::SeveralMethods);
        assert_eq!(OAuthError::from(error).code, OAuthErrorCode::InvalidRequest);
    }
    let twice = form(&[("client_id", ID), ("client_id", ID)]);
    assert!(matches!(
        ClientCredentials::read(None, &twice),
        Err(ClientAuthenticationError::Repeated(_))
    ));
}

#[test]
fn unknown_and_disabled_clients_are_answered_alike() {
    let credentials =
        ClientCredentials::read(Some(&basic(&format!("{ID}:x"))), &form(&[])).unwrap();
    let disabled = Client {
        enabled: false,
        ..web_app()
    };
    let refusal = |client| OAuthError::from(credentials.judge(client).unwrap_err());
    let (unknown, disabled) = (refusal(None), refusal(Some(&disabled)));
    assert_eq!(unknown.described("c"), disabled.described("c"));
    assert_eq!(unknown.code, disabled.code);
    // The log tells them apart.
    assert_ne!(unknown.cause, disabled.cause);
    assert!(credentials.judge(None).unwrap_err().challenges());
}

#[test]
fn the_texts_are_the_documented_ones() {
    let text = |error: ClientAuthenticationError| OAuthError::from(error).described("c");
    assert_eq!(
        text(ClientAuthenticationError::UnsupportedMethod { by_basic: false }),
        "Request denied: Unsupported authentication method (Correlation ID: c)"
    );
    assert_eq!(
        text(ClientAuthenticationError::InvalidCredentials {
            by_basic: false,
            fault: CredentialFault::WrongSecret
        }),
        "Request denied: Invalid client credentials (Correlation ID: c)"
    );
}

#[test]
fn an_id_without_secret_is_a_public_client_even_by_basic() {
    for pair in [ID.to_owned(), format!("{ID}:")] {
        let credentials = ClientCredentials::read(Some(&basic(&pair)), &form(&[])).unwrap();
        assert!(credentials.is_by(TokenEndpointAuthMethod::None));
        assert!(!credentials.is_by(TokenEndpointAuthMethod::ClientSecretBasic));
    }
}

#[test]
fn who_tried_basic_is_challenged_also_without_a_secret() {
    for pair in [ID.to_owned(), format!("{ID}:")] {
        let credentials = ClientCredentials::read(Some(&basic(&pair)), &form(&[])).unwrap();
        let refused = credentials.judge(Some(&web_app())).unwrap_err();
        assert!(refused.challenges(), "{pair}");
    }
    let by_form = ClientCredentials::read(None, &form(&[("client_id", ID)])).unwrap();
    assert!(!by_form.judge(Some(&web_app())).unwrap_err().challenges());
}

#[test]
fn assertions_and_other_schemes_are_refused() {
    let assertion = form(&[("client_id", ID), ("client_assertion", "x")]);
    let credentials = ClientCredentials::read(None, &assertion).unwrap();
    let client = client(TokenEndpointAuthMethod::PrivateKeyJwt);
    assert!(credentials.judge(Some(&client)).is_err());
    let bearer = ClientCredentials::read(Some("Bearer x"), &form(&[("client_id", ID)])).unwrap();
    assert!(bearer.judge(Some(&web_app())).is_err());
}

proptest! {
    #[test]
    fn any_header_can_be_read(header: String, pair: Vec<u8>) {
        let _ = ClientCredentials::read(Some(&header), &form(&[]));
        let _ = ClientCredentials::read(Some(&format!("Basic {}", BASE64.encode(&pair))), &form(&[]));
    }

    #[test]
    fn any_secret_is_found_in_both_spellings(secret in "\\PC{1,40}") {
        let stored = [Secret::new(secret.clone())];
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for spelling in [&secret, &encoded] {
            let header = basic(&format!("{ID}:{spelling}"));
            let credentials = ClientCredentials::read(Some(&header), &form(&[])).unwrap();
            prop_assert_eq!(credentials.matching(&stored), Some(0));
        }
    }
}
