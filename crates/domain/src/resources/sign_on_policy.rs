//! SignOnPolicy
