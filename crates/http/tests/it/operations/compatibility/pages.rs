//! The tables of the compatibility pages, as their readers take them. How a row is written is said
//! on the first page.

/// Each page, and its text.
const PAGES: [(&str, &str); 3] = [
    (
        "compatibility.md",
        include_str!("../../../../../../docs/compatibility.md"),
    ),
    (
        "sign-on.md",
        include_str!("../../../../../../docs/compatibility/sign-on.md"),
    ),
    (
        "tokens.md",
        include_str!("../../../../../../docs/compatibility/tokens.md"),
    ),
];

/// A row of a table whose first column has the heading.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) page: &'static str,
    pub(super) cells: Vec<&'static str>,
}

impl Row {
    /// What stands in code in one of its cells.
    pub(super) fn code(&self, cell: usize) -> Vec<&'static str> {
        code(self.cells[cell])
    }
}

pub(super) fn code(text: &'static str) -> Vec<&'static str> {
    text.split('`').skip(1).step_by(2).collect()
}

pub(super) fn rows(heading: &str) -> Vec<Row> {
    let mut found = Vec::new();
    for (page, text) in PAGES {
        let mut is_wanted = false;
        for line in text.lines() {
            let Some(line) = line.strip_prefix('|') else {
                is_wanted = false;
                continue;
            };
            let line = line.strip_suffix('|').unwrap();
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            if cells[0] == heading {
                is_wanted = true;
            } else if is_wanted && !cells[0].starts_with("---") {
                found.push(Row { page, cells });
            }
        }
    }
    assert!(!found.is_empty(), "no table begins with {heading}");
    found
}

/// What a row says of one method, path and media type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) method: String,
    /// `{}` stands for every parameter.
    pub(super) path: String,
    /// `None`: JSON, a form, or nothing.
    pub(super) media_type: Option<String>,
    /// `None`: the row gives several for one operation, as those of redirects do.
    pub(super) status: Option<u16>,
}

/// The paths in a text. `…` is what the first one begins with.
pub(super) fn paths(spans: &[&str]) -> Vec<String> {
    let mut first: Option<String> = None;
    let mut paths = Vec::new();
    for span in spans.iter().filter(|span| is_path(span)) {
        let path = match (span.strip_prefix('…'), &first) {
            (Some(rest), Some(first)) => format!("{first}{}", steps(rest)),
            (Some(_), None) => panic!("{span} is behind nothing"),
            (None, _) => whole(span),
        };
        first.get_or_insert_with(|| path.clone());
        paths.push(path);
    }
    paths
}

fn is_path(span: &str) -> bool {
    span != "application/json" && (span.contains('/') || ["E", "U"].contains(&span))
}

fn whole(span: &str) -> String {
    let (head, rest) = span.split_once('/').unwrap_or((span, ""));
    let environment = "/v1/environments/{}";
    let base = match head {
        "" => String::new(),
        "E" => environment.to_owned(),
        "U" => format!("{environment}/users/{{}}"),
        "A" => "/{}".to_owned(),
        other => panic!("{other} stands for no path"),
    };
    let rest = steps(rest.split('?').next().unwrap());
    match (base.as_str(), rest.as_str()) {
        (_, "") => base,
        _ => format!("{base}/{rest}"),
    }
}

/// The steps of a path, with `{}` for every parameter.
pub(super) fn steps(path: &str) -> String {
    let steps = path.split('/').map(|step| match step {
        step if step.starts_with('{') => "{}",
        step => step,
    });
    steps.collect::<Vec<_>>().join("/")
}

/// The operations of a row: methods, paths, media types; and the statuses in the next cell.
pub(super) fn operations(row: &Row) -> Vec<Named> {
    let groups: Vec<_> = row.cells[0].split("; ").collect();
    let statuses: Vec<_> = row.cells[1].split("; ").collect();
    let mut all = Vec::new();
    let mut before = Vec::new();
    for (number, group) in groups.into_iter().enumerate() {
        let methods = group.split('`').next().unwrap().trim();
        let methods: Vec<_> = methods.split(", ").collect();
        let spans = code(group);
        let first = before.len();
        before.extend(spans.iter().copied());
        let paths = paths(&before).split_off(paths(&before[..first]).len());
        let media: Vec<_> = spans.iter().filter(|span| !is_path(span)).collect();
        let statuses: Vec<_> = statuses.get(number).unwrap_or(&"").split(", ").collect();
        for (place, method) in methods.iter().enumerate() {
            let status = match statuses.as_slice() {
                _ if row.page == "sign-on.md" => None,
                [one] => one.parse().ok(),
                several if several.len() == methods.len() => several[place].parse().ok(),
                _ => None,
            };
            for path in &paths {
                let named = |media_type: Option<String>| Named {
                    method: (*method).to_owned(),
                    path: path.clone(),
                    media_type,
                    status,
                };
                if media.is_empty() {
                    all.push(named(None));
                }
                let plain = |media: &&str| (*media != "application/json").then(|| (*media).into());
                all.extend(media.iter().map(|media| named(plain(media))));
            }
        }
    }
    all
}
