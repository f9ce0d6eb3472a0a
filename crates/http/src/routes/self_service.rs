//! What a user may do with the own account, and the scope that it takes. Tokens of users reach
//! nothing else of the management API.

use axum::http::Method;

use crate::api::{Api, Takes};

struct Own {
    method: Method,
    /// Below the user.
    path: &'static str,
    takes: Takes,
    scope: &'static str,
}

const fn own(method: Method, path: &'static str, takes: Takes, scope: &'static str) -> Own {
    Own {
        method,
        path,
        takes,
        scope,
    }
}

const USER: &str = "/v1/environments/{environmentID}/users/{userID}";

const OWN: [Own; 18] = [
    own(Method::GET, "", Takes::Nothing, "p1:read:user"),
    own(Method::PUT, "", Takes::Json, "p1:update:user"),
    own(Method::PATCH, "", Takes::Json, "p1:update:user"),
    own(Method::GET, "/mfaEnabled", Takes::Nothing, "p1:read:user"),
    own(
        Method::PUT,
        "/mfaEnabled",
        Takes::Json,
        "p1:update:userMfaEnabled",
    ),
    own(
        Method::GET,
        "/password",
        Takes::Nothing,
        "p1:read:userPassword",
    ),
    own(
        Method::POST,
        "/password",
        Takes::Vendor("password.check"),
        "p1:validate:userPassword",
    ),
    own(Method::GET, "/devices", Takes::Nothing, "p1:read:device"),
    own(Method::POST, "/devices", Takes::Json, "p1:create:device"),
    own(
        Method::POST,
        "/devices",
        Takes::Vendor("devices.reorder"),
        "p1:update:device",
    ),
    own(
        Method::POST,
        "/devices",
        Takes::Vendor("devices.order.remove"),
        "p1:update:device",
    ),
    own(
        Method::DELETE,
        "/devices",
        Takes::Vendor("devices.order.remove"),
        "p1:update:device",
    ),
    own(
        Method::GET,
        "/devices/{deviceID}",
        Takes::Nothing,
        "p1:read:device",
    ),
    own(
        Method::DELETE,
        "/devices/{deviceID}",
        Takes::Nothing,
        "p1:delete:device",
    ),
    own(
        Method::POST,
        "/devices/{deviceID}",
        Takes::Vendor("device.activate"),
        "p1:create:device",
    ),
    own(
        Method::POST,
        "/devices/{deviceID}",
        Takes::Vendor("device.sendActivationCode"),
        "p1:create:device",
    ),
    own(
        Method::PUT,
        "/devices/{deviceID}/nickname",
        Takes::Json,
        "p1:update:device",
    ),
    own(Method::GET, "/enabled", Takes::Nothing, "p1:read:user"),
];

pub(super) fn operations(mut api: Api) -> Api {
    for operation in &mut api.operations {
        let Some(path) = operation.path.strip_prefix(USER) else {
            continue;
        };
        operation.own_scope = OWN
            .iter()
            .find(|own| {
                own.method == operation.method && own.path == path && own.takes == operation.takes
            })
            .map(|own| own.scope);
    }
    api
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_an_operation() {
        let marked = super::super::operations().operations;
        for line in OWN {
            let named = marked.iter().filter(|operation| {
                operation.path.strip_prefix(USER) == Some(line.path)
                    && operation.method == line.method
                    && operation.takes == line.takes
            });
            let scopes: Vec<_> = named.map(|operation| operation.own_scope).collect();
            assert_eq!(scopes, [Some(line.scope)], "{} {}", line.method, line.path);
        }
    }
}
