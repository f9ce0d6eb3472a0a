//! Files that appear whole and durably, or not at all: a full disk leaves none of them half
//! written, and none under its own name.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Only the owner reads it.
pub(crate) const PRIVATE: u32 = 0o600;
/// Whoever the process lets read its files.
pub(crate) const PUBLIC: u32 = 0o666;

/// A file that is written and synced, but has its temporary name still. Dropped before
/// [`Self::appear`] it goes away again.
#[derive(Debug)]
pub(crate) struct WholeFile {
    temporary: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<Self> {
        let whole = Self {
            temporary: temporary(path),
            path: path.to_owned(),
        };
        if let Err(error) = fs::remove_file(&whole.temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&whole.temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        sync_directory(path)?;
        Ok(whole)
    }

    /// The file as a process left it that ended before it could appear.
    pub(crate) fn left_behind(path: &Path) -> Option<Self> {
        let temporary = temporary(path);
        temporary.exists().then(|| Self {
            temporary,
            path: path.to_owned(),
        })
    }

    pub(crate) fn read(&self) -> io::Result<String> {
        fs::read_to_string(&self.temporary)
    }

    /// Gives the file its name.
    pub(crate) fn appear(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)?;
        sync_directory(&self.path)
    }
}

impl Drop for WholeFile {
    /// Nothing is left there once it has appeared.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}
