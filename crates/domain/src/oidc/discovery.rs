//! The provider's metadata (OIDC Discovery §3, RFC 8414). It lists only what is served.

use serde_json::{Value, json};

/// What the document depends on.
#[derive(Debug, Clone, Copy)]
pub struct Discovery<'a> {
    /// `iss` of all tokens; the endpoints lie below it.
    pub issuer: &'a str,
    /// Names of the environment's sign-on policies.
    pub acr_values: &'a [&'a str],
}

impl Discovery<'_> {
    pub fn document(&self) -> Value {
        let endpoint = |name: &str| format!("{}/{name}", self.issuer);
        let methods = json!(["client_secret_basic", "client_secret_post", "none"]);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": endpoint("authorize"),
            "token_endpoint": endpoint("token"),
            "userinfo_endpoint": endpoint("userinfo"),
            "jwks_uri": endpoint("jwks"),
            "introspection_endpoint": endpoint("introspect"),
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "require_pushed_authorization_requests": false,
            "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["pi.flow", "query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "userinfo_signing_alg_values_supported": ["none"],
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "claim_types_supported": ["normal"],
            "claims_supported": [
                "sub", "iss", "auth_time", "acr", "amr", "sid", "name", "given_name", "family_name",
                "middle_name", "preferred_username", "nickname", "picture", "zoneinfo", "locale",
                "updated_at", "email", "email_verified", "address", "phone_number"
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
            "acr_values_supported": self.acr_values,
            "prompt_values_supported": ["none", "login", "consent", "select_account"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://auth.test/9e0a1111-2222-4333-8444-555566667777/as";

    #[test]
    fn every_endpoint_lies_below_the_issuer() {
        let document = Discovery {
            issuer: ISSUER,
            acr_values: &["Payments_MFA"],
        }
        .document();
        assert_eq!(document["issuer"], ISSUER);
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let path = value.as_str().unwrap().strip_prefix(ISSUER).unwrap();
                assert!(
                    ["/authorize", "/token", "/userinfo", "/jwks", "/introspect"].contains(&path),
                    "{path}"
                );
            }
        }
        assert_eq!(document["acr_values_supported"], json!(["Payments_MFA"]));
    }

    #[test]
    fn nothing_is_listed_that_is_refused() {
        let document = Discovery {
            issuer: ISSUER,
            acr_values: &[],
        }
        .document();
        assert_eq!(document["response_types_supported"], json!(["code"]));
        assert_eq!(document["request_parameter_supported"], false);
        assert!(
            document
                .get("pushed_authorization_request_endpoint")
                .is_none()
        );
        assert!(document.get("revocation_endpoint").is_none());
    }
}
