use reqwest::{Method, header};

use crate::support::{Server, send};

#[tokio::test]
async fn the_metadata_are_the_same_at_all_places_and_may_be_kept() {
    let server = Server::start().await;
    let environment = server.environment;
    let mut documents = Vec::new();
    for path in [
        format!("/{environment}/as/.well-known/openid-configuration"),
        format!("/{environment}/as/.well-known/oauth-authorization-server"),
        format!("/.well-known/oauth-authorization-server/{environment}/as"),
    ] {
        let response = send(server.request(Method::GET, &path)).await;
        assert_eq!(
            response.headers[header::CACHE_CONTROL],
            "public, max-age=600"
        );
        assert!(!response.headers.contains_key(header::PRAGMA));
        assert_eq!(response.headers[header::CONTENT_TYPE], "application/json");
        documents.push(response.json(200));
    }
    let [first, others @ ..] = documents.as_slice() else {
        panic!("no document")
    };
    assert!(others.iter().all(|other| other == first));
    let written = serde_json::to_string_pretty(first).unwrap();
    insta::assert_snapshot!(written.replace(&server.issuer(), "{issuer}"));
}

#[tokio::test]
async fn the_keys_are_published_without_their_private_half() {
    let server = Server::start().await;
    let response = send(server.at(Method::GET, "as/jwks")).await;
    assert_eq!(
        response.headers[header::CACHE_CONTROL],
        "public, max-age=600"
    );
    let body = response.json(200);
    let [key] = body["keys"].as_array().unwrap().as_slice() else {
        panic!("{body}")
    };
    let members: Vec<_> = key.as_object().unwrap().keys().collect();
    assert_eq!(members, ["kty", "e", "use", "kid", "alg", "n"]);
}

#[tokio::test]
async fn an_unknown_environment_has_neither_keys_nor_metadata() {
    let server = Server::start().await;
    for endpoint in ["jwks", ".well-known/openid-configuration", "userinfo"] {
        for environment in ["9e0a1111-2222-4333-8444-555566667777", "me"] {
            let path = format!("/{environment}/as/{endpoint}");
            let response = send(server.request(Method::GET, &path)).await;
            let body = response.json(404);
            assert_eq!(body["code"], "NOT_FOUND");
        }
    }
}
