//! Every write of the API, tried by everybody who administers less, against a user and an application
//! that hold Organization Admin. The list of operations says what there is to try; what to send with
//! each stands here, so that an operation which nobody thought of fails the test.

use std::collections::BTreeMap;

use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::{
    access::{Access, Role, ScopeType},
    time::Duration,
};
use stepgate_http::{
    api::{Guard, Operation, Takes},
    routes::operations,
};

use crate::support::{Caller, PHONE, Server, id, send};

/// An environment whose user and application hold Organization Admin, and the ids of all that is there.
struct World {
    server: Server,
    environment: String,
    ids: BTreeMap<&'static str, String>,
    /// The assignments of the role.
    of_user: String,
    of_application: String,
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await;
        let environment = server.new_environment("Headquarters").await;
        let mut world = Self {
            server,
            environment,
            ids: BTreeMap::new(),
            of_user: String::new(),
            of_application: String::new(),
        };
        world.find_what_is_born().await;
        world.make_the_application().await;
        world.make_the_user().await;
        world
    }

    fn at(&self, path: &str) -> String {
        let path = format!("/v1/environments/{}/{path}", self.environment);
        path.trim_end_matches('/').to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        self.server.admin().get(&self.at(path)).await.json(200)
    }

    async fn make(&self, path: &str, body: Value) -> String {
        id(&self
            .server
            .admin()
            .post(&self.at(path), body)
            .await
            .json(201))
    }

    async fn first(&self, collection: &str, name: &str) -> Value {
        let all = self.get(collection).await;
        all["_embedded"][name][0].clone()
    }

    async fn find_what_is_born(&mut self) {
        for (parameter, collection) in [
            ("populationID", "populations"),
            ("passwordPolicyID", "passwordPolicies"),
            (
                "deviceAuthenticationPolicyID",
                "deviceAuthenticationPolicies",
            ),
            ("notificationsPolicyID", "notificationsPolicies"),
        ] {
            let first = self.first(collection, collection).await;
            self.ids.insert(parameter, id(&first));
        }
        let organization = self.server.installation.organization.to_string();
        let license = self.get("").await["license"]["id"].clone();
        self.ids
            .insert("licenseID", license.as_str().unwrap().to_owned());
        self.ids.insert("organizationID", organization);
        self.ids.insert("environmentID", self.environment.clone());
    }

    fn top_role(&self) -> Value {
        assignment(
            Role::OrganizationAdmin,
            ScopeType::Organization,
            &self.ids["organizationID"],
        )
    }

    async fn make_the_application(&mut self) {
        let body = json!({ "name": "Console", "enabled": true, "type": "WORKER",
            "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"],
            "responseTypes": ["CODE"], "redirectUris": ["https://console.example.test/cb"],
            "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
        let application = self.make("applications", body).await;
        let below = |path: &str| format!("applications/{application}/{path}");
        let resource = self.make("resources", json!({ "name": "payments" })).await;
        let scope = json!({ "name": "payments:write" });
        let scope = self
            .make(&format!("resources/{resource}/scopes"), scope)
            .await;
        let grant = json!({ "resource": { "id": resource }, "scopes": [{ "id": scope }] });
        let grant = self.make(&below("grants"), grant).await;
        let policy = self
            .make("signOnPolicies", json!({ "name": "Staff" }))
            .await;
        let action = json!({ "type": "LOGIN", "priority": 1 });
        let action = self
            .make(&format!("signOnPolicies/{policy}/actions"), action)
            .await;
        let assigned = json!({ "priority": 1, "signOnPolicy": { "id": policy } });
        let assigned = self.make(&below("signOnPolicyAssignments"), assigned).await;
        self.of_application = self.make(&below("roleAssignments"), self.top_role()).await;
        self.ids.extend([
            ("applicationID", application),
            ("resourceID", resource),
            ("scopeID", scope),
            ("grantID", grant),
            ("signOnPolicyID", policy),
            ("actionID", action),
            ("signOnPolicyAssignmentID", assigned),
        ]);
    }

    async fn make_the_user(&mut self) {
        let body = json!({ "username": "boss", "email": "boss@corp.example",
            "name": { "given": "Bo", "family": "Ss" } });
        let user = self.make("users", body).await;
        let device = json!({ "type": "SMS", "phone": PHONE });
        let device = self.make(&format!("users/{user}/devices"), device).await;
        let roles = format!("users/{user}/roleAssignments");
        self.of_user = self.make(&roles, self.top_role()).await;
        self.ids.extend([("userID", user), ("deviceID", device)]);
    }

    /// All that makes the two roles work.
    async fn state(&self) -> Vec<Value> {
        let (user, application) = (&self.ids["userID"], &self.ids["applicationID"]);
        let mut state = Vec::new();
        for path in [
            format!("users/{user}"),
            format!("users/{user}/password"),
            format!("users/{user}/devices"),
            format!("users/{user}/bypassMFA"),
            format!("users/{user}/roleAssignments"),
            format!("applications/{application}"),
            format!("applications/{application}/secret"),
            format!("applications/{application}/grants"),
            format!("applications/{application}/signOnPolicyAssignments"),
            format!("applications/{application}/roleAssignments"),
        ] {
            state.push(self.get(&path).await);
        }
        state.push(self.get("").await["status"].clone());
        state
    }

    /// Everybody who administers less: each role, as far as it goes.
    async fn lesser(&self) -> Vec<(String, Caller<'_>)> {
        use ScopeType::{Application, Environment, Organization, Population};
        let admin = self.server.admin();
        let mut lesser = Vec::new();
        for role in Role::ALL {
            for (scope, parameter) in [
                (Organization, "organizationID"),
                (Environment, "environmentID"),
                (Population, "populationID"),
                (Application, "applicationID"),
            ] {
                let fits = role.applicable_to().contains(&scope);
                if !fits || role == Role::OrganizationAdmin {
                    continue;
                }
                let home = match scope {
                    Organization => self.server.installation.environment.to_string(),
                    Environment | Population | Application => self.environment.clone(),
                };
                let worker = admin
                    .worker(&home, role, (scope, &self.ids[parameter]))
                    .await;
                let token = worker.token;
                let server = &self.server;
                lesser.push((format!("{role:?} on {scope:?}"), Caller { server, token }));
            }
        }
        lesser
    }

    fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        let assigned = if path.contains("/users/") {
            &self.of_user
        } else {
            &self.of_application
        };
        path = path.replace("{roleAssignmentID}", assigned);
        for (parameter, id) in &self.ids {
            path = path.replace(&format!("{{{parameter}}}"), id);
        }
        assert!(!path.contains('{'), "no id for {operation:?}");
        path
    }

    /// What is sent with it. `None`: nothing.
    async fn body(&self, operation: &Operation, path: &str) -> Option<Value> {
        if matches!(operation.takes, Takes::Nothing) || operation.method == Method::DELETE {
            return None;
        }
        let pattern = operation.path.as_str();
        let below = pattern.rsplit('/').next().unwrap();
        let is_whole = operation.method != Method::POST
            && matches!(operation.takes, Takes::Json)
            && (below.starts_with('{')
                || ["mfaSettings", "securityProfile", "billOfMaterials"].contains(&below));
        if is_whole {
            return Some(self.server.admin().get(path).await.json(200));
        }
        if let Takes::Vendor(name) = operation.takes {
            return Some(self.of_verb(name));
        }
        Some(self.of_collection(below))
    }

    fn of_verb(&self, name: &str) -> Value {
        let password = json!({ "value": "Correct-Horse-1" });
        match name {
            "password.set" => password,
            "password.reset" => json!({ "newPassword": "Correct-Horse-1" }),
            "password.setValue" => json!({ "value": "Correct-Horse-1" }),
            "password.check" => json!({ "password": "Correct-Horse-1" }),
            "user.import" => json!({ "username": "imported",
                "population": { "id": self.ids["populationID"] } }),
            "devices.reorder" => json!({ "order": [{ "id": self.ids["deviceID"] }] }),
            "device.activate" => json!({ "otp": "123456" }),
            "account.lock"
            | "account.unlock"
            | "password.unlock"
            | "password.forceChange"
            | "devices.order.remove"
            | "device.sendActivationCode"
            | "device.block"
            | "device.unblock"
            | "device.unlock" => json!({}),
            other => panic!("what is sent with {other}?"),
        }
    }

    fn of_collection(&self, below: &str) -> Value {
        let policy = json!({ "id": self.ids["signOnPolicyID"] });
        match below {
            "enabled" => json!({ "enabled": false }),
            "mfaEnabled" => json!({ "mfaEnabled": true }),
            "bypassMFA" => {
                json!({ "bypassMFAEnabledUntil": self.server.now() + Duration::from_hours(1) })
            }
            "verifyStatus" => json!({ "verifyStatus": "DISABLED" }),
            "population" => json!({ "id": self.ids["populationID"] }),
            "password" => json!({ "value": "Correct-Horse-1" }),
            "nickname" => json!({ "nickname": "mine" }),
            "devices" => {
                json!({ "type": "EMAIL", "email": "else@where.example", "status": "ACTIVE" })
            }
            "identityProvider" | "secret" => json!({}),
            "grants" => json!({ "resource": { "id": self.ids["resourceID"] },
                "scopes": [{ "id": self.ids["scopeID"] }] }),
            "signOnPolicyAssignments" => json!({ "priority": 2, "signOnPolicy": policy }),
            "roleAssignments" => assignment(
                Role::ApplicationOwner,
                ScopeType::Environment,
                &self.environment,
            ),
            "status" => json!({ "status": "DELETE_PENDING" }),
            "type" => json!({ "type": "SANDBOX" }),
            "name" => json!({ "name": "Licence" }),
            "environments" => json!({ "name": "Another", "type": "SANDBOX", "region": "NA" }),
            "applications" => json!({ "name": "shop", "enabled": true, "type": "SERVICE",
                "protocol": "OPENID_CONNECT", "grantTypes": ["CLIENT_CREDENTIALS"],
                "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" }),
            "resources" => json!({ "name": "stock" }),
            "scopes" => json!({ "name": "stock:read" }),
            "signOnPolicies" => json!({ "name": "Lax" }),
            "actions" => json!({ "type": "LOGIN", "priority": 2 }),
            "populations" => json!({ "name": "Staff" }),
            "users" => {
                json!({ "username": "made", "population": { "id": self.ids["populationID"] } })
            }
            "passwordPolicies" | "deviceAuthenticationPolicies" | "notificationsPolicies" => {
                json!({ "name": "Mine" })
            }
            other => panic!("what is sent to {other}?"),
        }
    }

    async fn try_it(&self, caller: &Caller<'_>, operation: &Operation) -> u16 {
        let path = self.path(operation);
        let mut request = caller.request(operation.method.clone(), &path);
        if let Takes::Vendor(name) = operation.takes {
            let media_type = format!("application/vnd.pingidentity.{name}+json");
            request = request.header(header::CONTENT_TYPE, media_type);
        } else if operation.takes == Takes::Json {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(body) = self.body(operation, &path).await {
            request = request.body(body.to_string());
        }
        send(request).await.status
    }
}

fn assignment(role: Role, scope: ScopeType, id: &str) -> Value {
    json!({ "role": { "id": role.id().to_string() }, "scope": { "id": id, "type": scope.as_str() } })
}

/// Whether the operation is about the user or the application, or about something below one.
fn touches_a_holder(operation: &Operation) -> bool {
    ["{userID}", "{applicationID}"]
        .iter()
        .any(|parameter| operation.path.contains(parameter))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_administers_less_writes_to_a_holder_of_more() {
    let world = World::new().await;
    let before = world.state().await;
    let lesser = world.lesser().await;
    let (mut refused, mut open) = (0, Vec::new());
    for operation in operations().operations {
        let Guard::Permission(permission) = operation.guard else {
            let is_write = operation.method != Method::GET && operation.guard == Guard::Token;
            assert!(!is_write, "{operation:?} is permitted to everybody");
            continue;
        };
        // Secrets are read only by those who could use the roles.
        let is_read = operation.method == Method::GET && permission.access == Access::Read;
        if is_read {
            continue;
        }
        for (who, caller) in &lesser {
            let status = world.try_it(caller, &operation).await;
            assert!(status < 500, "{who} {operation:?}: {status}");
            if touches_a_holder(&operation) && matches!(status, 403 | 404) {
                refused += 1;
            } else if touches_a_holder(&operation) {
                open.push(format!("{who} {operation:?}: {status}"));
            }
        }
        let after = world.state().await;
        assert_eq!(after, before, "changed by {operation:?}");
    }
    assert!(open.is_empty(), "{open:#?}");
    assert!(refused > 500, "only {refused} attempts were made");
    // All of this is there for whoever holds as much.
    let admin = world.server.admin();
    for operation in operations().operations {
        let is_permission = matches!(operation.guard, Guard::Permission(_));
        if is_permission && touches_a_holder(&operation) && operation.method != Method::DELETE {
            let status = world.try_it(&admin, &operation).await;
            assert!(!matches!(status, 403 | 404), "{operation:?}: {status}");
        }
    }
}
