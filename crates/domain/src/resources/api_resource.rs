//! ApiResource
