//! The grammar of `filter`, and what a collection allows of it.

use std::fmt;

use crate::{
    name,
    resource::{FilterAttribute, FilterSource},
    time::Timestamp,
};

mod parser;

/// What a filter may cost.
const MOST: u32 = 100;

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    Eq,
    Ne,
    Sw,
    Co,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    pub const ALL: [Self; 8] = [
        Self::Eq,
        Self::Ne,
        Self::Sw,
        Self::Co,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Sw => "sw",
            Self::Co => "co",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// The value as it is compared with the folds of what is found.
    pub fn folded(self, value: &str) -> String {
        match self {
            Self::Sw => name::fold_part(value.trim_start()),
            Self::Co => name::fold_part(value),
            Self::Eq | Self::Ne | Self::Gt | Self::Ge | Self::Lt | Self::Le => name::fold(value),
        }
    }

    fn holds(self, found: &str, wanted: &str) -> bool {
        match self {
            Self::Eq => found == wanted,
            Self::Ne => found != wanted,
            Self::Sw => found.starts_with(wanted),
            Self::Co => found.contains(wanted),
            Self::Gt => found > wanted,
            Self::Ge => found >= wanted,
            Self::Lt => found < wanted,
            Self::Le => found <= wanted,
        }
    }
}

/// `attribute operator "value"`. The value is the literal as text: a string without its quotes,
/// `true`, `17`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub attribute: String,
    pub operator: Operator,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Compare(Comparison),
    /// `attribute[filter]`
    Within {
        attribute: String,
        filter: Box<Filter>,
    },
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("is not a filter: {expected} expected at character {position}")]
    Syntax {
        position: usize,
        expected: &'static str,
    },
    #[error("Attribute '{attribute}' is not supported in filter.")]
    Attribute {
        attribute: String,
        supported: Vec<&'static str>,
    },
    #[error("Operator '{operator}' is not supported for attribute '{attribute}'.")]
    Operator {
        attribute: String,
        operator: &'static str,
        supported: Vec<&'static str>,
    },
    #[error("Value of attribute '{attribute}' must be a date and time.")]
    Time { attribute: String },
    #[error("Value of attribute '{attribute}' must be true or false.")]
    Boolean { attribute: String },
    #[error("is nested too deeply, or too long")]
    TooComplex,
    #[error(
        "costs {cost} to answer, more than the {MOST} that a filter may cost: 1 for an id, 2 for another eq, 8 for anything else"
    )]
    TooCostly { cost: u32 },
}

impl Filter {
    /// Reads a filter. Keywords and operators may be in any case; strings may stand in double or in
    /// single quotes, with the escapes of JSON.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parser::parse(text)
    }

    /// Refuses what the collection does not offer, and writes attributes and points in time as it
    /// keeps them. An attribute within brackets is looked up as `outer.inner`.
    /// What is said twice counts once; the rest must not cost more than [`MOST`].
    pub fn validate(&self, attributes: &[FilterAttribute]) -> Result<Self, FilterError> {
        let filter = self.canonical(None, attributes)?;
        let cost = filter.cost("");
        if cost > MOST {
            return Err(FilterError::TooCostly { cost });
        }
        Ok(filter)
    }

    /// How much work an object is that has to be looked at.
    fn cost(&self, outer: &str) -> u32 {
        match self {
            Self::Compare(Comparison {
                attribute,
                operator,
                ..
            }) => match operator {
                Operator::Eq if outer.is_empty() && attribute == "id" => 1,
                Operator::Eq => 2,
                Operator::Ne
                | Operator::Sw
                | Operator::Co
                | Operator::Gt
                | Operator::Ge
                | Operator::Lt
                | Operator::Le => 8,
            },
            Self::Within { attribute, filter } => filter.cost(attribute),
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().map(|filter| filter.cost(outer)).sum()
            }
            Self::Not(filter) => filter.cost(outer).max(8),
        }
    }

    fn canonical(
        &self,
        outer: Option<&str>,
        attributes: &[FilterAttribute],
    ) -> Result<Self, FilterError> {
        let all = |filters: &[Self]| {
            let canonical = filters
                .iter()
                .map(|filter| filter.canonical(outer, attributes));
            canonical.collect::<Result<Vec<_>, _>>()
        };
        Ok(match self {
            Self::Compare(comparison) => Self::Compare(comparison.canonical(outer, attributes)?),
            Self::Within { attribute, filter } => {
                let known = attributes
                    .iter()
                    .filter_map(|known| known.name.rsplit_once('.'));
                let found = known
                    .map(|(name, _)| name)
                    .find(|name| name.eq_ignore_ascii_case(attribute));
                match (outer, found) {
                    (None, Some(name)) => Self::Within {
                        attribute: name.to_owned(),
                        filter: Box::new(filter.canonical(Some(name), attributes)?),
                    },
                    _ => return Err(unsupported(attribute, attributes)),
                }
            }
            Self::And(filters) => each_once(all(filters)?, Self::And, |filter| match filter {
                Self::And(filters) => Ok(filters),
                other => Err(other),
            }),
            Self::Or(filters) => each_once(all(filters)?, Self::Or, |filter| match filter {
                Self::Or(filters) => Ok(filters),
                other => Err(other),
            }),
            Self::Not(filter) => Self::Not(Box::new(filter.canonical(outer, attributes)?)),
        })
    }

    /// Whether an object passes whose attributes have the values that `lookup` answers. Values are
    /// compared as names are. Of several values one must fit, except for `ne`,
    /// which is the opposite of `eq`. An attribute within brackets is looked up as `outer.inner`.
    pub fn matches(&self, lookup: &dyn Fn(&str) -> Vec<String>) -> bool {
        match self {
            Self::Compare(Comparison {
                attribute,
                operator,
                value,
            }) => {
                let wanted = operator.folded(value);
                let values = lookup(attribute);
                let mut folded = values.iter().map(|value| name::fold(value));
                match operator {
                    Operator::Ne => folded.all(|found| operator.holds(&found, &wanted)),
                    _ => folded.any(|found| operator.holds(&found, &wanted)),
                }
            }
            Self::Within { attribute, filter } => {
                filter.matches(&|inner| lookup(&format!("{attribute}.{inner}")))
            }
            Self::And(filters) => filters.iter().all(|filter| filter.matches(lookup)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches(lookup)),
            Self::Not(filter) => !filter.matches(lookup),
        }
    }
}

impl Comparison {
    fn canonical(
        &self,
        outer: Option<&str>,
        attributes: &[FilterAttribute],
    ) -> Result<Self, FilterError> {
        let full = outer.map_or_else(
            || self.attribute.clone(),
            |outer| format!("{outer}.{}", self.attribute),
        );
        let Some(known) = attributes
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(&full))
        else {
            return Err(unsupported(&full, attributes));
        };
        if !known.operators.contains(&self.operator) {
            return Err(FilterError::Operator {
                attribute: known.name.to_owned(),
                operator: self.operator.as_str(),
                supported: known
                    .operators
                    .iter()
                    .map(|operator| operator.as_str())
                    .collect(),
            });
        }
        let name = outer.map_or(known.name, |outer| {
            known.name.get(outer.len() + 1..).unwrap_or(known.name)
        });
        let value = match known.source {
            FilterSource::CreatedAt | FilterSource::UpdatedAt | FilterSource::TimeTerm => {
                let instant = instant(&self.value).ok_or_else(|| FilterError::Time {
                    attribute: known.name.to_owned(),
                })?;
                instant.to_string()
            }
            FilterSource::BooleanTerm => {
                let value = self.value.to_ascii_lowercase();
                if !matches!(value.as_str(), "true" | "false") {
                    return Err(FilterError::Boolean {
                        attribute: known.name.to_owned(),
                    });
                }
                value
            }
            FilterSource::Id | FilterSource::Parent | FilterSource::Term => self.value.clone(),
        };
        Ok(Self {
            attribute: name.to_owned(),
            operator: self.operator,
            value,
        })
    }
}

/// The filters of a chain without repetitions; chains of the same kind within it are opened.
fn each_once(
    filters: Vec<Filter>,
    chain: fn(Vec<Filter>) -> Filter,
    open: fn(Filter) -> Result<Vec<Filter>, Filter>,
) -> Filter {
    let mut kept: Vec<Filter> = Vec::with_capacity(filters.len());
    for filter in filters {
        let opened = open(filter).unwrap_or_else(|other| vec![other]);
        for filter in opened {
            if !kept.contains(&filter) {
                kept.push(filter);
            }
        }
    }
    match kept.pop() {
        Some(only) if kept.is_empty() => only,
        Some(last) => {
            kept.push(last);
            chain(kept)
        }
        None => chain(kept),
    }
}

/// Clients also send times without a zone, and mean UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.to_uppercase();
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

fn unsupported(attribute: &str, attributes: &[FilterAttribute]) -> FilterError {
    FilterError::Attribute {
        attribute: attribute.to_owned(),
        supported: attributes.iter().map(|known| known.name).collect(),
    }
}

/// In the form that [`Filter::parse`] reads back as the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = |f: &mut fmt::Formatter<'_>, filters: &[Self], keyword: &str| {
            for (index, filter) in filters.iter().enumerate() {
                if index > 0 {
                    write!(f, " {keyword} ")?;
                }
                match filter {
                    Self::And(_) | Self::Or(_) => write!(f, "({filter})")?,
                    Self::Compare(_) | Self::Within { .. } | Self::Not(_) => write!(f, "{filter}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Compare(Comparison {
                attribute,
                operator,
                value,
            }) => {
                write!(
                    f,
                    "{attribute} {} {}",
                    operator.as_str(),
                    serde_json::Value::from(value.as_str())
                )
            }
            Self::Within { attribute, filter } => write!(f, "{attribute}[{filter}]"),
            Self::And(filters) => chain(f, filters, "and"),
            Self::Or(filters) => chain(f, filters, "or"),
            Self::Not(filter) => write!(f, "not ({filter})"),
        }
    }
}

#[cfg(test)]
mod tests;
