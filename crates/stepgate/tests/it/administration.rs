//! Who may write applications does not thereby administer: roles, secrets and tokens stay with
//! those who were given them.

use serde_json::{Value, json};
use stepgate_client::{
    Answer, Hint, HintAlgorithm, Request, Tenant, Workflow, messages_to, next_message, redeem,
    requests, worker_token,
};

use crate::support::{Admin, Server};

const ORGANIZATION_ADMIN: &str = "1813bc13-8d13-4e88-a825-d40bfe82777b";
const ENVIRONMENT_ADMIN: &str = "29ddce68-cd7f-4b2a-b6fc-f7a19553b496";
const IDENTITY_DATA_ADMIN: &str = "0bd9c966-7664-4ac1-b059-0ff9293908e2";
const APPLICATION_DEVELOPER: &str = "b5057d0d-7281-47f6-9398-8a7e4cb71397";
const REDIRECT_URI: &str = "https://app.example.com/callback";

fn application(environment: &str, application_type: &str, grant_types: &[&str]) -> Request {
    Request::post(requests::management(environment, "applications")).json(&json!({
        "name": application_type, "enabled": true, "type": application_type,
        "protocol": "OPENID_CONNECT", "grantTypes": grant_types, "responseTypes": ["CODE"],
        "redirectUris": [REDIRECT_URI], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
    }))
}

fn assignment(environment: &str, application: &str, role: &str, scope: (&str, &str)) -> Request {
    let path = format!("applications/{application}/roleAssignments");
    Request::post(requests::management(environment, &path))
        .json(&json!({ "role": { "id": role }, "scope": { "type": scope.0, "id": scope.1 } }))
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

impl Admin {
    async fn answer(&self, request: Request, token: &str) -> Answer {
        self.client.send(&request.bearer(token)).await.unwrap()
    }

    /// A worker application with this role in its environment.
    async fn worker(&self, environment: &str, role: &str, grant_types: &[&str]) -> String {
        let request = application(environment, "WORKER", grant_types);
        let worker = id(&self.call(request, 201).await);
        let scope = ("ENVIRONMENT", environment);
        self.call(assignment(environment, &worker, role, scope), 201)
            .await;
        worker
    }

    async fn secret(&self, environment: &str, application: &str) -> String {
        let secret = requests::application_secret(environment, application);
        self.call(secret, 200).await["secret"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn token_of(&self, environment: &str, worker: &str) -> String {
        let secret = self.secret(environment, worker).await;
        worker_token(&self.client, environment, worker, &secret)
            .await
            .unwrap()
    }

    async fn developer(&self, environment: &str) -> String {
        let worker = self
            .worker(environment, APPLICATION_DEVELOPER, &["CLIENT_CREDENTIALS"])
            .await;
        self.token_of(environment, &worker).await
    }

    /// Nothing of the management API answers to this token.
    async fn administers_nothing(&self, token: &str, tenant: &Tenant) {
        let env = &tenant.environment.id;
        let own = |rest: &str| requests::management(env, rest);
        for path in [
            "/v1/organizations".to_owned(),
            "/v1/environments".to_owned(),
            "/v1/roles".to_owned(),
            format!("/v1/environments/{env}"),
            own("applications"),
            own("resources"),
            own("signOnPolicies"),
            own("populations"),
            own("users"),
            own("mfaSettings"),
            own(&format!("applications/{}/secret", tenant.client_id)),
            own(&format!(
                "applications/{}/roleAssignments",
                tenant.client_id
            )),
            own(&format!("users/{}", tenant.user_id)),
            own(&format!("users/{}/devices", tenant.user_id)),
        ] {
            let answer = self.answer(Request::get(&path), token).await;
            assert!(
                [401, 403, 404].contains(&answer.status),
                "GET {path}: {} {}",
                answer.status,
                answer.body
            );
        }
        let environment = requests::environment("Theirs", &self.credentials.license);
        for request in [
            environment,
            application(env, "WORKER", &["CLIENT_CREDENTIALS"]),
            requests::population(env, "Theirs"),
            requests::user(env, &tenant.population_id, "somebody"),
            requests::set_password(env, &tenant.user_id, "Another-horse-7-battery"),
            requests::sms_device(env, &tenant.user_id, "+1.5125550199"),
            requests::sign_on_policy(env, "Theirs"),
            assignment(
                env,
                &tenant.client_id,
                ENVIRONMENT_ADMIN,
                ("ENVIRONMENT", env),
            ),
        ] {
            let path = request.path.clone();
            let answer = self.answer(request, token).await;
            assert!(
                [401, 403, 404].contains(&answer.status),
                "POST {path}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn a_developer_cannot_make_an_application_that_may_do_more() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Developer").await;
    let env = tenant.environment.id.as_str();
    let developer = admin.developer(env).await;

    let worker = application(env, "WORKER", &["CLIENT_CREDENTIALS"]);
    let made = admin.answer(worker.clone(), &developer).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = id(&made.body);
    let (_, body) = worker.body.unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["assignActorRoles"] = true.into();
    let with_roles = Request::post(worker.path).json(&body);
    assert_eq!(admin.answer(with_roles, &developer).await.status, 400);

    for application in [&made, &tenant.client_id] {
        for (role, scope) in [
            (APPLICATION_DEVELOPER, ("ENVIRONMENT", env)),
            (ENVIRONMENT_ADMIN, ("ENVIRONMENT", env)),
            (IDENTITY_DATA_ADMIN, ("ENVIRONMENT", env)),
        ] {
            let answer = admin
                .answer(assignment(env, application, role, scope), &developer)
                .await;
            assert_eq!(answer.status, 403, "{role}: {}", answer.body);
        }
    }
    let secret = admin.secret(env, &made).await;
    let token = requests::client_credentials(env, &made, &secret);
    let answer = admin.client.call(token, 400).await.unwrap();
    assert_eq!(answer.body["error"], "access_denied", "it has no role");
}

#[tokio::test]
async fn the_secret_of_a_worker_is_refused_to_who_holds_less_than_it() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Secrets").await;
    let env = tenant.environment.id.as_str();
    let developer = admin.developer(env).await;
    let grants = ["CLIENT_CREDENTIALS"];
    let equal = admin.worker(env, APPLICATION_DEVELOPER, &grants).await;
    for application in [&equal, &tenant.client_id] {
        let secret = requests::application_secret(env, application);
        assert_eq!(admin.answer(secret, &developer).await.status, 200);
    }

    for role in [ENVIRONMENT_ADMIN, IDENTITY_DATA_ADMIN] {
        let more = admin.worker(env, role, &grants).await;
        let before = admin.secret(env, &more).await;
        let path = requests::application_secret(env, &more).path;
        for request in [
            Request::get(&path),
            Request::post(&path).json(&json!({})),
            Request::new(reqwest::Method::DELETE, &path),
        ] {
            let answer = admin.answer(request, &developer).await;
            assert_eq!(answer.status, 403, "{}", answer.body);
            assert_eq!(answer.body["code"], "ACCESS_FAILED");
        }
        assert_eq!(admin.secret(env, &more).await, before, "it was not rotated");
    }
}

#[tokio::test]
async fn a_developer_reads_no_secret_of_another_environment() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let here = admin.environment("Here").await.id;
    let there = admin.tenant("There").await;
    let developer = admin.developer(&here).await;
    for environment in [&here, &there.environment.id] {
        let secret = requests::application_secret(environment, &there.client_id);
        let answer = admin.answer(secret, &developer).await;
        assert_eq!(answer.status, 404, "{}", answer.body);
    }
}

#[tokio::test]
async fn nobody_assigns_a_role_beyond_their_own() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let here = admin.environment("Here").await.id;
    let there = admin.environment("There").await.id;
    let grants = ["CLIENT_CREDENTIALS"];
    let administrator = admin.worker(&here, ENVIRONMENT_ADMIN, &grants).await;
    let token = admin.token_of(&here, &administrator).await;
    let worker = id(&admin.call(application(&here, "WORKER", &grants), 201).await);
    let organizations = admin.call(Request::get("/v1/organizations"), 200).await;
    let organization = id(&organizations["_embedded"]["organizations"][0]);

    for (role, scope) in [
        (ORGANIZATION_ADMIN, ("ORGANIZATION", organization.as_str())),
        (ENVIRONMENT_ADMIN, ("ORGANIZATION", organization.as_str())),
        (ENVIRONMENT_ADMIN, ("ENVIRONMENT", there.as_str())),
        (IDENTITY_DATA_ADMIN, ("ENVIRONMENT", there.as_str())),
    ] {
        for holder in [&worker, &administrator] {
            let request = assignment(&here, holder, role, scope);
            let answer = admin.answer(request, &token).await;
            assert_eq!(answer.status, 400, "{role} {scope:?}: {}", answer.body);
            assert_eq!(answer.body["details"][0]["target"], "scope");
        }
    }
    // The own role, and those that its holders may give.
    for role in [
        ENVIRONMENT_ADMIN,
        IDENTITY_DATA_ADMIN,
        APPLICATION_DEVELOPER,
    ] {
        let request = assignment(&here, &worker, role, ("ENVIRONMENT", &here));
        let answer = admin.answer(request, &token).await;
        assert_eq!(answer.status, 201, "{role}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_worker_signs_nobody_on_by_a_hint() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Hints").await;
    let env = &tenant.environment.id;
    let grants = ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"];
    let worker = admin.worker(env, ENVIRONMENT_ADMIN, &grants).await;
    admin
        .call(
            requests::policy_assignment(env, &worker, &tenant.policy_id),
            201,
        )
        .await;
    let secret = admin.secret(env, &worker).await;
    let audience = tenant.issuer(&admin.client);
    let hint = Hint::starting_now(&worker, &tenant.user_id, &audience, 300)
        .sign(HintAlgorithm::Hs256, &secret)
        .unwrap();

    let flow = requests::authorize(env, &worker, REDIRECT_URI, &hint, &[("state", "s")]);
    let answer = admin.client.send(&flow).await.unwrap();
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.body["error"], "unauthorized_client");
    assert_eq!(answer.body["details"][0]["target"], "login_hint_token");

    let redirect = Request::post(format!("/{env}/as/authorize")).form(&[
        ("client_id", &worker),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("state", "s"),
        ("login_hint_token", &hint),
    ]);
    let answer = admin.client.send(&redirect).await.unwrap();
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(REDIRECT_URI), "{location}");
    assert!(location.contains("error=unauthorized_client"), "{location}");
    assert!(!location.contains("code="), "{location}");

    let sent = messages_to(&admin.client, &tenant.user.phone)
        .await
        .unwrap();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn a_users_token_of_a_relying_party_administers_nothing() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Users").await;
    let signed_on = Workflow::new(&admin.client, |_, _| {})
        .sign_on(&tenant, &[])
        .await
        .unwrap();
    let tokens = redeem(&admin.client, &tenant, &signed_on.authorization_code)
        .await
        .unwrap();
    for token in [&tokens.access_token, &tokens.id_token] {
        admin.administers_nothing(token, &tenant).await;
    }
}

#[tokio::test]
async fn a_users_token_of_a_worker_that_administers_does_not() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Workers").await;
    let env = &tenant.environment.id;
    let grants = ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"];
    let worker = admin.worker(env, ENVIRONMENT_ADMIN, &grants).await;
    admin
        .call(
            requests::policy_assignment(env, &worker, &tenant.policy_id),
            201,
        )
        .await;
    let secret = admin.secret(env, &worker).await;
    // Only who holds a role may sign on to a worker: here one that is taken away again.
    let roles = format!("users/{}/roleAssignments", tenant.user_id);
    let roles = requests::management(env, &roles);
    let role = json!({ "role": { "id": IDENTITY_DATA_ADMIN }, "scope": { "type": "ENVIRONMENT", "id": env } });
    let role = id(&admin.call(Request::post(&roles).json(&role), 201).await);

    // Without a hint the user says who they are.
    let authorize = Request::post(format!("/{env}/as/authorize")).form(&[
        ("client_id", &worker),
        ("response_type", "code"),
        ("response_mode", "pi.flow"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid"),
    ]);
    let begun = admin.client.call(authorize, 200).await.unwrap();
    assert_eq!(begun.body["status"], "SIGN_ON_REQUIRED");
    let (flow, cookie) = (id(&begun.body), begun.cookies().unwrap());
    let lookup = Request::post(format!("/{env}/flows/{flow}"))
        .typed(
            "application/vnd.pingidentity.user.lookup+json",
            json!({ "username": tenant.user.username }).to_string(),
        )
        .cookie(&cookie);
    let found = admin.client.call(lookup, 200).await.unwrap();
    assert_eq!(found.body["status"], "OTP_REQUIRED");
    let patience = std::time::Duration::from_secs(10);
    let message = next_message(&admin.client, &tenant.user.phone, 0, patience)
        .await
        .unwrap();
    let check = requests::check_code(env, &flow, &cookie, &message.code.unwrap());
    admin.client.call(check, 200).await.unwrap();
    let resumed = admin
        .client
        .call(requests::resume(env, &flow, &cookie), 200)
        .await
        .unwrap();
    let code = resumed.text("/authorizeResponse/code").unwrap();
    let redemption = requests::redeem_code(env, &tenant.application, (&worker, &secret), code);
    let tokens = admin.client.call(redemption, 200).await.unwrap();

    let token = tokens.text("/access_token").unwrap();
    let reads = Request::get(requests::management(env, "users"));
    assert_eq!(
        admin.answer(reads, token).await.status,
        200,
        "by the user's role"
    );
    admin
        .call(
            Request::new(reqwest::Method::DELETE, format!("{roles}/{role}")),
            204,
        )
        .await;
    admin.administers_nothing(token, &tenant).await;
    let own = worker_token(&admin.client, env, &worker, &secret).await;
    let users = Request::get(requests::management(env, "users"));
    let answer = admin.answer(users, &own.unwrap()).await;
    assert_eq!(answer.status, 200, "the worker itself does administer");
}

#[tokio::test]
async fn a_token_of_a_service_administers_nothing() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Services").await;
    let env = &tenant.environment.id;
    let service = application(env, "SERVICE", &["CLIENT_CREDENTIALS"]);
    let service = id(&admin.call(service, 201).await);
    let resources = requests::management(env, "resources");
    let resource = Request::post(&resources).json(&json!({ "name": "Orders" }));
    let resource = id(&admin.call(resource, 201).await);
    let scope = Request::post(format!("{resources}/{resource}/scopes"));
    let scope = id(&admin
        .call(scope.json(&json!({ "name": "orders" })), 201)
        .await);
    let grant = requests::grant(env, &service, &resource, &[scope]);
    admin.call(grant, 201).await;
    let token = admin.token_of(env, &service).await;
    admin.administers_nothing(&token, &tenant).await;
}
