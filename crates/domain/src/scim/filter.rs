//! The grammar of `filter`, and what a collection allows of it.

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
    #[error("is nested too deeply, or too long")]
    TooComplex,
}
