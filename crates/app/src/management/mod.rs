//! One mechanism for every managed type: list, create, read, replace, patch, delete, and the
//! small changes that verbs make.

mod audit;
pub mod caller;
mod generic;
mod loading;
mod settling;
mod writing;

pub use caller::{Actor, Caller, Place, environments_within_reach};
pub use generic::{
    ListRequest, Listing, change, create, insert, list, patch, read, remove, remove_with, replace,
};
pub(crate) use audit::{Deed, event};
pub(crate) use generic::{with_context, within};
pub use loading::{cached, cached_children, cached_default, fetch, typed};
pub use settling::Target;
pub(crate) use settling::settle;
pub(crate) use writing::address_subject;
pub use writing::{Change, prepare_insert, prepare_replace};
