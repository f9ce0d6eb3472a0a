//! The world that the targets' inputs meet.

use stepgate_domain::{
    id::Id,
    oauth::client::{
        ApplicationType, Client, Cors, GrantType, PkceEnforcement, Protocol, RefreshTokenRules,
        ResponseType, TokenEndpointAuthMethod,
    },
    resources::environment::Environment,
    time::Timestamp,
};
use uuid::Uuid;

/// 2026-01-31T12:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
/// `client_id` in the corpora.
pub(crate) const CLIENT: Uuid = Uuid::from_u128(0x0f2c_7d9e_51a4_4be0_8e6f_6b6f_2a1c_9d01);
pub(crate) const ENVIRONMENT: Uuid = Uuid::from_u128(0x9e0a_1111_2222_4333_8444_5555_6666_7777);
/// `iss` of answers, and `aud` of hints.
pub(crate) const ISSUER: &str = "https://id.example.test/9e0a1111-2222-4333-8444-555566667777/as";

pub(crate) fn environment() -> Id<Environment> {
    Id::from_uuid(ENVIRONMENT)
}

pub(crate) fn web_app() -> Client {
    Client {
        id: Id::from_uuid(CLIENT),
        environment: environment(),
        name: "app".to_owned(),
        enabled: true,
        application_type: ApplicationType::WebApp,
        protocol: Protocol::OpenidConnect,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        response_types: vec![ResponseType::Code],
        token_endpoint_auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        redirect_uris: vec!["https://app.example.test/cb".to_owned()],
        pages: Vec::new(),
        allow_wildcard_in_redirect_uris: false,
        pkce_enforcement: PkceEnforcement::Optional,
        key_rotation_policy: None,
        refresh_tokens: RefreshTokenRules::default(),
        request_scopes_for_multiple_resources: false,
        requires_pushed_authorization_requests: false,
        require_signed_request_object: false,
        cors: Cors::Unset,
    }
}
