//! RoleAssignment
