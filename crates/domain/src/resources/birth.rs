//! What a new environment is born with.
