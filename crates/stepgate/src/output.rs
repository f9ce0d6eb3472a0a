//! What a command says: results to standard output, complaints to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

/// Writes one line of a result. A reader that has gone away (`| head`) is no fault of ours.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes one line of a complaint.
pub(crate) fn complaint(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person watches the results.
pub(crate) fn is_watched() -> bool {
    io::stdout().is_terminal()
}
