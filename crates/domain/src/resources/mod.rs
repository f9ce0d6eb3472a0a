//! One file per managed type.

pub mod api_resource;
pub mod application;
pub mod birth;
pub mod device;
pub mod device_authentication_policy;
pub mod environment;
pub(crate) mod fixed;
pub mod grant;
pub mod license;
pub mod marked;
pub mod mfa_settings;
pub mod notifications_policy;
pub mod organization;
pub mod password_policy;
pub mod population;
pub mod role_assignment;
pub mod scope;
pub mod security_profile;
pub mod sign_on_action;
pub mod sign_on_policy;
pub mod sign_on_policy_assignment;
pub mod template;
pub mod user;

#[cfg(test)]
pub(crate) mod round_trip;
#[cfg(test)]
pub(crate) mod trial;
