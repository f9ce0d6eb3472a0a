//! No input gets a 5xx: random requests to every operation.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};
use stepgate_http::{
    api::{Operation, Takes},
    routes::operations,
};

use crate::support::{Caller, Server, send};

const REQUESTS_PER_OPERATION: usize = 24;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        Just(json!("00000000-0000-4000-8000-000000000001")),
        Just(json!("2026-01-31T12:00:00.000Z")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((member(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names that mean something to some type.
fn member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "name",
        "id",
        "type",
        "enabled",
        "protocol",
        "grantTypes",
        "scopes",
        "resource",
        "username",
        "email",
        "phone",
        "population",
        "priority",
        "signOnPolicy",
        "status",
        "default",
        "sms",
        "otp",
        "device",
        "value",
        "previous",
        "expiresAt",
        "role",
        "scope",
        "order",
        "nickname",
        "lifeTime",
        "condition",
        "length",
        "description",
        "password",
        "address",
        "mfaEnabled",
        "unlockAt",
        "products",
        "token",
        "x",
    ])
    .prop_map(str::to_owned)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => json_value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => Just(Vec::new()),
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "\\PC{0,30}",
        "(filter|limit|cursor|order|expand|include|flowId|client_id|scope|login_hint_token|response_type|to)=\\PC{0,30}",
    ]
}

fn id(known: &[String]) -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(known.to_vec()),
        Just("00000000-0000-4000-8000-000000000001".to_owned()),
        "[a-zA-Z0-9 %._~-]{1,40}".prop_map(|text| text.replace('%', "%25")),
    ]
}

async fn ids(caller: &Caller<'_>, environment: &str) -> Vec<String> {
    let mut known = vec![environment.to_owned(), environment.to_owned()];
    for collection in [
        "populations",
        "resources",
        "signOnPolicies",
        "deviceAuthenticationPolicies",
    ] {
        let listed = caller
            .get(&format!("/v1/environments/{environment}/{collection}"))
            .await;
        let items = listed.body["_embedded"][collection]
            .as_array()
            .cloned()
            .unwrap_or_default();
        known.extend(
            items
                .iter()
                .filter_map(|item| item["id"].as_str().map(str::to_owned)),
        );
    }
    known
}

fn content_type(operation: &Operation) -> Option<String> {
    match operation.takes {
        Takes::Nothing => None,
        Takes::Json | Takes::Vendor(_) | Takes::Form | Takes::FormOrNothing => {
            operation.takes.media_type()
        }
    }
}

#[tokio::test]
async fn no_input_is_a_fault_of_the_server() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("robust").await;
    let known = ids(&admin, &environment).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[41; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for operation in operations().operations {
        // The environment is needed until the end.
        let ends_it = operation.method == Method::DELETE
            && operation.path == "/v1/environments/{environmentID}";
        for round in 0..REQUESTS_PER_OPERATION {
            let mut sample = |strategy: &dyn Fn(&mut TestRunner) -> String| strategy(&mut runner);
            let path: Vec<String> = operation
                .path
                .split('/')
                .map(|segment| {
                    if segment == "{environmentID}" && ends_it {
                        "00000000-0000-4000-8000-000000000001".to_owned()
                    } else if segment == "{environmentID}" && round % 4 != 0 {
                        environment.clone()
                    } else if segment.starts_with('{') {
                        sample(&|runner| id(&known).new_tree(runner).unwrap().current())
                    } else {
                        segment.to_owned()
                    }
                })
                .collect();
            let body = body().new_tree(&mut runner).unwrap().current();
            let query = query().new_tree(&mut runner).unwrap().current();
            let encoded: String = url_encoded(&query);
            let url = format!("{}?{encoded}", path.join("/"));
            let mut request = admin
                .request(operation.method.as_str().parse().unwrap(), &url)
                .body(body.clone());
            if let Some(media_type) = content_type(&operation) {
                request = request.header("content-type", media_type);
            }
            let answer = send(request).await;
            assert!(
                answer.status < 500,
                "{} {url}\n{}\n{answer:?}",
                operation.method,
                String::from_utf8_lossy(&body)
            );
        }
    }
    let alive = admin.get(&format!("/v1/environments/{environment}")).await;
    assert_eq!(
        alive.status, 200,
        "the requests met an environment that is there"
    );
}

/// Keeps `=` and `&`, so that names and values stay what they are.
fn url_encoded(query: &str) -> String {
    query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'=' | b'&' | b'_' | b'.' | b'-' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
