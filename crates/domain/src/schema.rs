//! Checks a body against its type's JSON Schema and names every fault at once.
