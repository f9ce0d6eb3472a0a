//! Policies of sign-on, passwords, devices and notifications.

use serde_json::{Value, json};

use stepgate_store::engine::Engine;

use crate::support::{Answer, Caller, Server};

async fn default_of(caller: &Caller<'_>, path: &str, collection: &str) -> Value {
    let listed = caller.get(path).await;
    let items = listed.body["_embedded"][collection].as_array().unwrap();
    let found: Vec<_> = items
        .iter()
        .filter(|item| item["default"] == true)
        .collect();
    let [default] = found.as_slice() else {
        panic!("{collection}: {found:?}")
    };
    (*default).clone()
}

fn is_refused_with(answer: &Answer, fragment: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    let detail = &answer.body["details"][0];
    assert_eq!(detail["code"], "CONSTRAINT_VIOLATION");
    let message = detail["message"].as_str().unwrap();
    assert!(message.contains(fragment), "{message}");
}

#[tokio::test]
async fn the_default_of_each_kind_stays_in_the_words_that_clients_look_for() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("standing").await;
    for (collection, fragment) in [
        ("signOnPolicies", "delete a default policy"),
        (
            "passwordPolicies",
            "Default Password Policy can not be deleted",
        ),
        (
            "deviceAuthenticationPolicies",
            "remove default device authentication policy",
        ),
        (
            "notificationsPolicies",
            "remove default notifications policy",
        ),
        ("populations", "must contain at least one population"),
    ] {
        let path = format!("/v1/environments/{environment}/{collection}");
        let default = default_of(&admin, &path, collection).await;
        let own = format!("{path}/{}", default["id"].as_str().unwrap());
        is_refused_with(&admin.delete(&own).await, fragment);
        assert_eq!(admin.get(&own).await.status, 200);
    }
}

#[tokio::test]
async fn creating_a_notification_policy_answers_200() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("notifications").await;
    let path = format!("/v1/environments/{environment}/notificationsPolicies");
    let created = admin
        .post(&path, json!({ "name": "Careful", "quotas": [] }))
        .await;
    assert_eq!(created.status, 200, "{created:?}");
    assert_eq!(created.body["countryLimit"], json!({ "type": "NONE" }));
    for channel in ["email", "sms", "voice", "whatsApp"] {
        assert_eq!(
            created.body["cooldownConfiguration"][channel],
            json!({ "enabled": false })
        );
    }
    let location = created.headers["location"].to_str().unwrap();
    assert_eq!(admin.get(location).await.body, created.body);
}

#[tokio::test]
async fn a_password_policy_says_how_many_populations_it_rules() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("passwords").await;
    let base = format!("/v1/environments/{environment}");
    let policies = format!("{base}/passwordPolicies");
    let body = json!({ "name": "Strict", "excludesCommonlyUsed": true,
        "excludesProfileData": true, "notSimilarToCurrent": true });
    let policy = admin.post(&policies, body).await;
    assert_eq!(policy.body.get("populationCount"), None);
    let own = format!("{policies}/{}", policy.id());
    let mut populations = Vec::new();
    for name in ["Staff", "Guests"] {
        let body = json!({ "name": name, "passwordPolicy": { "id": policy.id() } });
        let population = admin.post(&format!("{base}/populations"), body).await;
        populations.push(format!("{base}/populations/{}", population.id()));
    }
    assert_eq!(admin.get(&own).await.body["populationCount"], 2);
    is_refused_with(&admin.delete(&own).await, "in use");
    // A replacement that leaves it out goes back to the environment's default.
    for (population, name) in populations.iter().zip(["Staff", "Guests"]) {
        let replaced = admin.put(population, json!({ "name": name })).await;
        assert!(replaced.body.get("passwordPolicy").is_none());
    }
    let listed = admin.get(&policies).await;
    let counts = listed.body["_embedded"]["passwordPolicies"]
        .as_array()
        .unwrap();
    let none_counts = |policy: &Value| policy.get("populationCount").is_none();
    assert!(counts.iter().all(none_counts));
    assert_eq!(admin.delete(&own).await.status, 204);
}

#[tokio::test]
async fn the_last_action_stays_and_a_bare_login_may_take_its_place() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("actions").await;
    let path = format!("/v1/environments/{environment}/signOnPolicies");
    let policy = admin.post(&path, json!({ "name": "Step_Up" })).await.id();
    let actions = format!("{path}/{policy}/actions");
    let mfa = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1 });
    let mfa = admin.post(&actions, mfa).await;
    assert_eq!(mfa.body["noDevicesMode"], "BLOCK");
    assert_eq!(mfa.body["signOnPolicy"]["id"], policy.as_str());
    let own = format!("{actions}/{}", mfa.id());
    is_refused_with(
        &admin.delete(&own).await,
        "Cannot delete last action from the policy",
    );
    // What the Terraform provider then does, with the same priority.
    let login = json!({ "priority": 1, "type": "LOGIN" });
    assert_eq!(admin.post(&actions, login).await.status, 201);
    assert_eq!(admin.delete(&own).await.status, 204);
}

#[tokio::test]
async fn actions_are_listed_by_priority_then_age_and_keep_what_was_sent() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("order").await;
    let path = format!("/v1/environments/{environment}/signOnPolicies");
    let policy = admin.post(&path, json!({ "name": "Step_Up" })).await.id();
    let actions = format!("{path}/{policy}/actions");
    let registration = json!({ "enabled": false, "confirmIdentityProviderAttributes": false });
    let condition = json!({ "or": [
        { "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}", "greater": 5400 },
        { "not": { "contains": "${flow.request.http.remoteIp}", "ipRange": ["10.20.0.0/16"] } } ] });
    let mut made = Vec::new();
    for body in [
        json!({ "type": "LOGIN", "priority": 3, "registration": registration,
            "enforceLockoutForIdentityProviders": false }),
        json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 2, "condition": condition }),
        json!({ "type": "LOGIN", "priority": 2 }),
    ] {
        let created = admin.post(&actions, body).await;
        assert_eq!(created.status, 201, "{created:?}");
        made.push(created);
    }
    assert_eq!(made[0].body["registration"], registration);
    assert_eq!(made[0].body["enforceLockoutForIdentityProviders"], false);
    assert_eq!(made[1].body["condition"], condition);
    let listed = admin.get(&actions).await;
    let order: Vec<_> = listed.body["_embedded"]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(order, [made[1].id(), made[2].id(), made[0].id()]);
    let other = json!({ "type": "LOGIN", "priority": 2 });
    let refused = admin
        .put(&format!("{actions}/{}", made[1].id()), other)
        .await;
    assert_eq!(refused.details(), [("INVALID_VALUE".into(), "type".into())]);
}

#[tokio::test]
async fn a_notification_policy_stays_while_a_device_policy_names_it() {
    let server = Server::without_senders().await;
    let named = json!({ "name": "Named", "quotas": [] });
    let named = server.post("notificationsPolicies", named).await.json(200);
    let own = format!("notificationsPolicies/{}", named["id"].as_str().unwrap());
    let naming = json!({ "name": "Naming", "notificationsPolicy": { "id": named["id"] } });
    let naming = server.create("deviceAuthenticationPolicies", naming).await;
    let refused = server.delete(&own).await.refused(400, "INVALID_DATA");
    assert_eq!(refused[0].0, "CONSTRAINT_VIOLATION");
    assert_eq!(server.get(&own).await.status, 200);

    let path = format!(
        "deviceAuthenticationPolicies/{}",
        naming["id"].as_str().unwrap()
    );
    server
        .put(&path, json!({ "name": "Naming" }))
        .await
        .json(200);
    assert_eq!(server.delete(&own).await.status, 204);
}

#[tokio::test]
async fn a_condition_that_asks_for_what_is_not_there_is_refused() {
    let server = Server::without_senders().await;
    let policy = server
        .create("signOnPolicies", json!({ "name": "Asking" }))
        .await;
    let path = format!("signOnPolicies/{}/actions", policy["id"].as_str().unwrap());
    let asking = |condition: Value| {
        let action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 2,
            "condition": condition });
        server.post(&path, action)
    };
    for condition in [
        json!({ "value": "${user.nope}", "equals": "x" }),
        json!({ "value": "${user.address}", "equals": "x" }),
        json!({ "value": "${user.memberOfGroupIDs}", "equals": "x" }),
        json!({ "or": [] }),
        json!({ "not": { "and": [] } }),
    ] {
        let answer = asking(condition).await;
        answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "condition");
    }
    let known = json!({ "value": "${user.address.countryCode}", "equals": "NO" });
    assert_eq!(asking(known).await.status, 201);
}

#[tokio::test]
async fn a_sign_on_policy_goes_with_its_assignments() {
    let server = Server::start().await;
    let policy = server.sign_on_policy("Step_Up", &[]).await;
    let mut applications = Vec::new();
    for name in ["shop", "stock"] {
        let client = server.create_application(name, json!({})).await;
        server.assign(&client.id, &policy).await;
        applications.push(client.id);
    }
    let default = default_of(&server.admin(), &server_path(&server), "signOnPolicies").await;
    server
        .assign(&applications[0], default["id"].as_str().unwrap())
        .await;
    let path = format!("signOnPolicies/{policy}");
    server.delete(&path).await.json(204);
    server.get(&path).await.refused(404, "NOT_FOUND");
    for (application, left) in applications.iter().zip([1, 0]) {
        let path = format!("applications/{application}/signOnPolicyAssignments");
        let all = server.get(&path).await.json(200);
        assert_eq!((&all["size"], &all["count"]), (&json!(left), &json!(left)));
    }
    let sql = "SELECT count(*) FROM audit_event WHERE action = 'SIGN_ON_POLICY_ASSIGNMENT.DELETED'";
    let rows = server.engine.query(sql.into(), Vec::new()).await.unwrap();
    assert_eq!(rows[0].integer(0).unwrap(), 2);
    // The default is still wanted, by its assignment too.
    let default = format!("signOnPolicies/{}", default["id"].as_str().unwrap());
    is_refused_with(&server.delete(&default).await, "delete a default policy");
}

fn server_path(server: &Server) -> String {
    format!("/v1/environments/{}/signOnPolicies", server.environment)
}
