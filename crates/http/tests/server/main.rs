//! The whole server, asked over HTTP: a real port, a real store in a directory of its own.

mod client_credentials;
mod codes;
mod cors;
mod introspection;
mod metadata;
mod support;
