//! The key that seals all others.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use stepgate_domain::{entropy::Entropy, secret::Secret};

use crate::whole_file::{PRIVATE, WholeFile};

const BYTES: usize = 32;

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub(crate) enum MasterKey {
    /// From the environment or a file of the operator's.
    Given {
        key: Secret<[u8; BYTES]>,
        file: Option<PathBuf>,
    },
    /// Kept in this file of the data directory, and made there when it is absent. Whoever copies the
    /// directory has the key as well, so production refuses it.
    Kept(PathBuf),
}

impl MasterKey {
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Given { file, .. } => file.as_deref(),
            Self::Kept(file) => Some(file),
        }
    }

    /// The key itself. One is made only where none `has_sealed` anything yet: it would not open what
    /// another has sealed.
    pub(crate) fn load(
        &self,
        has_sealed: bool,
        entropy: &mut dyn Entropy,
    ) -> anyhow::Result<Secret<[u8; BYTES]>> {
        let path = match self {
            Self::Given { key, .. } => return Ok(key.clone()),
            Self::Kept(path) => path,
        };
        match fs::read_to_string(path) {
            Ok(text) => {
                decode(&text).map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_sealed => bail!(
                "{} is missing, and the database cannot be read without it: restore it, or name the key \
                 with --master-key-file",
                path.display()
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Secret::new(entropy.bytes::<BYTES>());
                let text = format!("{}\n", HEXLOWER.encode(key.expose()));
                WholeFile::write(path, &text, PRIVATE)
                    .and_then(WholeFile::appear)
                    .with_context(|| format!("{} cannot be written", path.display()))?;
                tracing::warn!(
                    "a master key was made in the data directory: whoever copies the directory has the key as well"
                );
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
}

/// 32 bytes as hexadecimal digits or as base64, with or without padding.
pub(crate) fn decode(text: &str) -> Result<Secret<[u8; BYTES]>, String> {
    let text = text.trim().as_bytes();
    if text.is_empty() {
        return Err("is empty, as a full disk leaves a file: restore the key, or remove the file if nothing was \
                    sealed with it".to_owned());
    }
    [HEXLOWER_PERMISSIVE, BASE64, BASE64_NOPAD, BASE64URL_NOPAD]
        .iter()
        .filter_map(|encoding| encoding.decode(text).ok())
        .find_map(|bytes| <[u8; BYTES]>::try_from(bytes).ok())
        .map(Secret::new)
        .ok_or_else(|| format!("must be {BYTES} bytes as hex or base64"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use stepgate_domain::entropy::Seeded;

    use super::*;

    #[test]
    fn hex_and_base64_mean_the_same_key() {
        let key = [7; BYTES];
        for text in [
            HEXLOWER.encode(&key),
            BASE64.encode(&key),
            format!("{}\n", BASE64URL_NOPAD.encode(&key)),
        ] {
            assert_eq!(*decode(&text).unwrap().expose(), key, "{text}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for text in [
            "",
            "00",
            &HEXLOWER.encode(&[7; 31]),
            &BASE64.encode(&[7; 33]),
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kept_key_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let kept = MasterKey::Kept(path.clone());
        let made = kept.load(false, &mut Seeded(1)).unwrap();
        let read = kept.load(true, &mut Seeded(2)).unwrap();
        assert_eq!(made.expose(), read.expose());
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn no_key_is_made_where_another_has_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let kept = MasterKey::Kept(path.clone());
        let error = kept.load(true, &mut Seeded(1)).unwrap_err();
        assert!(error.to_string().contains("is missing"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn an_empty_key_is_told_from_a_wrong_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        fs::write(&path, "\n").unwrap();
        for has_sealed in [false, true] {
            let kept = MasterKey::Kept(path.clone());
            let error = kept.load(has_sealed, &mut Seeded(1)).unwrap_err();
            assert!(error.to_string().contains("is empty"), "{error}");
        }
    }
}
