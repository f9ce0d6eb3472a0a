//! Who reaches which users, and changes that come at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use stepgate_domain::access::Role;

use crate::{
    identity::users::path,
    support::{Server, ids},
};

#[tokio::test(flavor = "multi_thread")]
async fn if_match_names_the_version_that_is_changed() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let old = server.get(&user).await.etag();
    server
        .put(&format!("{user}/enabled"), json!({ "enabled": true }))
        .await
        .json(200);
    let new = server.get(&user).await.etag();
    assert_ne!(old, new);
    let body = Some(json!({ "mfaEnabled": true }));
    let path = format!("{user}/mfaEnabled");
    let stale = server
        .send("PUT", &path, &[("if-match", &old)], body.clone())
        .await;
    stale.refused(412, "PRECONDITION_FAILED");
    server
        .send("PUT", &path, &[("if-match", &new)], body)
        .await
        .json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_changes_of_one_user_all_happen() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let version = |etag: String| etag.trim_matches('"').parse::<u32>().unwrap();
    let before = version(server.get(&user).await.etag());
    let changes = (0..32).map(|number| {
        let (server, path) = (&server, format!("{user}/mfaEnabled"));
        async move {
            server
                .put(&path, json!({ "mfaEnabled": number % 2 == 0 }))
                .await
        }
    });
    for answer in join_all(changes).await {
        answer.json(200);
    }
    assert_eq!(version(server.get(&user).await.etag()), before + 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_a_population_reaches_its_users_only() {
    let server = Server::delivering().await;
    let (staff, outside) = (
        server.population("Staff").await,
        server.default_population().await,
    );
    let stranger = server.user("stranger").await;
    let role = Role::IdentityDataAdmin.id();
    let admin = server.worker_with(role, "POPULATION", &staff).await;
    let post = |path: &str, body: Value| {
        let (server, admin, path) = (&server, &admin, path.to_owned());
        async move { server.by(admin, "POST", &path, Some(body)).await }
    };
    let body = json!({ "username": "mine", "population": { "id": staff } });
    let mine = post("/users", body).await.json(201);
    let mine = path(&mine, "");
    let body = json!({ "username": "other", "population": { "id": outside } });
    post("/users", body).await.refused(403, "ACCESS_FAILED");
    // Without a population it would be the default one's.
    post("/users", json!({ "username": "other" }))
        .await
        .refused(403, "ACCESS_FAILED");

    let all = server.by(&admin, "GET", "/users", None).await.json(200);
    assert_eq!(ids(&all, "users"), [mine.strip_prefix("/users/").unwrap()]);
    assert_eq!(all["count"], 1);
    let phone = json!({ "type": "SMS", "phone": "+47.40612345" });
    post(&format!("{mine}/devices"), phone.clone())
        .await
        .json(201);
    for below in ["", "/enabled", "/password", "/devices"] {
        let path = format!("{stranger}{below}");
        server
            .by(&admin, "GET", &path, None)
            .await
            .refused(404, "NOT_FOUND");
    }
    post(&format!("{stranger}/devices"), phone)
        .await
        .refused(404, "NOT_FOUND");
    post(
        &format!("{stranger}/password"),
        json!({ "value": "Correct-Horse-1" }),
    )
    .await
    .refused(404, "NOT_FOUND");
    server
        .by(&admin, "DELETE", &stranger, None)
        .await
        .refused(404, "NOT_FOUND");
    let away = server
        .by(
            &admin,
            "PUT",
            &format!("{mine}/population"),
            Some(json!({ "id": outside })),
        )
        .await;
    away.refused(403, "ACCESS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_environments_and_lesser_roles_reach_nothing() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let elsewhere = server.new_environment("Elsewhere").await;
    let foreign = format!("/v1/environments/{elsewhere}{user}");
    for below in ["", "/enabled", "/devices", "/password"] {
        server
            .get(&format!("{foreign}{below}"))
            .await
            .refused(404, "NOT_FOUND");
    }
    let environment = server.environment.to_string();
    let reader = Role::IdentityDataReadOnly.id();
    let reader = server
        .worker_with(reader, "ENVIRONMENT", &environment)
        .await;
    server.by(&reader, "GET", &user, None).await.json(200);
    server
        .by(&reader, "DELETE", &user, None)
        .await
        .refused(403, "ACCESS_FAILED");
    let developer = Role::ClientApplicationDeveloper.id();
    let developer = server
        .worker_with(developer, "ENVIRONMENT", &environment)
        .await;
    for path in [
        user.clone(),
        format!("{user}/password"),
        format!("{user}/devices"),
    ] {
        server
            .by(&developer, "GET", &path, None)
            .await
            .refused(403, "ACCESS_FAILED");
    }
    let path = format!("/v1/environments/{elsewhere}/users");
    server
        .by(&reader, "GET", &path, None)
        .await
        .refused(404, "NOT_FOUND");
    server
        .get("/users/not-an-id")
        .await
        .refused(404, "NOT_FOUND");
    server
        .by("garbled", "GET", &user, None)
        .await
        .refused(401, "ACCESS_FAILED");
}
