//! Recursive descent over the grammar of RFC 7644 §3.4.2.2, without `pr`.

use super::{Comparison, Filter, FilterError, Operator};

/// In bytes. A query string is not longer anyway.
const MAX_LENGTH: usize = 8_192;
/// Of parentheses, brackets and `not`.
const MAX_DEPTH: u32 = 16;
/// Each becomes a condition of a query.
const MAX_COMPARISONS: u32 = 100;

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > MAX_LENGTH {
        return Err(FilterError::TooComplex);
    }
    let mut parser = Parser {
        text,
        position: 0,
        comparisons: 0,
    };
    let filter = parser.or(0)?;
    parser.skip_space();
    if parser.rest().is_empty() {
        Ok(filter)
    } else {
        Err(parser.expected("the end, 'and' or 'or'"))
    }
}

struct Parser<'t> {
    text: &'t str,
    /// In bytes.
    position: usize,
    comparisons: u32,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let before = self.text.get(..self.position).unwrap_or_default();
        FilterError::Syntax {
            position: before.chars().count() + 1,
            expected,
        }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, symbol: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.position += symbol.len_utf8();
        }
        found
    }

    /// Takes the characters up to the next that does not belong to a word.
    fn word(&mut self) -> &'t str {
        self.skip_space();
        let rest = self.rest();
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        self.position += end;
        rest.get(..end).unwrap_or_default()
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let start = self.position;
        let found = self.word().eq_ignore_ascii_case(keyword);
        if !found {
            self.position = start;
        }
        found
    }

    fn or(&mut self, depth: u32) -> Result<Filter, FilterError> {
        self.chain("or", depth, Self::and, Filter::Or)
    }

    fn and(&mut self, depth: u32) -> Result<Filter, FilterError> {
        self.chain("and", depth, Self::term, Filter::And)
    }

    fn chain(
        &mut self,
        keyword: &str,
        depth: u32,
        part: fn(&mut Self, u32) -> Result<Filter, FilterError>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, FilterError> {
        let first = part(self, depth)?;
        let mut filters = Vec::new();
        while self.take_keyword(keyword) {
            filters.push(part(self, depth)?);
        }
        if filters.is_empty() {
            return Ok(first);
        }
        filters.insert(0, first);
        Ok(join(filters))
    }

    fn term(&mut self, depth: u32) -> Result<Filter, FilterError> {
        if depth > MAX_DEPTH {
            return Err(FilterError::TooComplex);
        }
        if self.take('(') {
            let filter = self.or(depth + 1)?;
            return if self.take(')') {
                Ok(filter)
            } else {
                Err(self.expected("')'"))
            };
        }
        let start = self.position;
        if self.take_keyword("not") {
            if self.take('(') {
                let filter = self.or(depth + 1)?;
                let not = Filter::Not(Box::new(filter));
                return if self.take(')') {
                    Ok(not)
                } else {
                    Err(self.expected("')'"))
                };
            }
            // An attribute may be called so.
            self.position = start;
        }
        let attribute = self.attribute()?;
        if self.take('[') {
            let filter = Box::new(self.or(depth + 1)?);
            let within = Filter::Within { attribute, filter };
            return if self.take(']') {
                Ok(within)
            } else {
                Err(self.expected("']'"))
            };
        }
        let operator = self.operator()?;
        let value = self.value()?;
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(FilterError::TooComplex);
        }
        Ok(Filter::Compare(Comparison {
            attribute,
            operator,
            value,
        }))
    }

    fn attribute(&mut self) -> Result<String, FilterError> {
        self.skip_space();
        if self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            Ok(self.word().to_owned())
        } else {
            Err(self.expected("an attribute"))
        }
    }

    fn operator(&mut self) -> Result<Operator, FilterError> {
        self.skip_space();
        let start = self.position;
        let word = self.word();
        let found = Operator::ALL
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(word));
        found.ok_or_else(|| {
            self.position = start;
            self.expected("an operator")
        })
    }

    fn value(&mut self) -> Result<String, FilterError> {
        self.skip_space();
        if let Some(quote) = self
            .rest()
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
        {
            return self.string(quote);
        }
        let start = self.position;
        let word = self.word();
        let is_literal = word.eq_ignore_ascii_case("true")
            || word.eq_ignore_ascii_case("false")
            || is_number(word);
        if is_literal {
            return Ok(word.to_ascii_lowercase());
        }
        self.position = start;
        Err(self.expected("a string, a number, true or false"))
    }

    fn string(&mut self, quote: char) -> Result<String, FilterError> {
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let start = self.position;
        while let Some((offset, character)) = characters.next() {
            self.position = start + offset;
            if character == quote {
                self.position += quote.len_utf8();
                return Ok(value);
            }
            if character != '\\' {
                value.push(character);
                continue;
            }
            match characters.next().map(|(_, escape)| escape) {
                Some(escape @ ('"' | '\'' | '\\' | '/')) => value.push(escape),
                Some('b') => value.push('\u{8}'),
                Some('f') => value.push('\u{c}'),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('u') => match utf16_escape(&mut characters.by_ref().map(|(_, c)| c)) {
                    Some(text) => value.push_str(&text),
                    None => return Err(self.expected("an escape sequence")),
                },
                Some(_) | None => return Err(self.expected("an escape sequence")),
            }
        }
        self.position = self.text.len();
        Err(self.expected("the closing quote"))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '$' | '+')
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && word.parse::<f64>().is_ok_and(f64::is_finite)
}

/// What follows `\u`: four digits, or eight in the two escapes of a surrogate pair.
fn utf16_escape(characters: &mut impl Iterator<Item = char>) -> Option<String> {
    let first = hexadecimal(characters.by_ref().take(4))?;
    let mut units = vec![first];
    if (0xd800..=0xdbff).contains(&first) {
        if (characters.next(), characters.next()) != (Some('\\'), Some('u')) {
            return None;
        }
        units.push(hexadecimal(characters.by_ref().take(4))?);
    }
    String::from_utf16(&units).ok()
}

fn hexadecimal(digits: impl Iterator<Item = char>) -> Option<u16> {
    let text: String = digits.collect();
    let is_hexadecimal = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal {
        u16::from_str_radix(&text, 16).ok()
    } else {
        None
    }
}
