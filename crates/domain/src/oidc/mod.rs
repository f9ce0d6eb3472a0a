//! OpenID Connect: claims, ID tokens and discovery, as pure rules.
