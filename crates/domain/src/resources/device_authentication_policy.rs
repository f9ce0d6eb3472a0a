//! DeviceAuthenticationPolicy
