//! Environments, applications, resources, and what connects them.

use serde_json::{Value, json};
use stepgate_domain::access::Role;

use super::{ANY, Kind, merge};
use crate::support::{Server, id};

pub(super) async fn kinds(server: &Server) -> Vec<Kind> {
    let mut kinds = vec![environment(), resource()];
    kinds.extend(applications());
    kinds.extend(connections(server).await);
    kinds
}

fn environment() -> Kind {
    let product = |name: &str| json!({ "id": ANY, "type": name, "description": ANY });
    let products = json!([product("PING_ONE_BASE"), product("PING_ONE_MFA")]);
    let optional = json!({ "description": "scratch", "icon": "https://corp.example/icon.png",
        "subtype": "QA", "region": "NA" });
    let filled = json!({ "region": "NA", "status": "ACTIVE", "organization": ANY, "license": ANY,
        "billOfMaterials": { "products": products, "createdAt": ANY, "updatedAt": ANY } });
    let least = json!({ "name": "strict", "type": "SANDBOX" });
    Kind::made("/v1/environments", least, optional, filled)
}

fn resource() -> Kind {
    let optional = json!({ "description": "Payments", "audience": "https://payments.example",
        "accessTokenValiditySeconds": 600, "accessTokenType": "at+jwt", "type": "CUSTOM",
        "introspectEndpointAuthMethod": "NONE",
        "applicationPermissionsSettings": { "claimEnabled": false } });
    let filled = json!({ "type": "CUSTOM", "audience": "payments",
        "accessTokenValiditySeconds": 3600,
        "introspectEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        "applicationPermissionsSettings": { "claimEnabled": false } });
    Kind::made("resources", json!({ "name": "payments" }), optional, filled)
}

fn applications() -> Vec<Kind> {
    let application = |application_type: &str, with: Value, filled: Value| {
        let mut least = json!({ "name": "strict", "enabled": true, "type": application_type,
            "protocol": "OPENID_CONNECT", "grantTypes": ["AUTHORIZATION_CODE"],
            "responseTypes": ["CODE"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
        merge(&mut least, &with);
        let mut all = json!({ "clientId": ANY, "hiddenFromAppPortal": false,
            "allowWildcardInRedirectUris": false, "pkceEnforcement": "OPTIONAL",
            "parRequirement": "OPTIONAL", "parTimeout": 60, "supportUnsignedRequestObject": false,
            "additionalRefreshTokenReplayProtectionEnabled": true, "deviceTimeout": 600,
            "devicePollingInterval": 5, "idpSignoff": false, "includeX5t": false,
            "opSessionCheckEnabled": false, "requestScopesForMultipleResourcesEnabled": false,
            "requireSignedRequestObject": false });
        merge(&mut all, &filled);
        Kind::made("applications", least, optional_members(), all)
    };
    let public = json!({ "tokenEndpointAuthMethod": "NONE" });
    let own = json!({ "grantTypes": ["CLIENT_CREDENTIALS"], "responseTypes": [] });
    let refreshing = json!({ "grantTypes": ["AUTHORIZATION_CODE", "REFRESH_TOKEN"] });
    let durations =
        json!({ "refreshTokenDuration": 2_592_000, "refreshTokenRollingDuration": 15_552_000 });
    let mobile = json!({ "mobile": { "integrityDetection": { "mode": "DISABLED" },
        "passcodeGracePeriod": 5,
        "passcodeRefreshDuration": { "duration": 30, "timeUnit": "SECONDS" } } });
    let administrators = json!({ "accessControl": { "role": { "type": "ADMIN_USERS_ONLY" } } });
    let mut tagged = application("WORKER", own.clone(), administrators);
    tagged.optional["tags"] = json!(["PING_FED_CONNECTION_INTEGRATION"]);
    vec![
        application("WEB_APP", json!({}), json!({})),
        application("WEB_APP", refreshing, durations),
        application("SINGLE_PAGE_APP", public, json!({})),
        application("NATIVE_APP", json!({}), mobile),
        application("SERVICE", own, json!({})),
        tagged,
    ]
}

fn optional_members() -> Value {
    json!({
        "description": "A shop", "hiddenFromAppPortal": true,
        "accessControl": { "role": { "type": "ADMIN_USERS_ONLY" } },
        "icon": { "id": "22222222-2222-4222-8222-222222222222", "href": "https://corp.example/i.png" },
        "loginPageUrl": "https://corp.example/login", "homePageUrl": "https://corp.example/",
        "initiateLoginUri": "https://corp.example/start", "targetLinkUri": "com.example.app://target",
        "redirectUris": ["https://corp.example/cb"],
        "postLogoutRedirectUris": ["https://corp.example/bye"],
        "allowWildcardInRedirectUris": true, "pkceEnforcement": "S256_REQUIRED",
        "parRequirement": "OPTIONAL", "parTimeout": 90, "refreshTokenType": "OPAQUE_TOKEN",
        "refreshTokenDuration": 3_600, "refreshTokenRollingDuration": 31_536_000,
        "refreshTokenRollingGracePeriodDuration": 5,
        "additionalRefreshTokenReplayProtectionEnabled": false,
        "supportUnsignedRequestObject": true, "deviceTimeout": 700, "devicePollingInterval": 6,
        "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS", "origins": ["https://corp.example"] },
        "idpSignoff": false, "includeX5t": false, "opSessionCheckEnabled": false,
        "requestScopesForMultipleResourcesEnabled": false, "requireSignedRequestObject": false,
    })
}

/// What connects an application with others.
async fn connections(server: &Server) -> Vec<Kind> {
    let application = server.create_application("connected", json!({})).await.id;
    let resource = server
        .create("resources", json!({ "name": "orders" }))
        .await;
    let resource = id(&resource);
    let scopes = format!("resources/{resource}/scopes");
    let scope = id(&server
        .create(&scopes, json!({ "name": "orders:read" }))
        .await);
    let policy = id(&server
        .create("signOnPolicies", json!({ "name": "Connected" }))
        .await);
    let below = |collection: &str| format!("applications/{application}/{collection}");
    let of = json!({ "application": { "id": application } });
    let environment = server.environment.to_string();
    let role = Role::ConfigurationReadOnly.id().to_string();
    let assignment = Kind {
        replaceable: false,
        ..Kind::made(
            below("roleAssignments"),
            json!({ "role": { "id": role }, "scope": { "id": environment, "type": "ENVIRONMENT" } }),
            json!({}),
            json!({ "application": { "id": application }, "readOnly": false }),
        )
    };
    vec![
        Kind::made(
            scopes,
            json!({ "name": "orders:write" }),
            json!({ "description": "Change orders", "schemaAttributes": ["*"], "mappedClaims": [] }),
            json!({ "resource": { "id": resource } }),
        ),
        Kind::made(
            below("grants"),
            json!({ "resource": { "id": resource }, "scopes": [{ "id": scope }] }),
            json!({}),
            of.clone(),
        ),
        Kind::made(
            below("signOnPolicyAssignments"),
            json!({ "signOnPolicy": { "id": policy }, "priority": 1 }),
            json!({}),
            of,
        ),
        assignment,
    ]
}
