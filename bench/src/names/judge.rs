//! The verdict: how well each column, and all of them together, tell somebody's names from nobody's.

use super::{
    auc::{auc, deviation, folded},
    learned,
    observe::{SHOWS, TIME},
    table::{Column, Table, split},
};

/// What no column may exceed.
pub(super) const LIMIT: f64 = 0.60;

#[derive(Debug)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) auc: f64,
    pub(super) told: String,
    scores: Vec<f64>,
}

/// What tells one group from nobody's names.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) group: String,
    pub(super) somebody: usize,
    pub(super) nobody: usize,
    pub(super) limit: f64,
    /// Best first.
    pub(super) bytes: Vec<Finding>,
    pub(super) times: Vec<Finding>,
    /// Of all bytes, of all times, and of both, as one guess.
    pub(super) together: [f64; 3],
}

impl Verdict {
    /// `rows`: the names it is about, of which `is_somebody` says whose they are.
    pub(super) fn of(table: &Table, group: &str, rows: &[usize], is_somebody: &[bool]) -> Self {
        let (ones, others) = split(is_somebody, is_somebody);
        let (mut bytes, mut times) = (Vec::new(), Vec::new());
        for (name, column) in table.columns() {
            let column = column.of_rows(rows);
            if !column.is_constant() {
                let list = if is_time(name) {
                    &mut times
                } else {
                    &mut bytes
                };
                list.push(judge(name, &column, is_somebody));
            }
        }
        let together = [
            guess(&bytes, &[], is_somebody),
            guess(&[], &times, is_somebody),
            guess(&bytes, &times, is_somebody),
        ];
        for list in [&mut bytes, &mut times] {
            list.sort_by(|a, b| b.auc.total_cmp(&a.auc));
        }
        // A small group is as far from its limit by chance as 500 and 500 are from theirs.
        let by_chance = (LIMIT - 0.5) * deviation(ones.len(), others.len()) / deviation(500, 500);
        Self {
            group: group.to_owned(),
            somebody: ones.len(),
            nobody: others.len(),
            limit: (0.5 + by_chance).clamp(LIMIT, 1.0),
            bytes,
            times,
            together,
        }
    }

    pub(super) fn holds(&self) -> bool {
        let each = self.bytes.iter().chain(&self.times).map(|it| it.auc);
        each.chain(self.together).all(|auc| auc <= self.limit)
    }
}

/// Whether the column of this name says how long an answer took.
pub(super) fn is_time(name: &str) -> bool {
    name.rsplit_once(SHOWS)
        .is_some_and(|(_, what)| what == TIME)
}

fn judge(name: &str, column: &Column, is_somebody: &[bool]) -> Finding {
    let scores = learned::scores(column, is_somebody);
    let learnt = learned::auc_of_halves(&scores, is_somebody).max(0.5);
    let auc = match column {
        Column::Texts { .. } => learnt,
        Column::Numbers(cells) => {
            let (ones, others) = split(cells, is_somebody);
            folded(auc(&ones, &others)).max(learnt)
        }
    };
    Finding {
        name: name.to_owned(),
        auc,
        told: column.told(is_somebody),
        scores,
    }
}

/// The AUC of what all of them say, added up.
fn guess(bytes: &[Finding], times: &[Finding], is_somebody: &[bool]) -> f64 {
    let mut sums = vec![0.0; is_somebody.len()];
    for finding in bytes.iter().chain(times) {
        for (sum, score) in sums.iter_mut().zip(&finding.scores) {
            *sum += score;
        }
    }
    learned::auc_of_halves(&sums, is_somebody).max(0.5)
}
