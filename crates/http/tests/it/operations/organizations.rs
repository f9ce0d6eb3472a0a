//! Organizations, licences and roles: what clients look up before anything else.

use serde_json::json;

use crate::support::{Answer, NOBODY, Server};

#[tokio::test]
async fn another_organization_is_forbidden_whether_it_exists_or_not() {
    let server = Server::start().await;
    let admin = server.admin();
    for path in ["", "/licenses"] {
        let answer = admin
            .get(&format!("/v1/organizations/{NOBODY}{path}"))
            .await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert_eq!(answer.body["code"], "ACCESS_FAILED");
        assert_eq!(
            answer.body["message"],
            "The request could not be completed. You do not have access to this resource."
        );
        assert!(answer.body["id"].is_string());
    }
}

#[tokio::test]
async fn a_license_says_how_many_environments_it_serves_and_bears_a_name() {
    let server = Server::start().await;
    let admin = server.admin();
    let organizations = admin.get("/v1/organizations").await;
    let organization = &organizations.body["_embedded"]["organizations"][0];
    assert_eq!(
        organization["billingConnections"].as_array().unwrap().len(),
        1
    );
    let path = format!(
        "/v1/organizations/{}/licenses",
        organization["id"].as_str().unwrap()
    );
    let license = format!("{path}/{}", server.installation.license);
    assert_eq!(
        admin.get(&license).await.body["assignedEnvironmentsCount"],
        0
    );
    admin.environment("first").await;
    admin.environment("second").await;
    let listed = admin.get(&path).await;
    let counts: Vec<_> = listed.body["_embedded"]["licenses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|license| {
            (
                license["name"].as_str(),
                &license["assignedEnvironmentsCount"],
            )
        })
        .collect();
    assert!(
        counts.contains(&(Some("INTERNAL"), &json!(2))),
        "{counts:?}"
    );
    assert!(counts.contains(&(Some("ADMIN"), &json!(1))), "{counts:?}");

    let name = format!("{license}/name");
    assert_eq!(admin.get(&name).await.body["name"], "INTERNAL");
    let renamed = admin.put(&name, json!({ "name": "Office" })).await;
    assert_eq!(
        (renamed.status, &renamed.body["name"]),
        (200, &json!("Office"))
    );
    assert_eq!(admin.get(&license).await.body["name"], "Office");
    let refused = admin.put(&name, json!({ "name": "<b>" })).await;
    assert_eq!(refused.details(), [("INVALID_VALUE".into(), "name".into())]);
}

#[tokio::test]
async fn the_first_questions_of_the_terraform_provider_are_answered() {
    let server = Server::start().await;
    let admin = server.admin();
    let organizations = admin.get("/v1/organizations").await;
    let id = organizations.body["_embedded"]["organizations"][0]["id"]
        .as_str()
        .unwrap();
    let filtered = async |filter: &str| {
        let path = format!("/v1/organizations/{id}/licenses");
        let answer = admin.find(&path, filter).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let items = answer.body["_embedded"]["licenses"].as_array().unwrap();
        assert_eq!(answer.body["size"], items.len());
        items.len()
    };
    let none = r#"(status eq "active") and (beginsAt lt "2006-01-02T15:04:05")"#;
    assert_eq!(filtered(none).await, 0);
    let both = r#"(status eq "active") and (beginsAt lt "2106-01-02T15:04:05")"#;
    assert_eq!(filtered(both).await, 2);
}

#[tokio::test]
async fn roles_are_found_by_name_and_there_are_no_custom_ones() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("roles").await;
    let roles = admin.get("/v1/roles").await;
    let roles = roles.body["_embedded"]["roles"].as_array().unwrap();
    for name in [
        "Organization Admin",
        "Environment Admin",
        "Identity Data Admin",
        "Client Application Developer",
        "Application Owner",
        "Identity Data Read Only",
        "Configuration Read Only",
    ] {
        let found: Vec<_> = roles.iter().filter(|role| role["name"] == name).collect();
        let [role] = found.as_slice() else {
            panic!("{name}: {found:?}")
        };
        assert!(
            !role["permissions"].as_array().unwrap().is_empty(),
            "{name}"
        );
        assert!(role["applicableTo"].is_array() && role["canAssign"].is_array());
        let id = role["id"].as_str().unwrap();
        for base in [String::new(), format!("/environments/{environment}")] {
            let read = admin.get(&format!("/v1{base}/roles/{id}")).await;
            assert_eq!(read.body["name"], name, "{read:?}");
        }
    }
    let of_type = async |name: &str| {
        let path = format!("/v1/environments/{environment}/roles");
        admin.find(&path, &format!("type eq \"{name}\"")).await
    };
    assert_eq!(of_type("CUSTOM").await.body["size"], 0);
    assert_eq!(of_type("platform").await.body["size"], 9);
    let bad = admin
        .get(&format!(
            "/v1/environments/{environment}/roles?filter=name+eq+%22x%22"
        ))
        .await;
    assert_eq!(bad.details(), [("INVALID_FILTER".into(), "filter".into())]);
}

#[tokio::test]
async fn licenses_are_filtered_by_points_in_time_only() {
    let server = Server::start().await;
    let admin = server.admin();
    let organizations = admin.get("/v1/organizations").await;
    let path = format!(
        "/v1/organizations/{}/licenses",
        organizations.body["_embedded"]["organizations"][0]["id"]
            .as_str()
            .unwrap()
    );
    let filtered = async |time: &str| {
        admin
            .get(&format!("{path}?filter=beginsAt%20gt%20%22{time}%22"))
            .await
    };
    let found = filtered("2000-01-01T00:00:00").await;
    assert_eq!(
        found.body["_embedded"]["licenses"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let none = filtered("2999-01-01T00:00:00Z").await;
    assert_eq!(none.body["_embedded"]["licenses"], json!([]));
    let refused = filtered("x").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["code"], "INVALID_REQUEST");
    assert_eq!(
        refused.details(),
        [("INVALID_FILTER".to_owned(), "filter".to_owned())]
    );
}

#[tokio::test]
async fn the_name_of_an_environment_is_taken_in_the_whole_organization() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("one").await;
    let taken = admin.environment("two").await;
    let path = format!("/v1/environments/{environment}");
    let mut body = admin.get(&path).await.body;
    body["name"] = "Two".into();
    let renamed = admin.put(&path, body).await;
    assert_eq!(renamed.status, 400, "{taken}");
    assert_eq!(renamed.body["details"][0]["code"], "UNIQUENESS_VIOLATION");
    assert_eq!(
        renamed.body["details"][0]["message"],
        "must be unique within the organization"
    );
}

#[tokio::test]
async fn an_environment_is_born_complete_and_dies_at_once() {
    let server = Server::start().await;
    let admin = server.admin();
    let environment = admin.environment("cradle").await;
    let base = format!("/v1/environments/{environment}");
    let names = |answer: Answer, collection: &str| -> Vec<String> {
        let items = answer.body["_embedded"][collection]
            .as_array()
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(
        names(
            admin.get(&format!("{base}/populations")).await,
            "populations"
        ),
        ["Default"]
    );
    assert_eq!(
        names(admin.get(&format!("{base}/resources")).await, "resources"),
        ["openid", "PingOne API"]
    );
    assert_eq!(
        names(
            admin.get(&format!("{base}/signOnPolicies")).await,
            "signOnPolicies"
        ),
        ["Single_Factor", "Multi_Factor"]
    );
    for collection in [
        "passwordPolicies",
        "deviceAuthenticationPolicies",
        "notificationsPolicies",
    ] {
        let listed = admin.get(&format!("{base}/{collection}")).await;
        let items = listed.body["_embedded"][collection].as_array().unwrap();
        assert_eq!(
            items.iter().filter(|item| item["default"] == true).count(),
            1,
            "{collection}"
        );
    }
    assert_eq!(admin.delete(&base).await.status, 204);
    assert_eq!(admin.get(&base).await.status, 404);
    let gone = admin.get(&format!("{base}/populations")).await;
    assert_eq!(
        gone.body["message"],
        format!("Unable to find environment with ID: '{environment}'")
    );
}

#[tokio::test]
async fn an_environment_is_in_the_region_of_its_installation() {
    let server = Server::start().await;
    let elsewhere = json!({ "name": "elsewhere", "type": "SANDBOX", "region": "EU",
        "billOfMaterials": { "products": [{ "type": "PING_ONE_MFA", "tags": ["DAVINCI_MINIMAL"] }] } });
    let refused = server.post("/v1/environments", elsewhere).await;
    let targets: Vec<_> = refused
        .refused(400, "INVALID_DATA")
        .into_iter()
        .map(|(_, target)| target)
        .collect();
    assert_eq!(targets, ["region", "billOfMaterials.products[0].tags"]);
    let inner = &refused.body["details"][0]["innerError"];
    assert_eq!(inner, &json!({ "allowedValues": ["NA"] }));
    let unsaid = json!({ "name": "here", "type": "SANDBOX" });
    let made = server.post("/v1/environments", unsaid).await.json(201);
    assert_eq!(made["region"], "NA");
}

#[tokio::test]
async fn a_license_ends_at_a_time_and_a_billing_connection_has_a_plain_id() {
    let server = Server::start().await;
    let organizations = server.get("/v1/organizations").await.json(200);
    let organization = &organizations["_embedded"]["organizations"][0];
    let connection = organization["billingConnections"][0]["id"]
        .as_str()
        .unwrap();
    assert_eq!(connection.len(), 32);
    assert!(
        connection.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{connection}"
    );
    let id = organization["id"].as_str().unwrap();
    let licenses = server
        .get(&format!("/v1/organizations/{id}/licenses"))
        .await;
    let licenses = licenses.json(200);
    for license in licenses["_embedded"]["licenses"].as_array().unwrap() {
        assert_eq!(license["expiresAt"], "2099-12-31T23:59:59.999Z");
    }
}

#[tokio::test]
async fn every_predefined_scope_says_what_it_is_for() {
    let server = Server::start().await;
    let resources = server.get("resources").await.json(200);
    for resource in resources["_embedded"]["resources"].as_array().unwrap() {
        let path = format!("resources/{}/scopes", resource["id"].as_str().unwrap());
        let scopes = server.get(&path).await.json(200);
        for scope in scopes["_embedded"]["scopes"].as_array().unwrap() {
            let description = scope["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{scope}");
        }
    }
}
