//! A disk that can be full.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use tempfile::TempDir;

/// A small file system of its own, gone with the value.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn of(kilobytes: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={kilobytes}k,mode=700");
        mount(&["-t", "tmpfs", "-o", &size, "none"], directory.path());
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A directory elsewhere, whose `data` is on this disk.
    pub(crate) fn place(&self) -> TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(self.path().join("data")).unwrap();
        symlink(self.path().join("data"), place.path().join("data")).unwrap();
        place
    }

    pub(crate) fn make_read_only(&self) {
        mount(&["-o", "remount,ro"], self.0.path());
    }

    pub(crate) fn grow(&self) {
        mount(&["-o", "remount,size=64m"], self.0.path());
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let mounted = Command::new("mount").args(arguments).arg(at).output();
    let mounted = mounted.unwrap();
    assert!(
        mounted.status.success(),
        "this test mounts a file system of its own, for which it must run as root: {}",
        String::from_utf8_lossy(&mounted.stderr)
    );
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
