//! Configuration: a flag beats an environment variable, which beats the file. Everything that is
//! wrong is reported at once, each with its place.

mod connections;
mod fault;
mod file;
mod hosts;
mod master_key;
mod read;
mod settings;
mod table;

pub(crate) use fault::{Faults, Place};
pub(crate) use master_key::MasterKey;
pub(crate) use settings::{Mode, Settings, SmtpSecurity};
pub(crate) use table::arguments;

use clap::ArgMatches;

/// The settings that this command line, the environment and the named file make together.
pub(crate) fn settings(matches: &ArgMatches) -> Result<Settings, Faults> {
    let mut faults = Faults::default();
    let given = table::given(matches);
    let written = match given.get("config") {
        Some(path) => file::read(path, &mut faults),
        None => file::Entries::new(),
    };
    settings::resolve(read::Reader::new(given, written, faults))
}
