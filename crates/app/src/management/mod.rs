//! One mechanism for every managed type: list, create, read, replace, patch, delete, and the
//! small changes that verbs make.

mod audit;
pub mod caller;
mod generic;
mod loading;
mod writing;

pub use caller::{Actor, Caller, Place, environments_within_reach};
pub use generic::{
    ListRequest, Listing, change, create, insert, list, patch, read, remove, remove_with, replace,
};
pub use loading::{cached, cached_children, cached_default, fetch, typed};
pub use writing::{Change, prepare_insert, prepare_replace};
