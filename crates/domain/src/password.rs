//! Password rules: what a policy demands of a new password, and how failures lock it.
