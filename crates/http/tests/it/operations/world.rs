//! An environment with an object of every kind, so that every path leads somewhere.

use reqwest::Method;
use serde_json::{Value, json};
use stepgate_domain::access::Role;
use stepgate_http::api::{Operation, Takes};

use crate::support::{Answer, Server, id, send};

/// The ids, by the collection that they are in.
pub(super) struct World {
    pub(super) server: Server,
    ids: Vec<(&'static str, String)>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::on(Server::without_senders().await).await
    }

    pub(super) async fn on(server: Server) -> Self {
        let mut ids = vec![
            ("environments", server.environment.to_string()),
            (
                "organizations",
                server.installation.organization.to_string(),
            ),
            ("licenses", server.installation.license.to_string()),
            ("roles", Role::EnvironmentAdmin.id().to_string()),
            ("templates", "device_pairing".to_owned()),
        ];
        for (collection, body) in [
            ("populations", json!({ "name": "Crew" })),
            ("signOnPolicies", json!({ "name": "Strict" })),
            ("resources", json!({ "name": "orders" })),
        ] {
            ids.push((collection, id(&server.create(collection, body).await)));
        }
        for collection in [
            "passwordPolicies",
            "deviceAuthenticationPolicies",
            "notificationsPolicies",
            "templates/device_pairing/contents",
        ] {
            let listed = server.get(collection).await.json(200);
            let name = collection.rsplit('/').next().unwrap();
            ids.push((name, id(&listed["_embedded"][name][0])));
        }
        let user = server.user("signe").await;
        ids.push(("users", user.rsplit('/').next().unwrap().to_owned()));
        let application = server.create_application("shop", json!({})).await.id;
        ids.push(("applications", application));
        let mut world = Self { server, ids };
        world.fill().await;
        world
    }

    /// The objects that others own.
    async fn fill(&mut self) {
        let login = json!({ "type": "LOGIN", "priority": 1 });
        let scope = json!({ "name": "orders:read" });
        let device = json!({ "type": "EMAIL", "email": "signe@corp.example" });
        self.add("signOnPolicies", "actions", login).await;
        self.add("resources", "scopes", scope).await;
        self.add("users", "devices", device).await;
        let grant = json!({ "resource": { "id": self.id("resources") },
            "scopes": [{ "id": self.id("scopes") }] });
        self.add("applications", "grants", grant).await;
        let assigned =
            json!({ "signOnPolicy": { "id": self.id("signOnPolicies") }, "priority": 1 });
        self.add("applications", "signOnPolicyAssignments", assigned)
            .await;
    }

    async fn add(&mut self, owner: &str, collection: &'static str, body: Value) {
        let path = format!("{owner}/{}/{collection}", self.id(owner));
        self.ids
            .push((collection, id(&self.server.create(&path, body).await)));
    }

    pub(super) fn all_ids(&self) -> Vec<String> {
        self.ids.iter().map(|(_, id)| id.clone()).collect()
    }

    pub(super) fn id(&self, collection: &str) -> &str {
        let mut known = self.ids.iter();
        let found = known.find(|(name, _)| *name == collection);
        &found.unwrap_or_else(|| panic!("no {collection}")).1
    }

    /// The path of the operation, to these objects. Roles are assigned as they are asked for.
    pub(super) async fn path(&self, operation: &Operation) -> String {
        let mut path = String::new();
        let mut collection = "";
        for segment in operation.path.split('/').skip(1) {
            let segment = match segment {
                parameter if !parameter.starts_with('{') => {
                    collection = parameter;
                    parameter.to_owned()
                }
                _ if collection == "roleAssignments" => self.assignment(&path).await,
                _ => self.id(collection).to_owned(),
            };
            path = format!("{path}/{segment}");
        }
        path
    }

    /// An assignment of a role in this list.
    async fn assignment(&self, list: &str) -> String {
        let listed = self.server.get(list).await.json(200);
        let there = &listed["_embedded"]["roleAssignments"][0];
        if there.is_object() {
            return id(there);
        }
        let role = Role::ConfigurationReadOnly.id().to_string();
        let scope = json!({ "id": self.id("environments"), "type": "ENVIRONMENT" });
        let body = json!({ "role": { "id": role }, "scope": scope });
        id(&self.server.post(list, body).await.json(201))
    }

    /// Asks for the operation, on the condition that there is this version.
    pub(super) async fn insist(&self, operation: &Operation, version: &str) -> Answer {
        let path = self.path(operation).await;
        let admin = self.server.admin();
        let request = admin.request(operation.method.clone(), &path);
        let mut request = request.header("if-match", version);
        if let Some(media_type) = operation.takes.media_type() {
            let body = self.body(operation, &path).await;
            request = request
                .header("content-type", media_type)
                .body(body.to_string());
        }
        send(request).await
    }

    /// A body that the operation takes: for a replacement what is there, for a creation what is
    /// there beside it, for a verb what it wants.
    pub(super) async fn body(&self, operation: &Operation, path: &str) -> Value {
        let password = "Correct horse 7!";
        if let Takes::Vendor(name) = operation.takes {
            return match name {
                "password.set" | "password.setValue" => json!({ "value": password }),
                "password.reset" => json!({ "newPassword": password }),
                "password.check" => json!({ "password": password }),
                "device.activate" => json!({ "otp": "123456" }),
                "user.import" => json!({ "username": "ola", "password": { "value": password } }),
                "devices.reorder" => json!({ "order": [{ "id": self.id("devices") }] }),
                _ => json!({}),
            };
        }
        let last = path.rsplit('/').next().unwrap();
        match last {
            "nickname" => json!({ "nickname": "Mine" }),
            "password" => json!({ "value": password }),
            "bypassMFA" => json!({ "bypassMFAEnabledUntil": "2030-11-30T00:00:00.000Z" }),
            "type" => json!({ "type": "SANDBOX" }),
            "status" => json!({ "status": "ACTIVE" }),
            "secret" => json!({}),
            _ if operation.method == Method::POST && operation.status == 201 => {
                let listed = self.get(path).await.body;
                // What was there from the beginning comes first, and is of another kind.
                let items = listed["_embedded"][last].as_array();
                items
                    .and_then(|items| items.last())
                    .cloned()
                    .unwrap_or_default()
            }
            _ => self.get(path).await.body,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.server.get(path).await
    }
}
