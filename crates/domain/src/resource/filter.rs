//! By what the objects of a kind can be found and ordered.

use crate::name;

/// A value that the object can be found by in a `filter`, folded as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As in [`FilterAttribute::name`].
    pub attribute: String,
    pub value: String,
}

impl Term {
    pub fn new(attribute: impl Into<String>, value: &str) -> Self {
        Self {
            attribute: attribute.into(),
            value: name::fold(value),
        }
    }
}

/// One attribute of a kind's `filter`.
#[derive(Debug, Clone, Copy)]
pub struct FilterAttribute {
    /// As clients write it; compared without regard to case.
    pub name: &'static str,
    pub operators: &'static [crate::scim::Operator],
    pub source: FilterSource,
}

impl FilterAttribute {
    pub const fn new(
        name: &'static str,
        operators: &'static [crate::scim::Operator],
        source: FilterSource,
    ) -> Self {
        Self {
            name,
            operators,
            source,
        }
    }

    /// Found by its whole value only.
    pub const fn exact(name: &'static str, source: FilterSource) -> Self {
        Self::new(name, &[crate::scim::Operator::Eq], source)
    }
}

/// Where the values of an attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterSource {
    Id,
    Parent,
    CreatedAt,
    UpdatedAt,
    /// The term table.
    Term,
    /// The term table, where the term is a point in time.
    TimeTerm,
    /// The term table, where the term is `true` or `false`.
    BooleanTerm,
}

/// An attribute that `order` may name.
#[derive(Debug, Clone, Copy)]
pub struct OrderAttribute {
    pub name: &'static str,
    pub source: FilterSource,
}

impl OrderAttribute {
    pub const fn new(name: &'static str, source: FilterSource) -> Self {
        Self { name, source }
    }
}
