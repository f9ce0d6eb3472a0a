use proptest::prelude::*;

use super::*;
use crate::{
    oauth::{
        authorization_response::ResponseMode,
        client::{
            PkceEnforcement, Protocol, TokenEndpointAuthMethod,
            samples::{service, web_app, worker},
        },
        error::DetailCode,
        hint_token::HintRules,
    },
    time::Timestamp,
};

const BASE: [(&str, &str); 4] = [
    ("client_id", "0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01"),
    ("response_type", "code"),
    ("redirect_uri", "https://app.example.test/cb"),
    ("state", "s1"),
];

/// The base request with members replaced, or removed where the value is `-`.
fn request(changes: &[(&str, &str)]) -> Parameters {
    let kept = BASE
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    kept.chain(changes.iter().filter(|(_, value)| *value != "-"))
        .copied()
        .collect()
}

fn validate_for(client: &Client, changes: &[(&str, &str)]) -> Result<Accepted, AuthorizeError> {
    let parameters = request(changes);
    client_id(&parameters)?;
    let facts = AuthorizationFacts {
        allowance: Allowance {
            client,
            grants: &[],
            platform_audience: "https://api.example.test",
        },
        policies: &["Single_Factor", "Payments_MFA"],
    };
    Addressed::check(&parameters, Some(client))?.validate(&facts)
}

fn validate(changes: &[(&str, &str)]) -> Result<Accepted, AuthorizeError> {
    validate_for(&web_app(), changes)
}

fn code_of(result: Result<Accepted, AuthorizeError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    (
        error.error().code.as_str(),
        error.error().target.clone().unwrap_or_default(),
    )
}

fn worker_without_codes() -> Client {
    Client {
        redirect_uris: web_app().redirect_uris,
        ..worker()
    }
}

fn worker_with_codes() -> Client {
    Client {
        application_type: ApplicationType::Worker,
        ..web_app()
    }
}

#[test]
fn a_plain_request_is_for_openid_and_answers_by_query() {
    let accepted = validate(&[]).unwrap();
    assert_eq!(accepted.request.granted.scopes, Scopes::openid());
    assert!(accepted.hint.is_none());
    let Recipient::Redirect(to) = &accepted.request.recipient else {
        panic!("a redirect was expected")
    };
    assert_eq!(
        (to.uri(), to.state()),
        ("https://app.example.test/cb", Some("s1"))
    );
    assert_eq!(to.response_mode(), ResponseMode::Query);
}

#[test]
fn a_stored_request_is_read_back_as_it_was() {
    let parameters = [
        ("nonce", "n"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("acr_values", "Payments_MFA"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("login_hint", "mira.k"),
    ];
    let request = validate(&parameters).unwrap().request;
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(
        serde_json::from_str::<AuthorizationRequest>(&stored).unwrap(),
        request
    );
}

#[test]
fn without_a_known_client_or_a_registered_uri_nothing_is_redirected() {
    for changes in [
        [("client_id", "-")],
        [("client_id", "not-an-id")],
        [("redirect_uri", "-")],
        [("redirect_uri", "https://evil.test/cb")],
    ] {
        assert!(
            matches!(validate(&changes), Err(AuthorizeError::Page(_))),
            "{changes:?}"
        );
    }
    let twice = [
        ("redirect_uri", "https://app.example.test/cb"),
        ("redirect_uri", "https://evil.test/"),
    ];
    assert!(matches!(validate(&twice), Err(AuthorizeError::Page(_))));
    let mismatch = validate(&[("redirect_uri", "https://evil.test/")]).unwrap_err();
    assert_eq!(mismatch.error().description, "Redirect URI mismatch");
}

#[test]
fn a_disabled_or_foreign_client_is_as_good_as_unknown() {
    let parameters = request(&[]);
    let unknown = Addressed::check(&parameters, None).unwrap_err();
    for client in [
        Client {
            enabled: false,
            ..web_app()
        },
        Client {
            protocol: Protocol::Saml,
            ..web_app()
        },
    ] {
        assert_eq!(
            Addressed::check(&parameters, Some(&client)).unwrap_err(),
            unknown
        );
    }
}

#[test]
fn pi_flow_needs_no_redirect_uri_and_tells_every_error_as_json() {
    let pi_flow = ("response_mode", "pi.flow");
    let accepted = validate(&[pi_flow, ("redirect_uri", "-")]).unwrap();
    assert!(accepted.request.recipient.is_pi_flow());
    assert_eq!(accepted.request.recipient.redirect_uri(), None);
    assert_eq!(accepted.request.recipient.state(), Some("s1"));
    for fault in [
        ("client_id", "-"),
        ("redirect_uri", "https://evil.test/"),
        ("response_type", "-"),
    ] {
        assert!(
            matches!(validate(&[pi_flow, fault]), Err(AuthorizeError::PiFlow(_))),
            "{fault:?}"
        );
    }
}

#[test]
fn only_the_code_is_served() {
    for response_type in [
        "token",
        "id_token",
        "token id_token",
        "code id_token",
        "code token",
        "none",
        "CODE",
    ] {
        let refused = code_of(validate(&[("response_type", response_type)]));
        assert_eq!(
            refused,
            ("unsupported_response_type", "response_type".to_owned())
        );
    }
    let absent = validate(&[("response_type", "-")]).unwrap_err();
    assert_eq!(absent.error().detail, DetailCode::RequiredValue);
}

#[test]
fn the_application_must_be_made_for_codes() {
    let no_grant = Client {
        grant_types: vec![GrantType::ClientCredentials],
        ..web_app()
    };
    assert_eq!(
        code_of(validate_for(&no_grant, &[])).0,
        "unauthorized_client"
    );
    let no_type = Client {
        response_types: vec![],
        ..web_app()
    };
    assert_eq!(
        code_of(validate_for(&no_type, &[])).0,
        "unsupported_response_type"
    );
    let service = Client {
        grant_types: vec![GrantType::AuthorizationCode],
        ..service()
    };
    assert_eq!(
        code_of(validate_for(&service, &[])).0,
        "unauthorized_client"
    );
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    assert_eq!(
        code_of(validate(&[("request", "x")])).0,
        "request_not_supported"
    );
    assert_eq!(
        code_of(validate(&[("request_uri", "urn:x")])).0,
        "request_uri_not_supported"
    );
    let bare = [("request", "x"), ("redirect_uri", "-")];
    assert_eq!(code_of(validate(&bare)).0, "request_not_supported");
    assert_eq!(
        code_of(validate(&[("id_token_hint", "x")])).1,
        "id_token_hint"
    );
    assert_eq!(
        code_of(validate(&[("mobilePayload", "x")])).1,
        "mobilePayload"
    );
    let par = Client {
        requires_pushed_authorization_requests: true,
        ..web_app()
    };
    assert_eq!(
        code_of(validate_for(&par, &[])),
        ("invalid_request", "request_uri".to_owned())
    );
    let jar = Client {
        require_signed_request_object: true,
        ..web_app()
    };
    assert_eq!(
        code_of(validate_for(&jar, &[])),
        ("invalid_request", "request".to_owned())
    );
}

#[test]
fn a_repeated_parameter_is_refused_whatever_it_is() {
    for name in ["scope", "nonce", "state", "anything"] {
        assert_eq!(
            code_of(validate(&[(name, "a"), (name, "a")])),
            ("invalid_request", name.to_owned())
        );
    }
    let AuthorizeError::Redirect { to, .. } =
        validate(&[("state", "a"), ("state", "b")]).unwrap_err()
    else {
        panic!("a redirect was expected")
    };
    assert_eq!(to.state(), None);
}

#[test]
fn hints_are_neither_empty_nor_repeated_nor_malformed() {
    for (changes, text) in [
        (
            vec![("login_hint_token", "")],
            "login_hint_token must not be empty",
        ),
        (
            vec![("login_hint_token", "a"), ("login_hint_token", "a")],
            "login_hint_token must not be given more than once",
        ),
        (
            vec![("login_hint_token", "a.b.c")],
            "login_hint_token is not a valid JWT",
        ),
    ] {
        let error = validate(&changes).unwrap_err();
        assert_eq!(error.error().description, text);
        assert_eq!(error.error().target.as_deref(), Some("login_hint_token"));
    }
}

#[test]
fn a_signed_hint_wins_over_a_plain_one() {
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let token = format!("{}.{}.AAAA", encode(r#"{"alg":"HS256"}"#), encode("{}"));
    let accepted = validate(&[("login_hint_token", &token), ("login_hint", "other")]).unwrap();
    assert_eq!(accepted.request.login_hint, None);
    let rules = HintRules {
        client: web_app().id,
        issuers: &[],
        now: Timestamp::from_seconds(0),
        profile: crate::profile::Profile::Compat,
        maximum_age: None,
    };
    let refused = accepted.hint.unwrap().accept(false, &rules).unwrap_err();
    let error = accepted.request.refuse(refused);
    assert_eq!(
        error.error().description,
        "login_hint_token signature is invalid"
    );
    assert_eq!(
        validate(&[("login_hint", "other")])
            .unwrap()
            .request
            .login_hint
            .as_deref(),
        Some("other")
    );
}

#[test]
fn a_worker_may_sign_on_its_user_but_not_by_hint() {
    let worker = worker_with_codes();
    assert!(validate_for(&worker, &[]).is_ok());
    for name in ["login_hint_token", "login_hint"] {
        let refused = code_of(validate_for(&worker, &[(name, "x")]));
        assert_eq!(refused, ("unauthorized_client", name.to_owned()));
    }
    assert_eq!(
        code_of(validate_for(&worker_without_codes(), &[])).0,
        "unauthorized_client"
    );
}

#[test]
fn acr_values_choose_among_assigned_policies() {
    let chosen =
        |text: &str| validate(&[("acr_values", text)]).map(|accepted| accepted.request.acr_values);
    assert_eq!(
        chosen("Unknown Payments_MFA Single_Factor").unwrap(),
        ["Payments_MFA", "Single_Factor"]
    );
    assert_eq!(
        code_of(validate(&[("acr_values", "Unknown")])),
        ("invalid_request", "acr_values".to_owned())
    );
    assert!(chosen("payments_mfa").is_err());
    assert_eq!(chosen("").unwrap(), Vec::<String>::new());
}

#[test]
fn prompt_and_max_age_are_read() {
    let prompt = |text: &str| validate(&[("prompt", text)]).map(|accepted| accepted.request.prompt);
    assert_eq!(prompt("none").unwrap(), Prompt::None);
    assert_eq!(prompt("consent login").unwrap(), Prompt::Login);
    assert_eq!(prompt("select_account").unwrap(), Prompt::Login);
    assert_eq!(prompt("consent").unwrap(), Prompt::AsNeeded);
    assert!(prompt("none login").is_err());
    assert!(prompt("create").is_err());
    assert_eq!(
        validate(&[("max_age", "0")]).unwrap().request.max_age,
        Some(Duration::ZERO)
    );
    for bad in ["-1", "+1", "1.5", "x", "99999999999"] {
        assert_eq!(code_of(validate(&[("max_age", bad)])).1, "max_age");
    }
}

#[test]
fn pkce_is_demanded_where_the_client_proves_nothing_else() {
    let public = Client {
        token_endpoint_auth_method: TokenEndpointAuthMethod::None,
        ..web_app()
    };
    assert_eq!(
        code_of(validate_for(&public, &[])),
        ("invalid_request", "code_challenge".to_owned())
    );
    let required = Client {
        pkce_enforcement: PkceEnforcement::Required,
        ..web_app()
    };
    assert!(validate_for(&required, &[]).is_err());
}

#[test]
fn an_unknown_response_mode_is_told_by_query() {
    let AuthorizeError::Redirect { to, error } =
        validate(&[("response_mode", "web_message")]).unwrap_err()
    else {
        panic!("a redirect was expected")
    };
    assert_eq!(to.response_mode(), ResponseMode::Query);
    assert_eq!(error.target.as_deref(), Some("response_mode"));
}

proptest! {
    #[test]
    fn an_unregistered_uri_is_never_redirected_to(
        uri in "(https://app.example.test/cb|https://evil.test|x|){1,2}", name in "[a-z_]{1,12}", value in "\\PC{0,12}"
    ) {
        let result = validate(&[("redirect_uri", &uri), (&name, &value)]);
        let redirected = match &result {
            Ok(accepted) => accepted.request.recipient.redirect_uri().map(str::to_owned),
            Err(AuthorizeError::Redirect { to, .. }) => Some(to.uri().to_owned()),
            Err(AuthorizeError::Page(_) | AuthorizeError::PiFlow(_)) => None,
        };
        prop_assert!(redirected.is_none_or(|uri| uri == "https://app.example.test/cb"));
    }

    #[test]
    fn any_query_can_be_judged(query: Vec<u8>) {
        let parameters = Parameters::parse(&query);
        let client = web_app();
        if let Ok(addressed) = Addressed::check(&parameters, Some(&client)) {
            let allowance = Allowance { client: &client, grants: &[], platform_audience: "p" };
            let _ = addressed.validate(&AuthorizationFacts { allowance, policies: &[] });
        }
    }
}

#[test]
fn text_that_a_flow_keeps_has_a_most_length_each() {
    for (name, most) in SIZES {
        let fits = validate(&[(name, &"a".repeat(most))]);
        let is_long = |result: Result<Accepted, AuthorizeError>| {
            result.is_err_and(|error| error.error().description.contains("longer"))
        };
        assert!(!is_long(fits), "{name}");
        let one_more = validate(&[(name, &"a".repeat(most + 1))]);
        assert_eq!(
            code_of(one_more),
            ("invalid_request", name.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn a_state_that_is_too_long_is_not_echoed() {
    let AuthorizeError::Redirect { to, .. } =
        validate(&[("state", &"a".repeat(LONGEST_STATE + 1))]).unwrap_err()
    else {
        panic!("the redirect URI is registered");
    };
    assert_eq!(to.state(), None);
}
