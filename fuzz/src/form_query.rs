use std::collections::HashMap;

use stepgate_domain::oauth::parameters::Parameters;

/// Each look goes through all of them.
const LOOKED_UP: usize = 32;

/// A form is read as the URL standard says, a value is given only where its name came once, and what
/// was read is read again when it is written.
pub fn form_query(data: &[u8]) {
    let parameters = Parameters::parse(data);
    let pairs = pairs(data);
    let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in &pairs {
        values.entry(name).or_default().push(value);
    }
    for (name, values) in values.iter().take(LOOKED_UP) {
        match (parameters.get(name), values.as_slice()) {
            (Ok(None), [""]) => {}
            (Ok(Some(read)), [value]) => assert_eq!(read, *value),
            (Err(repeated), [_, _, ..]) => assert_eq!(repeated.0, *name),
            (read, values) => assert!(values.is_empty(), "{name}: {read:?}, but {values:?}"),
        }
    }
    let is_repeated = values.values().any(|values| values.len() > 1);
    assert_eq!(parameters.each_once().is_err(), is_repeated);
    let written = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    assert_eq!(Parameters::parse(written.as_bytes()), parameters);
    // What stands in query and body is given twice.
    let name = pairs.first().map(|(name, _)| name.as_str());
    if let Some(name) = name {
        let both = parameters.clone().and(parameters);
        assert!(both.get(name).is_err());
    }
}

/// `application/x-www-form-urlencoded` by the letter of the URL standard (§5.1).
fn pairs(data: &[u8]) -> Vec<(String, String)> {
    data.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decoded(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect()
}

fn decoded(encoded: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => bytes.push(byte),
            None if *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
        rest = match escaped {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
