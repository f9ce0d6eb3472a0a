//! What can be learnt from values of which none is above the other: how much likelier each is with
//! somebody's name. Learnt on one half of the names and tried on the other, since who learns and tries on
//! the same names finds a pattern in any noise.

use std::collections::HashMap;

use super::{
    auc::{auc, count},
    table::{Column, split},
};

/// For each row the logarithm of how much likelier it is somebody's, by what the other half taught.
/// Rows come in a random order, so every other one is a half.
pub(super) fn scores(column: &Column, is_somebody: &[bool]) -> Vec<f64> {
    let [even, odd] = [0, 1].map(|half| {
        let categories = categories(column, half);
        let learnt = learn(&categories, is_somebody, half);
        let score = |category| learnt.get(category).copied().unwrap_or_default();
        categories.iter().map(score).collect::<Vec<f64>>()
    });
    // What the even rows taught is for the odd ones.
    let pairs = even.into_iter().zip(odd).enumerate();
    pairs
        .map(|(row, (by_even, by_odd))| if row % 2 == 0 { by_odd } else { by_even })
        .collect()
}

/// The mean AUC of both halves. Not folded: what was learnt has a direction.
pub(super) fn auc_of_halves(scores: &[f64], is_somebody: &[bool]) -> f64 {
    let [even, odd] = [0, 1].map(|half| {
        let cells: Vec<f64> = scores.iter().skip(half).step_by(2).copied().collect();
        let groups: Vec<bool> = is_somebody.iter().skip(half).step_by(2).copied().collect();
        let (ones, others) = split(&cells, &groups);
        auc(&ones, &others)
    });
    f64::midpoint(even, odd)
}

/// Texts are categories already. Numbers become some by the deciles of the half that teaches, which
/// are categories of their own where they are met exactly.
fn categories(column: &Column, half: usize) -> Vec<usize> {
    match column {
        Column::Texts { of, .. } => of.clone(),
        Column::Numbers(cells) => {
            let mut taught: Vec<f64> = cells.iter().skip(half).step_by(2).copied().collect();
            taught.sort_by(f64::total_cmp);
            let deciles =
                (1..10).filter_map(|tenth| taught.get(taught.len() * tenth / 10).copied());
            let mut edges: Vec<f64> = deciles.collect();
            edges.dedup();
            let place = |cell: &f64| {
                edges.partition_point(|edge| edge < cell)
                    + edges.partition_point(|edge| edge <= cell)
            };
            cells.iter().map(place).collect()
        }
    }
}

fn learn(categories: &[usize], is_somebody: &[bool], half: usize) -> HashMap<usize, f64> {
    let mut seen: HashMap<usize, [f64; 2]> = HashMap::new();
    for (&category, &is_somebody) in categories.iter().zip(is_somebody).skip(half).step_by(2) {
        let [others, ones] = seen.entry(category).or_default();
        *if is_somebody { ones } else { others } += 1.0;
    }
    let [others, ones] = [false, true].map(|group| {
        count(
            is_somebody
                .iter()
                .skip(half)
                .step_by(2)
                .filter(|it| **it == group)
                .count(),
        )
    });
    let kinds = count(seen.len());
    seen.into_iter()
        .map(|(category, [of_others, of_ones])| {
            let likely = |seen: f64, of: f64| (seen + 1.0) / (of + kinds);
            let ratio = likely(of_ones, ones) / likely(of_others, others);
            (category, ratio.ln())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody, somebody, nobody, nobody, … so that both halves have both.
    fn groups(rows: usize) -> Vec<bool> {
        (0..rows).map(|row| row % 4 < 2).collect()
    }
    fn texts(of: Vec<usize>) -> Column {
        Column::Texts {
            texts: Vec::new(),
            of,
        }
    }
    fn judged(column: &Column, is_somebody: &[bool]) -> f64 {
        auc_of_halves(&scores(column, is_somebody), is_somebody)
    }

    #[test]
    fn a_value_that_only_somebody_has_is_learnt() {
        let groups = groups(80);
        let of = groups.iter().map(|&it| usize::from(it)).collect();
        assert!(judged(&texts(of), &groups) > 0.999);
    }

    #[test]
    fn values_that_each_name_has_for_itself_teach_nothing() {
        let groups = groups(80);
        let auc = judged(&texts((0..80).collect()), &groups);
        assert!((auc - 0.5).abs() < 1e-9, "{auc}");
    }

    #[test]
    fn numbers_need_not_be_above_each_other() {
        let groups = groups(80);
        // Somebody's are in the middle, nobody's on both sides.
        let cell = |(row, &is_somebody): (usize, &bool)| match (is_somebody, row % 8 < 4) {
            (true, _) => 11.0,
            (false, true) => 10.0,
            (false, false) => 12.0,
        };
        let cells: Vec<f64> = groups.iter().enumerate().map(cell).collect();
        let (ones, others) = split(&cells, &groups);
        assert!((auc(&ones, &others) - 0.5).abs() < 1e-9);
        assert!(judged(&Column::Numbers(cells), &groups) > 0.999);
    }
}
