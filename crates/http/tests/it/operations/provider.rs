//! The sequences that the Terraform provider and the Go SDK send.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{Answer, Caller, Server, send};

async fn vendor(caller: &Caller<'_>, path: &str, name: &str, body: Option<Value>) -> Answer {
    let media_type = format!("application/vnd.pingidentity.{name}");
    let request = caller
        .request(Method::POST, path)
        .header("accept", "application/json")
        .header("content-type", media_type)
        .body(body.map(|body| body.to_string()).unwrap_or_default());
    send(request).await
}

#[tokio::test]
async fn a_user_is_created_and_updated_as_the_provider_does_it() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("provider").await;
    let base = format!("/v1/environments/{environment}");
    let populations = admin.get(&format!("{base}/populations")).await;
    let population = populations.body["_embedded"]["populations"][0]["id"].clone();
    let body = json!({
        "username": "nia.berg", "email": "nia.berg@corp.example", "population": { "id": population },
        "account": { "canAuthenticate": true, "status": "OK" },
        "lifecycle": { "status": "ACCOUNT_OK" },
    });
    let imported = vendor(
        &admin,
        &format!("{base}/users"),
        "user.import+json",
        Some(body),
    )
    .await;
    assert_eq!(imported.status, 201, "{imported:?}");
    let user = format!("{base}/users/{}", imported.id());
    let enabled = admin
        .put(&format!("{user}/enabled"), json!({ "enabled": true }))
        .await;
    assert_eq!(
        (enabled.status, &enabled.body["enabled"]),
        (200, &json!(true))
    );
    let mfa = admin
        .put(&format!("{user}/mfaEnabled"), json!({ "mfaEnabled": true }))
        .await;
    assert_eq!(mfa.status, 200);
    let locked = vendor(&admin, &user, "account.lock+json", None).await;
    assert_eq!(locked.status, 200, "{locked:?}");
    let read = admin.get(&user).await;
    assert_eq!(
        (
            &read.body["account"]["status"],
            &read.body["account"]["canAuthenticate"]
        ),
        (&json!("LOCKED"), &json!(false))
    );

    // The population is sent with every update, and so is an unlock.
    let moved = admin
        .put(&format!("{user}/population"), json!({ "id": population }))
        .await;
    assert_eq!((moved.status, &moved.body["id"]), (200, &population));
    let body = json!({ "username": "nia.berg", "email": "nia@corp.example",
        "population": { "id": population }, "account": { "canAuthenticate": true, "status": "OK" } });
    assert_eq!(admin.put(&user, body).await.status, 200);
    for _ in 0..2 {
        let unlocked = vendor(&admin, &user, "account.unlock+json", None).await;
        assert_eq!(
            (unlocked.status, &unlocked.body["account"]["status"]),
            (200, &json!("OK"))
        );
    }
    let read = admin.get(&user).await;
    for member in ["id", "enabled", "mfaEnabled", "verifyStatus"] {
        assert!(read.body.get(member).is_some(), "{member}");
    }
    for place in [
        "/environment/id",
        "/population/id",
        "/account/canAuthenticate",
        "/account/status",
        "/identityProvider/type",
        "/lifecycle/status",
    ] {
        assert!(read.body.pointer(place).is_some(), "{place}");
    }
    assert_eq!(admin.delete(&user).await.status, 204);
    assert_eq!(admin.get(&user).await.status, 404);
}

#[tokio::test]
async fn an_environment_is_created_found_and_destroyed_as_the_provider_does_it() {
    let server = Server::start().await;
    let admin = server.admin();
    let products: Vec<_> = [
        "PING_ONE_BASE",
        "PING_ONE_MFA",
        "PING_ONE_RISK",
        "PING_ONE_VERIFY",
        "PING_ONE_CREDENTIALS",
        "PING_ONE_AUTHORIZE",
    ]
    .into_iter()
    .map(|name| json!({ "type": name }))
    .chain([json!({ "type": "PING_ONE_DAVINCI", "tags": ["DAVINCI_MINIMAL"] })])
    .collect();
    let body = json!({ "name": "dev-local", "description": "scratch", "type": "PRODUCTION", "region": "NA",
        "license": { "id": server.installation.license.to_string() },
        "billOfMaterials": { "products": products } });
    server.advance(Duration::from_seconds(1));
    let created = admin.post("/v1/environments", body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let echoed = created.body["billOfMaterials"]["products"]
        .as_array()
        .unwrap();
    let types: Vec<_> = echoed.iter().map(|product| &product["type"]).collect();
    let sent: Vec<_> = products.iter().map(|product| &product["type"]).collect();
    assert_eq!(types, sent);
    assert_eq!(echoed[6]["tags"], json!(["DAVINCI_MINIMAL"]));

    let own = format!("/v1/environments/{}", created.id());
    let read = admin.get(&own).await;
    assert!(read.body.get("billOfMaterials").is_none());
    let filter = format!(
        "name sw \"dev-\" and license.id eq \"{}\"",
        server.installation.license
    );
    let found = admin.find("/v1/environments", &filter).await;
    let [item] = found.body["_embedded"]["environments"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("{found:?}")
    };
    assert_eq!(item, &read.body);
    let expanded = admin
        .get("/v1/environments?expand=billOfMaterials&order=-createdAt&limit=1")
        .await;
    let newest = &expanded.body["_embedded"]["environments"][0];
    assert_eq!(newest["id"], read.body["id"]);
    assert!(newest["billOfMaterials"]["products"].is_array());
    assert!(expanded.body["_links"]["next"]["href"].is_string());

    // The type of a body is not how it changes, and a description that is left out goes.
    let body = json!({ "name": "dev-local", "type": "SANDBOX", "region": "NA" });
    let replaced = admin.put(&own, body).await;
    assert_eq!(replaced.body["type"], "PRODUCTION");
    assert!(replaced.body.get("description").is_none());
    let pending = admin
        .put(
            &format!("{own}/status"),
            json!({ "status": "DELETE_PENDING" }),
        )
        .await;
    assert_eq!(
        (pending.status, &pending.body["status"]),
        (200, &json!("DELETE_PENDING"))
    );
    assert!(pending.body["softDeletedAt"].is_string());
    let active = admin
        .put(&format!("{own}/status"), json!({ "status": "ACTIVE" }))
        .await;
    assert!(active.body.get("softDeletedAt").is_none());
    admin
        .put(&format!("{own}/type"), json!({ "type": "SANDBOX" }))
        .await;
    assert_eq!(admin.delete(&own).await.status, 204);
    for _ in 0..2 {
        let gone = admin.get(&own).await;
        assert_eq!(gone.status, 404);
        assert_eq!(
            gone.body["message"],
            format!("Unable to find environment with ID: '{}'", created.id())
        );
    }
}

#[tokio::test]
async fn the_default_population_is_there_and_is_put_back_by_name() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("population").await;
    let path = format!("/v1/environments/{environment}/populations");
    let listed = admin.get(&path).await;
    let [default] = listed.body["_embedded"]["populations"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("{listed:?}")
    };
    assert_eq!(default["default"], true);
    assert_eq!(default["userCount"], 0);
    let own = format!("{path}/{}", default["id"].as_str().unwrap());
    let renamed = json!({ "name": "People", "default": true });
    let renamed = admin.put(&own, renamed).await;
    assert!(renamed.body.get("description").is_none());
    let back = json!({ "name": "Default", "description": "Automatically created population.", "default": true });
    let back = admin.put(&own, back).await;
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(back.body["description"], default["description"]);
    let second = admin.post(&path, json!({ "name": "Default" })).await;
    assert_eq!(
        second.details(),
        [("UNIQUENESS_VIOLATION".into(), "name".into())]
    );
}

#[tokio::test]
async fn answers_have_the_type_and_the_headers_that_clients_rely_on() {
    let server = Server::start().await;
    let admin = server.admin();
    let plain = send(
        admin
            .request(Method::GET, "/v1/environments")
            .header("accept", "application/json"),
    )
    .await;
    assert_eq!(
        plain.headers["content-type"],
        "application/json;charset=UTF-8"
    );
    let hal = admin.get("/v1/environments").await;
    assert_eq!(
        hal.headers["content-type"],
        "application/hal+json;charset=UTF-8"
    );
    assert_eq!(hal.headers["expires"], "0");
    assert_eq!(hal.headers["pragma"], "no-cache");
    assert_eq!(
        hal.headers["cache-control"],
        "no-cache, no-store, max-age=0, must-revalidate"
    );
    let refused = server.nobody().get("/v1/environments").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["correlation-id"], refused.id().as_str());
    assert_eq!(refused.body["details"][0]["code"], "INVALID_TOKEN");
}
