//! How well a figure tells two groups apart.

/// The probability that one of the first group is above one of the second, where a tie counts as half
/// (the Mann–Whitney statistic over the number of pairs). 0.5 when either group is empty.
pub(super) fn auc(ones: &[f64], others: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = Vec::with_capacity(ones.len() + others.len());
    all.extend(ones.iter().map(|&value| (value, true)));
    all.extend(others.iter().map(|&value| (value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    #[expect(clippy::float_cmp, reason = "a tie is an equal value")]
    let ties = all.chunk_by(|a, b| a.0 == b.0);
    let (mut below, mut won) = (0.0, 0.0);
    for tie in ties {
        let of_ones = count(tie.iter().filter(|it| it.1).count());
        let of_others = count(tie.len()) - of_ones;
        won += of_ones * (below + of_others / 2.0);
        below += of_others;
    }
    let pairs = count(ones.len()) * count(others.len());
    if pairs > 0.0 { won / pairs } else { 0.5 }
}

/// The same, whichever of the groups is above.
pub(super) fn folded(auc: f64) -> f64 {
    auc.max(1.0 - auc)
}

/// The standard deviation of the AUC of groups of these sizes that nothing tells apart.
pub(super) fn deviation(ones: usize, others: usize) -> f64 {
    let (ones, others) = (count(ones), count(others));
    ((ones + others + 1.0) / (12.0 * ones * others)).sqrt()
}

pub(super) fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} is not {other}");
    }

    #[test]
    fn groups_apart_are_told_apart() {
        close(auc(&[3.0, 4.0], &[1.0, 2.0]), 1.0);
        close(auc(&[1.0, 2.0], &[3.0, 4.0]), 0.0);
        close(folded(auc(&[1.0, 2.0], &[3.0, 4.0])), 1.0);
    }

    #[test]
    fn every_pair_counts() {
        // Of nine pairs the first group wins (2, 1), (4, 1), (4, 3), (6, 1), (6, 3), (6, 5).
        close(auc(&[6.0, 2.0, 4.0], &[1.0, 5.0, 3.0]), 6.0 / 9.0);
        close(auc(&[2.0], &[1.0, 3.0, 3.0, 3.0]), 0.25);
    }

    #[test]
    fn a_tie_is_half_a_win() {
        close(auc(&[7.0, 7.0, 7.0], &[7.0, 7.0]), 0.5);
        // (1, 1) is a tie, (2, 1) is won.
        close(auc(&[1.0, 2.0], &[1.0]), 0.75);
        // One in four of the first group shows what nobody of the second does.
        close(auc(&[1.0, 0.0, 0.0, 0.0], &[0.0, 0.0]), 0.625);
        close(auc(&[-0.0], &[0.0]), 0.5);
    }

    #[test]
    fn what_is_absent_is_below_everything() {
        close(
            auc(&[f64::NEG_INFINITY; 2], &[-9e9, f64::NEG_INFINITY]),
            0.25,
        );
    }

    #[test]
    fn an_empty_group_tells_nothing() {
        close(auc(&[], &[1.0]), 0.5);
        close(auc(&[1.0], &[]), 0.5);
    }

    #[test]
    fn the_limit_is_far_from_chance_for_five_hundred_each() {
        close(deviation(500, 500), (1001.0_f64 / 3e6).sqrt());
        assert!(0.10 / deviation(500, 500) > 5.4);
    }
}
