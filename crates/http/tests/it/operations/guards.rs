//! No operation is unguarded, and none is undocumented.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use stepgate_domain::access::{Access, Area, Permission, Role, ScopeType};
use stepgate_http::{
    api::{Guard, Operation, Takes},
    routes::operations,
};

use crate::support::{Caller, Server, send};

/// The path with ids that name nothing, but in this environment.
fn path(operation: &Operation, environment: &str) -> String {
    let segments = operation.path.split('/').map(|segment| match segment {
        "{environmentID}" => environment.to_owned(),
        other if other.starts_with('{') => "00000000-0000-4000-8000-000000000001".to_owned(),
        other => other.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn call(caller: &Caller<'_>, operation: &Operation, environment: &str) -> u16 {
    let method: Method = operation.method.as_str().parse().unwrap();
    let mut request = caller.request(method, &path(operation, environment));
    if let Takes::Vendor(name) = operation.takes {
        request = request.header(
            "content-type",
            format!("application/vnd.pingidentity.{name}+json"),
        );
    } else if operation.takes == Takes::Json {
        request = request.json(&json!({}));
    }
    send(request).await.status
}

/// Operations that anybody may call: each is known by name, so that a new one has to be added here.
fn is_public_on_purpose(operation: &Operation) -> bool {
    let path = operation.path.as_str();
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/stepgate.css",
        "/as/authorize",
        "/as/resume",
        "/as/token",
        "/as/introspect",
        "/as/userinfo",
        "/as/jwks",
        "/as/.well-known/openid-configuration",
    ]
    .contains(&path)
        || path.starts_with("/inbox")
        || path.starts_with("/.well-known/")
        || path.starts_with("/{environmentID}/")
}

#[tokio::test]
async fn every_management_operation_wants_a_token() {
    let server = Server::start().await;
    let environment = server.installation.environment.to_string();
    let liar = Caller {
        server: &server,
        token: "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    };
    for operation in operations().operations {
        if operation.guard == Guard::Public {
            assert!(is_public_on_purpose(&operation), "{operation:?} is public");
            continue;
        }
        assert!(operation.path.starts_with("/v1/"), "{operation:?}");
        for caller in [&server.nobody(), &liar] {
            let status = call(caller, &operation, &environment).await;
            assert_eq!(status, 401, "{operation:?}");
        }
    }
}

#[tokio::test]
async fn every_permission_is_asked_for() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("guards").await;
    let elsewhere = admin.environment("elsewhere").await;
    let in_environment = (ScopeType::Environment, environment.as_str());
    let reader = admin
        .worker(&environment, Role::IdentityDataReadOnly, in_environment)
        .await;
    let configurer = admin
        .worker(&environment, Role::ConfigurationReadOnly, in_environment)
        .await;
    for operation in operations().operations {
        let Guard::Permission(permission) = operation.guard else {
            continue;
        };
        if !operation.path.contains("{environmentID}") {
            continue;
        }
        for (caller, role) in [
            (&reader, Role::IdentityDataReadOnly),
            (&configurer, Role::ConfigurationReadOnly),
        ] {
            let here = call(caller, &operation, &environment).await;
            assert_eq!(
                here == 403,
                !role.holds(permission),
                "{here} {operation:?} as {role:?}"
            );
            let there = call(caller, &operation, &elsewhere).await;
            assert_eq!(there, 404, "{operation:?} in another environment");
        }
    }
}

#[test]
fn every_permission_is_held_by_some_role() {
    for operation in operations().operations {
        if let Guard::Permission(permission) = operation.guard {
            assert!(
                Role::ALL.iter().any(|role| role.holds(permission)),
                "{operation:?}"
            );
        }
    }
    let secrets = Permission {
        area: Area::User,
        access: Access::Secret,
    };
    assert!(Role::ALL.iter().all(|role| !role.holds(secrets)));
}

#[tokio::test]
async fn every_operation_that_can_succeed_is_documented_and_no_other() {
    let server = Server::start().await;
    let document = server.nobody().get("/openapi.json").await.body;
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|summary| !summary.is_empty()),
                "{method} {path}"
            );
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let listed: BTreeSet<String> = operations()
        .operations
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    assert_eq!(described, listed);
    for operation in operations().operations {
        let Some(media_type) = operation.takes.media_type() else {
            continue;
        };
        let method = operation.method.as_str().to_lowercase();
        let content = &document["paths"][&operation.path][method]["requestBody"]["content"];
        let is_documented = content.get(&media_type).is_some();
        assert_eq!(is_documented, operation.is_offered(), "{operation:?}");
    }
}
