//! What was seen: a column for each thing that an answer shows, a row for each name.

use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: usize,
    columns: BTreeMap<String, Column>,
}

#[derive(Debug, Clone)]
pub(super) enum Column {
    /// Absent is below everything.
    Numbers(Vec<f64>),
    /// The number of the text in `texts`; absent is the first, an empty one.
    Texts { texts: Vec<String>, of: Vec<usize> },
}

impl Table {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            rows,
            columns: BTreeMap::new(),
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, it)| (name.as_str(), it))
    }

    pub(super) fn number(&mut self, row: usize, name: &str, value: f64) {
        let empty = || Column::Numbers(vec![f64::NEG_INFINITY; self.rows]);
        let column = self.columns.entry(name.to_owned()).or_insert_with(empty);
        if let Column::Numbers(cells) = column
            && let Some(cell) = cells.get_mut(row)
        {
            *cell = value;
        }
    }

    pub(super) fn text(&mut self, row: usize, name: &str, value: &str) {
        let empty = || Column::Texts {
            texts: vec![String::new()],
            of: vec![0; self.rows],
        };
        let column = self.columns.entry(name.to_owned()).or_insert_with(empty);
        if let Column::Texts { texts, of } = column
            && let Some(cell) = of.get_mut(row)
        {
            let known = texts.iter().position(|it| it == value);
            *cell = known.unwrap_or_else(|| {
                texts.push(value.to_owned());
                texts.len() - 1
            });
        }
    }
}

impl Column {
    /// Of these rows, in their order.
    pub(super) fn of_rows(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(cells) => Self::Numbers(pick(cells, rows)),
            Self::Texts { texts, of } => Self::Texts {
                texts: texts.clone(),
                of: pick(of, rows),
            },
        }
    }

    /// Whether every row shows the same.
    pub(super) fn is_constant(&self) -> bool {
        fn same<T: PartialEq>(cells: &[T]) -> bool {
            cells.iter().all(|cell| Some(cell) == cells.first())
        }
        match self {
            Self::Numbers(cells) => same(cells),
            Self::Texts { of, .. } => same(of),
        }
    }

    /// The column in words: of the text that differs most how often each group shows it, or both medians.
    pub(super) fn told(&self, is_somebody: &[bool]) -> String {
        match self {
            Self::Numbers(cells) => {
                let (ones, others) = split(cells, is_somebody);
                format!("median {} / {}", median(ones), median(others))
            }
            Self::Texts { texts, of } => {
                let (ones, others) = split(of, is_somebody);
                let (ones, others) = (shares(&ones), shares(&others));
                let of = |shares: &HashMap<usize, f64>, text| *shares.get(&text).unwrap_or(&0.0);
                let differing = (0..texts.len()).max_by(|&a, &b| {
                    let apart = |text| (of(&ones, text) - of(&others, text)).abs();
                    apart(a).total_cmp(&apart(b))
                });
                let text = differing.unwrap_or_default();
                let shown = texts.get(text).map_or("", String::as_str);
                let shown: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                let shown: String = shown.chars().take(48).collect();
                let shown = if text == 0 { "absent" } else { &shown };
                let (one, other) = (of(&ones, text) * 100.0, of(&others, text) * 100.0);
                format!("{one:.0} % / {other:.0} % `{shown}`")
            }
        }
    }
}

/// The cells of somebody's names, and those of nobody's.
pub(super) fn split<T: Copy>(cells: &[T], is_somebody: &[bool]) -> (Vec<T>, Vec<T>) {
    let (ones, others): (Vec<_>, Vec<_>) = cells.iter().zip(is_somebody).partition(|it| *it.1);
    let plain = |half: Vec<(&T, &bool)>| half.into_iter().map(|it| *it.0).collect();
    (plain(ones), plain(others))
}

fn pick<T: Copy>(cells: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter()
        .filter_map(|&row| cells.get(row).copied())
        .collect()
}

fn median(mut cells: Vec<f64>) -> String {
    cells.sort_by(f64::total_cmp);
    let middle = cells.get(cells.len() / 2).copied();
    middle
        .filter(|it| it.is_finite())
        .map_or("absent".to_owned(), |it| format!("{it:.3}"))
}

fn shares(cells: &[usize]) -> HashMap<usize, f64> {
    let mut shares = HashMap::new();
    for &cell in cells {
        *shares.entry(cell).or_default() += 1.0 / super::auc::count(cells.len());
    }
    shares
}
