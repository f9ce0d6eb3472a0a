//! Takes values out of the layers and collects what is wrong with them.

use std::{collections::BTreeMap, fmt::Display, fs, str::FromStr};

use stepgate_domain::secret::Secret;

use super::{
    fault::{Faults, Place},
    file::Entries,
    table::{Given, SETTINGS},
};

#[derive(Debug)]
pub(crate) struct Reader {
    given: BTreeMap<&'static str, Given>,
    written: Entries,
    faults: Faults,
}

impl Reader {
    pub(crate) fn new(
        given: BTreeMap<&'static str, Given>,
        written: Entries,
        faults: Faults,
    ) -> Self {
        Self {
            given,
            written,
            faults,
        }
    }

    /// The value that wins, as it was written.
    pub(crate) fn raw(&self, key: &str) -> Option<&Given> {
        self.given.get(key).or_else(|| self.written.get(key))
    }

    /// Where the value stands, or the flag where it could have been given.
    pub(crate) fn place(&self, key: &str) -> Place {
        if let Some(given) = self.raw(key) {
            return given.place.clone();
        }
        let setting = SETTINGS.iter().find(|setting| setting.key == key);
        match setting.map(|setting| (setting.flag, setting.variable)) {
            Some((Some(flag), _)) => Place::named(&format!("--{flag}")),
            Some((None, variable)) => Place::named(variable),
            None => Place::named(key),
        }
    }

    pub(crate) fn complain(&mut self, key: &str, message: impl Into<String>) {
        let place = self.place(key);
        self.faults.add(place, message);
    }

    pub(crate) fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.raw(key)?.text.clone();
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.complain(key, message);
                None
            }
        }
    }

    /// The items of a list, each judged for itself. An empty list is one.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let text = self.raw(key)?.text.clone();
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        if items == [""] {
            return Some(Vec::new());
        }
        let mut parsed = Vec::new();
        for item in &items {
            match parse(item) {
                Ok(value) => parsed.push(value),
                Err(message) if items.len() == 1 => self.complain(key, message),
                Err(message) => self.complain(key, format!("{item}: {message}")),
            }
        }
        (parsed.len() == items.len()).then_some(parsed)
    }

    pub(crate) fn required<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.raw(key).is_none() {
            self.complain(key, "is required");
        }
        self.optional(key, parse)
    }

    /// A secret from `key` itself or from the file that `{key}_file` names.
    pub(crate) fn secret(&mut self, key: &str) -> Option<Secret<String>> {
        let by_file = format!("{key}_file");
        match (self.raw(key).cloned(), self.raw(&by_file).cloned()) {
            (Some(_), Some(_)) => {
                let other = self.place(key);
                self.complain(
                    &by_file,
                    format!("is given together with {other}: choose one"),
                );
                None
            }
            (Some(given), None) => Some(Secret::new(given.text)),
            (None, Some(_)) => self.optional(&by_file, |path| match fs::read_to_string(path) {
                Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())),
                Err(error) => Err(format!("{path} cannot be read: {error}")),
            }),
            (None, None) => None,
        }
    }

    pub(crate) fn has_section(&self, section: &str) -> bool {
        SETTINGS.iter().any(|setting| {
            let of_section = setting
                .key
                .split_once('.')
                .is_some_and(|(name, _)| name == section);
            of_section && self.raw(setting.key).is_some()
        })
    }

    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }
}

/// A text that is not empty.
pub(crate) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(value.to_owned())
    }
}

/// A whole number, and not too small a one.
pub(crate) fn whole<T: FromStr + PartialOrd + Display + Copy>(
    text: &str,
    least: T,
) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|number| *number >= least)
        .ok_or_else(|| format!("must be a whole number from {least}"))
}
