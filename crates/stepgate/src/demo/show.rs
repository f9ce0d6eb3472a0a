//! How the demo looks: colour on a terminal, plain text in a pipe.

use std::time::Duration;

use serde_json::Value;
use stepgate_client::{Authorization, Exchange, Request};

use super::Row;
use crate::output;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";

pub(super) struct Screen {
    colour: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            colour: output::is_watched(),
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn title(&self, text: &str) {
        output::line("");
        output::line(self.paint(BOLD, text));
    }

    pub(super) fn exchange(&self, title: &str, exchange: &Exchange) {
        self.title(title);
        self.request(&exchange.request);
        let status = exchange.answer.status;
        let style = if status < 400 { GREEN } else { RED };
        note(&self.paint(style, &format!("→ {status}")));
        if let Some(cookies) = exchange.answer.cookies() {
            note(&self.paint(DIM, &format!("Set-Cookie: {cookies}")));
        }
        self.block(&pretty(&exchange.answer.body));
    }

    fn request(&self, request: &Request) {
        note(&self.paint(CYAN, &format!("{} {}", request.method, request.path)));
        let authorization = match &request.authorization {
            Authorization::None => None,
            Authorization::Bearer(_) => Some("Bearer (worker's token)".to_owned()),
            Authorization::Basic(id, _) => Some(format!("Basic ({id})")),
        };
        if let Some(authorization) = authorization {
            note(&self.paint(DIM, &format!("Authorization: {authorization}")));
        }
        if let Some(cookie) = &request.cookie {
            note(&self.paint(DIM, &format!("Cookie: {cookie}")));
        }
        if let Some((media_type, body)) = &request.body {
            note(&self.paint(DIM, &format!("Content-Type: {media_type}")));
            match serde_json::from_str::<Value>(body) {
                Ok(json) => self.block(&pretty(&json)),
                Err(_) => self.block(&body.replace('&', "\n&")),
            }
        }
    }

    pub(super) fn claims(&self, name: &str, claims: &Value) {
        note(&self.paint(CYAN, name));
        self.block(&pretty(claims));
    }

    fn block(&self, text: &str) {
        for line in text.lines() {
            output::line(format_args!("    {}", self.paint(DIM, line)));
        }
    }

    /// The table of all steps. Answers whether anything differed.
    pub(super) fn summary(&self, rows: &[Row], elapsed: Duration) -> bool {
        self.title("Summary");
        for row in rows {
            let mark = if row.differences.is_empty() {
                self.paint(GREEN, "ok")
            } else {
                self.paint(RED, "DIFFERS")
            };
            note(&format!("{:<56} {mark}", row.title));
            for difference in &row.differences {
                note(&format!("    {difference}"));
            }
        }
        let wrong = rows
            .iter()
            .filter(|row| !row.differences.is_empty())
            .count();
        output::line("");
        let time = format!("{:.2} s", elapsed.as_secs_f64());
        let text = match wrong {
            0 => format!("All {} checks are as promised, in {time}.", rows.len()),
            _ => format!("{wrong} of {} checks differ, after {time}.", rows.len()),
        };
        output::line(self.paint(BOLD, &text));
        wrong > 0
    }
}

/// A line that belongs to what stands above it.
pub(super) fn note(text: &str) {
    output::line(format_args!("  {text}"));
}

fn pretty(body: &Value) -> String {
    match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(differences: &[&str]) -> Row {
        Row {
            title: "a check".to_owned(),
            differences: differences.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn one_difference_is_enough_to_fail() {
        let screen = Screen::new();
        assert!(!screen.summary(&[row(&[]), row(&[])], Duration::ZERO));
        assert!(screen.summary(
            &[row(&[]), row(&["status is 400, not 200"])],
            Duration::ZERO
        ));
    }
}
