//! SQL under construction.

use crate::engine::Value;

/// The parameters of a text that is being put together.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    pub(crate) args: Vec<Value>,
}

impl Sql {
    pub(crate) fn with_args(args: Vec<Value>) -> Self {
        Self { args }
    }

    /// The placeholder of one more parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// `column = $1`, or `column IN ($1, $2)`; false for no values at all.
    pub(crate) fn among(
        &mut self,
        column: &str,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> String {
        let places: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        match places.as_slice() {
            [] => FALSE.to_owned(),
            [one] => format!("{column} = {one}"),
            many => format!("{column} IN ({})", many.join(", ")),
        }
    }
}

pub(crate) const FALSE: &str = "1 = 0";
