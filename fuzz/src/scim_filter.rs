use stepgate_domain::{
    resource::{FilterAttribute, Resource},
    resources::user::User,
    scim::{Filter, FilterError},
};

/// What a filter may have, and what it may cost.
const LONGEST: usize = 8_192;
const MOST_COMPARISONS: usize = 100;
const MOST_LEVELS: usize = 17;
const MOST_COST: usize = 100;

/// A filter is written so that it is read the same, stays within its limits, and means after its
/// validation what it meant before.
pub fn scim_filter(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(FilterError::Syntax { position, .. }) => {
            assert!((1..=text.chars().count() + 1).contains(&position));
            return;
        }
        Err(error) => {
            assert_eq!(error, FilterError::TooComplex);
            return;
        }
    };
    assert!(text.len() <= LONGEST);
    assert!(comparisons(&filter) <= MOST_COMPARISONS && levels(&filter) <= MOST_LEVELS);
    let written = filter.to_string();
    if written.len() <= LONGEST {
        assert_eq!(Filter::parse(&written).as_ref(), Ok(&filter), "{written}");
    }
    let Ok(valid) = filter.validate(User::FILTER) else {
        return;
    };
    assert_eq!(valid.validate(User::FILTER).as_ref(), Ok(&valid));
    assert!(comparisons(&valid) <= comparisons(&filter).min(MOST_COST));
    assert!(has_only(&valid, User::FILTER));
    for values in [&[][..], &["mira.k"], &["true"], &["", "Mira"]] {
        let lookup = |attribute: &str| {
            // Values of these are written in one way only after validation.
            let is_written_anew = attribute.eq_ignore_ascii_case("enabled");
            let known = values.iter().filter(|_| !is_written_anew);
            known.map(|value| (*value).to_owned()).collect()
        };
        assert_eq!(
            filter.matches(&lookup),
            valid.matches(&lookup),
            "{written} | {valid}"
        );
    }
}

fn comparisons(filter: &Filter) -> usize {
    match filter {
        Filter::Compare(_) => 1,
        Filter::Within { filter, .. } | Filter::Not(filter) => comparisons(filter),
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(comparisons).sum(),
    }
}

/// Of brackets and `not`; parentheses that change nothing are not kept.
fn levels(filter: &Filter) -> usize {
    match filter {
        Filter::Compare(_) => 0,
        Filter::Within { filter, .. } | Filter::Not(filter) => 1 + levels(filter),
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter().map(levels).max().unwrap_or_default()
        }
    }
}

fn has_only(filter: &Filter, attributes: &[FilterAttribute]) -> bool {
    match filter {
        Filter::Compare(comparison) => attributes.iter().any(|known| {
            let (outer, inner) = known.name.rsplit_once('.').unwrap_or(("", known.name));
            let is_named = known.name == comparison.attribute
                || (!outer.is_empty() && inner == comparison.attribute);
            is_named && known.operators.contains(&comparison.operator)
        }),
        Filter::Within { attribute, filter } => {
            let is_outer = |known: &FilterAttribute| {
                known
                    .name
                    .rsplit_once('.')
                    .is_some_and(|(outer, _)| outer == attribute)
            };
            attributes.iter().any(is_outer) && has_only(filter, attributes)
        }
        Filter::Not(filter) => has_only(filter, attributes),
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter().all(|filter| has_only(filter, attributes))
        }
    }
}
