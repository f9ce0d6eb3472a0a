//! One mechanism for every managed type: list, create, read, replace, patch, delete, and the
//! small changes that verbs make.

mod audit;
pub mod caller;
mod changing;
mod generic;
mod loading;
mod naming;
mod reach;
mod settling;
mod target;
mod writing;

pub use caller::{Actor, Caller, Place, environments_within_reach};
pub(crate) use changing::forget;
pub use changing::{change, change_with, insert, remove, remove_with};
pub(crate) use generic::with_context;
pub use generic::{ListRequest, Listing, create, list, patch, read, replace};
pub(crate) use loading::fetch_children;
pub use loading::{cached, cached_children, cached_default, fetch, typed};
pub(crate) use reach::{owner, reaches_below};
pub(crate) use settling::{settle, settle_within};
pub use target::{IfMatch, Target};
pub(crate) use writing::address_subject;
pub use writing::{Change, prepare_insert, prepare_replace};
