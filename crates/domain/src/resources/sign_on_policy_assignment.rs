//! SignOnPolicyAssignment
