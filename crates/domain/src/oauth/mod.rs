//! OAuth 2.0: authorization requests, hints, client authentication and grants, as pure rules.
