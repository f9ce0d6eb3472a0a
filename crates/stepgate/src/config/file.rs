//! The configuration file: TOML, whose first line of meaning is `version = 1`.

use std::{collections::BTreeMap, fs};

use toml::de::{DeTable, DeValue};

use super::{
    fault::{Faults, Place},
    table::{Given, SETTINGS},
};

/// Values by dotted key.
pub(crate) type Entries = BTreeMap<&'static str, Given>;

pub(crate) fn read(path: &Given, faults: &mut Faults) -> Entries {
    match fs::read_to_string(&path.text) {
        Ok(text) => parse(&path.text, &text, faults),
        Err(error) => {
            faults.add(
                path.place.clone(),
                format!("{} cannot be read: {error}", path.text),
            );
            Entries::new()
        }
    }
}

fn parse(name: &str, text: &str, faults: &mut Faults) -> Entries {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let start = error.span().map_or(0, |span| span.start);
        faults.add(Place::line(name, text, start), error.message());
    }
    let mut walk = Walk {
        name,
        text,
        faults,
        entries: Entries::new(),
    };
    match document.get_ref().get("version") {
        Some(version)
            if version
                .get_ref()
                .as_integer()
                .is_some_and(|it| it.as_str() == "1") => {}
        Some(version) => walk.complain(version.span().start, "version must be 1"),
        None => walk.complain(0, "version = 1 is missing"),
    }
    walk.table("", document.get_ref());
    walk.entries
}

struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    faults: &'a mut Faults,
    entries: Entries,
}

impl Walk<'_> {
    fn complain(&mut self, offset: usize, message: impl Into<String>) {
        self.faults
            .add(Place::line(self.name, self.text, offset), message);
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let offset = name.span().start;
            if let Some(inner) = value.get_ref().as_table()
                && prefix.is_empty()
                && is_section(&key)
            {
                self.table(&format!("{key}."), inner);
            } else if let Some(setting) = SETTINGS
                .iter()
                .find(|setting| setting.key == key && key != "config")
            {
                let (text, shape) = if setting.is_list() {
                    (list(value.get_ref()), "a string or a list of strings")
                } else {
                    (scalar(value.get_ref()), "a string, a number or a boolean")
                };
                match text {
                    Some(text) => {
                        let place = Place::line(self.name, self.text, offset);
                        self.entries.insert(setting.key, Given { text, place });
                    }
                    None => self.complain(offset, format!("{key} must be {shape}")),
                }
            } else if key != "version" {
                self.complain(offset, format!("{key} is not a setting"));
            }
        }
    }
}

fn is_section(key: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        setting
            .key
            .split_once('.')
            .is_some_and(|(section, _)| section == key)
    })
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// The items with commas between them.
fn list(value: &DeValue<'_>) -> Option<String> {
    let Some(items) = value.as_array() else {
        return value.as_str().map(str::to_owned);
    };
    let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
    Some(items?.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        let mut faults = Faults::default();
        parse("stepgate.toml", text, &mut faults);
        faults.lines()
    }

    #[test]
    fn values_are_found_under_their_dotted_keys() {
        let mut faults = Faults::default();
        let text = "version = 1\ninbox = true\n[smtp]\nport = 2525\n";
        let entries = parse("stepgate.toml", text, &mut faults);
        assert!(faults.is_empty(), "{faults}");
        assert_eq!(entries["inbox"].text, "true");
        assert_eq!(entries["smtp.port"].text, "2525");
        assert_eq!(entries["smtp.port"].place.to_string(), "stepgate.toml:4");
    }

    #[test]
    fn every_unknown_or_misshapen_key_is_named_with_its_line() {
        let text = "version = 1\nlisen = \"127.0.0.1:1\"\nlisten = [1]\nmode = [1]\n[sms]\nurl = \"x\"\n[sns]\na = 1\n";
        assert_eq!(
            faults_of(text),
            [
                "stepgate.toml:2: lisen is not a setting",
                "stepgate.toml:3: listen must be a string or a list of strings",
                "stepgate.toml:4: mode must be a string, a number or a boolean",
                "stepgate.toml:6: sms.url is not a setting",
                "stepgate.toml:7: sns is not a setting",
            ]
        );
    }

    #[test]
    fn the_version_is_required_and_must_be_known() {
        assert_eq!(faults_of(""), ["stepgate.toml:1: version = 1 is missing"]);
        assert_eq!(
            faults_of("\nversion = 2\n"),
            ["stepgate.toml:2: version must be 1"]
        );
    }

    #[test]
    fn a_broken_line_hides_nothing_after_it() {
        let faults = faults_of("version = 1\nmode = = 1\nlisen = \"x\"\n");
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with("stepgate.toml:2: ")),
            "{faults:?}"
        );
        assert!(
            faults.contains(&"stepgate.toml:3: lisen is not a setting".to_owned()),
            "{faults:?}"
        );
    }
}
