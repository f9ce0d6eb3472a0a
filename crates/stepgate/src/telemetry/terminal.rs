//! Log lines for a person at a terminal: short enough not to be wrapped.

use std::fmt::{self, Debug};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// What an id is shortened to. Whoever looks for one finds it by its beginning.
const BEGINNING: usize = 8;

#[derive(Debug)]
pub(super) struct Terminal;

impl<S, N> FormatEvent<S, N> for Terminal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        write!(writer, "{} ", time_of_day()?)?;
        match fields.value("message") {
            Some("answered") => answered(&mut writer, &fields)?,
            message => {
                painted(&mut writer, level)?;
                write!(writer, " {}", message.unwrap_or_default())?;
                for (name, value) in fields.0.iter().filter(|(name, _)| *name != "message") {
                    write!(writer, " {name}={value}")?;
                }
            }
        }
        writeln!(writer)
    }
}

/// One request: `20:24:36 401   0.312 ms POST /3f0c1f8a/as/token 5e08e4f6 invalid_client: …`
fn answered(writer: &mut Writer<'_>, fields: &Fields) -> fmt::Result {
    let value = |name| fields.value(name).unwrap_or_default();
    let begins = |name| value(name).get(..BEGINNING).unwrap_or_default();
    let path = match begins("environment") {
        "" => value("path").to_owned(),
        environment => value("path").replacen("{environmentID}", environment, 1),
    };
    let (status, method, id) = (value("status"), value("method"), begins("correlation_id"));
    let milliseconds = value("milliseconds");
    write!(writer, "{status} {milliseconds:>7} ms {method} {path} {id}")?;
    if let Some(reason) = fields.value("reason") {
        write!(writer, " {}: {reason}", value("error"))?;
    }
    if let Some(detail) = fields.value("detail") {
        write!(writer, " ({detail})")?;
    }
    Ok(())
}

fn time_of_day() -> Result<String, fmt::Error> {
    let mut whole = String::new();
    SystemTime.format_time(&mut Writer::new(&mut whole))?;
    let time = whole.split('T').nth(1).unwrap_or(&whole);
    Ok(time.chars().take(BEGINNING).collect())
}

fn painted(writer: &mut Writer<'_>, level: Level) -> fmt::Result {
    let colour = match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        _ => return write!(writer, "{level:<5}"),
    };
    if writer.has_ansi_escapes() {
        write!(writer, "\u{1b}[{colour}m{level:<5}\u{1b}[0m")
    } else {
        write!(writer, "{level:<5}")
    }
}

/// The fields of an event as they are shown, without what a terminal would obey.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.as_str())
    }

    fn add(&mut self, field: &Field, value: impl fmt::Display) {
        let mut shown = String::new();
        for character in value.to_string().chars() {
            if character.is_control() {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        self.0.push((field.name(), shown));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written, without the time of day.
    fn line(log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .event_format(Terminal)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with('\n'));
        let (time, line) = text.trim_end().split_once(' ').unwrap();
        assert_eq!(time.len(), 8, "{time}");
        line.to_owned()
    }

    #[test]
    fn a_request_is_a_line_that_fits() {
        let line = line(|| {
            tracing::info!(
                method = "POST",
                path = %"/{environmentID}/as/token",
                environment = Some(tracing::field::display("3f0c1f8a-0000-4000-8000-000000000000")),
                client = Some(tracing::field::display("77777777-0000-4000-8000-000000000000")),
                status = 401,
                milliseconds = 0.312,
                correlation_id = "5e08e4f6-0000-4000-8000-000000000000",
                error = "invalid_client",
                reason = "client_secret_wrong",
                "answered"
            );
        });
        assert_eq!(
            line,
            "401   0.312 ms POST /3f0c1f8a/as/token 5e08e4f6 invalid_client: client_secret_wrong"
        );
        assert!(line.len() + "20:24:36 ".len() <= 100);
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        let line = line(|| tracing::warn!(path = "a\u{1b}[2J\nb", "look"));
        assert_eq!(line, "WARN  look path=a\\u{1b}[2J\\nb");
    }
}
