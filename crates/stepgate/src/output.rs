//! What a command says: results to standard output, complaints to standard error.

use std::{
    fmt::Display,
    fs::{self, File, Metadata},
    io::{self, IsTerminal, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether a line of a result was lost.
static IS_CUT_SHORT: AtomicBool = AtomicBool::new(false);

/// Writes one line of a result. A reader that has gone away (`| head`) is no fault of ours; any
/// other loss is told by [`is_complete`].
pub(crate) fn line(text: impl Display) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        IS_CUT_SHORT.store(true, Ordering::Relaxed);
    }
}

/// Whether all lines so far were written.
pub(crate) fn is_complete() -> bool {
    !IS_CUT_SHORT.load(Ordering::Relaxed)
}

/// Writes a text of which nobody can get another copy. It has left this process when this returns,
/// and is on the disk if standard output is a file.
pub(crate) fn only_copy(text: impl Display) -> io::Result<()> {
    // Past the library's own handle, which takes a closed descriptor for a success.
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let metadata = stdout.metadata()?;
    if is_null_device(&metadata) {
        return Err(io::Error::other("standard output is closed or /dev/null"));
    }
    stdout.write_all(format!("{text}\n").as_bytes())?;
    if metadata.is_file() {
        stdout.sync_all()?;
    }
    Ok(())
}

/// Also what a closed descriptor has become by the time `main` runs.
fn is_null_device(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device()
        && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}

/// Writes one line of a complaint.
pub(crate) fn complaint(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person watches the results.
pub(crate) fn is_watched() -> bool {
    io::stdout().is_terminal()
}
