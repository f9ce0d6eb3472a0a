use std::collections::HashMap;

use stepgate_domain::oauth::{
    authorization_request::{
        Accepted, Addressed, AuthorizationFacts, AuthorizationRequest, client_id,
    },
    authorization_response::{Answer, Redirection},
    client::{ApplicationType, Client, PkceEnforcement, TokenEndpointAuthMethod},
    parameters::Parameters,
    pkce::CodeChallengeMethod,
    recipient::AuthorizeError,
    scope::Allowance,
};
use url::Url;

use crate::samples::{ISSUER, web_app};

const POLICIES: [&str; 2] = ["Single_Factor", "Multi_Factor"];
/// In bytes, of what a flow keeps.
const LONGEST: usize = 2_048;

/// Nothing leaves for a redirect URI that the application does not have; what is accepted says each
/// thing once, asks for what the application may have, and is the same when it is read from the
/// store. The input is a query; its first byte chooses the application.
pub fn authorization_request(data: &[u8]) {
    let Some((choice, query)) = data.split_first() else {
        return;
    };
    let client = client(*choice);
    let parameters = Parameters::parse(query);
    let named = client_id(&parameters);
    if let Err(error) = &named {
        assert!(!matches!(error, AuthorizeError::Redirect { .. }));
    }
    let known = named.ok().filter(|id| *id == client.id).map(|_| &client);
    let addressed = match Addressed::check(&parameters, known) {
        Ok(addressed) => addressed,
        Err(error) => {
            assert!(!matches!(error, AuthorizeError::Redirect { .. }));
            return;
        }
    };
    assert!(known.is_some_and(Client::is_usable));
    let uri = addressed.recipient().redirect_uri().map(str::to_owned);
    assert!(uri.iter().all(|uri| leads_to_the_application(&client, uri)));
    let sent = parameters.get("redirect_uri").ok().flatten();
    assert_eq!(uri.as_deref(), sent);
    let grants = crate::scopes::grants();
    let facts = AuthorizationFacts {
        allowance: Allowance {
            client: &client,
            grants: &grants,
            platform_audience: "https://id.example.test",
        },
        policies: &POLICIES,
    };
    match addressed.validate(&facts) {
        Ok(Accepted { request, hint }) => {
            let hinted = parameters.get("login_hint_token").ok().flatten();
            assert_eq!(hint.is_some(), hinted.is_some());
            assert!(hint.is_none() || request.login_hint.is_none());
            judge_accepted(&client, query, &request);
        }
        Err(AuthorizeError::Redirect { to, error }) => {
            assert_eq!(Some(to.uri()), uri.as_deref());
            let answer = to.with_error(&error, "correlation", ISSUER);
            judge_answer(&to, answer, "error", error.code.as_str());
        }
        Err(AuthorizeError::PiFlow(_)) => assert_eq!(first(query, "response_mode"), "pi.flow"),
        Err(AuthorizeError::Page(error)) => {
            assert!(uri.is_none(), "a client that is known is not told: {error}");
        }
    }
}

fn judge_accepted(client: &Client, query: &[u8], request: &AuthorizationRequest) {
    let mut times: HashMap<String, u32> = HashMap::new();
    for (name, _) in form_urlencoded::parse(query) {
        *times.entry(name.into_owned()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1));
    assert_eq!(first(query, "response_type"), "code");
    for name in ["request", "request_uri", "id_token_hint", "mobilePayload"] {
        assert_eq!(first(query, name), "", "{name} is not served");
    }
    assert_eq!(request.client, client.id);
    assert_ne!(client.application_type, ApplicationType::Service);
    let kept = [
        request.recipient.state(),
        request.nonce.as_deref(),
        request.login_hint.as_deref(),
        request.ui_locales.as_deref(),
    ];
    assert!(kept.iter().flatten().all(|text| text.len() <= LONGEST));
    assert!(
        request
            .acr_values
            .iter()
            .all(|name| POLICIES.contains(&name.as_str()))
    );
    assert!(
        request
            .max_age
            .is_none_or(|age| (0..=i64::from(u32::MAX)).contains(&age.as_seconds()))
    );
    let method = request
        .code_challenge
        .as_ref()
        .map(|challenge| challenge.method);
    match client.required_pkce() {
        PkceEnforcement::Optional => {}
        PkceEnforcement::Required => assert!(method.is_some()),
        PkceEnforcement::S256Required => assert_eq!(method, Some(CodeChallengeMethod::S256)),
    }
    let stored = serde_json::to_string(request).expect("is JSON");
    let read: AuthorizationRequest = serde_json::from_str(&stored).expect("is read again");
    assert_eq!(&read, request);
    if let stepgate_domain::oauth::recipient::Recipient::Redirect(to) = &request.recipient {
        judge_answer(to, to.with_code("c0de", ISSUER), "code", "c0de");
    }
}

/// What the client reads is what was sent to it, once each, at the very place that it has.
fn judge_answer(to: &Redirection, answer: Answer, name: &str, value: &str) {
    let fields: Vec<(String, String)> = match answer {
        Answer::Form { action, fields } => {
            assert_eq!(action, to.uri());
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        }
        Answer::Location(location) => {
            let added = location
                .strip_prefix(to.uri())
                .expect("begins with the redirect URI");
            assert!(added.is_ascii() && !added.contains(|c: char| c.is_control() || c == ' '));
            let added = added.trim_start_matches(['?', '&', '#']);
            form_urlencoded::parse(added.as_bytes())
                .into_owned()
                .collect()
        }
    };
    let values = |wanted: &str| -> Vec<&str> {
        let named = fields.iter().filter(|(name, _)| name == wanted);
        named.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(values(name), [value]);
    assert_eq!(values("iss"), [ISSUER]);
    assert_eq!(values("state"), to.state().into_iter().collect::<Vec<_>>());
}

fn first(query: &[u8], wanted: &str) -> String {
    let mut named = form_urlencoded::parse(query).filter(|(name, _)| name == wanted);
    named
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn leads_to_the_application(client: &Client, uri: &str) -> bool {
    let origin = |uri: &str| {
        let url = Url::parse(uri).ok()?;
        let is_here = url.host_str() == Some("127.0.0.1");
        let port = url.port_or_known_default().filter(|_| !is_here);
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), port))
    };
    let leads_to = |registered: &String| origin(registered) == origin(uri);
    origin(uri).is_some() && client.redirect_uris.iter().any(leads_to)
}

fn client(choice: u8) -> Client {
    let app = web_app();
    match choice {
        b'w' => Client {
            redirect_uris: vec!["https://app.example.test/t/*/cb".to_owned()],
            allow_wildcard_in_redirect_uris: true,
            request_scopes_for_multiple_resources: true,
            ..app
        },
        b'p' => Client {
            application_type: ApplicationType::NativeApp,
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            redirect_uris: vec![
                "http://127.0.0.1/cb".to_owned(),
                "com.example.app://cb".to_owned(),
            ],
            ..app
        },
        b'k' => Client {
            application_type: ApplicationType::Worker,
            pkce_enforcement: PkceEnforcement::Required,
            ..app
        },
        b's' => Client {
            application_type: ApplicationType::Service,
            ..app
        },
        b'r' => Client {
            require_signed_request_object: true,
            ..app
        },
        b'd' => Client {
            enabled: false,
            ..app
        },
        _ => app,
    }
}
