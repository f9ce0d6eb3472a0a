//! What holds for every operation, because it comes from the one list of them, and what clients
//! of the platform ask of each resource.

mod applications;
mod audit;
mod bodies;
mod compatibility;
mod conventions;
mod description;
mod guards;
mod holders;
mod last_administrator;
mod links;
mod metrics;
mod organizations;
mod policies;
mod provider;
mod requests;
mod rights;
mod robustness;
mod strict;
mod versions;
mod world;
