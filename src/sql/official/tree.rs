//! A query as Spider's evaluator sees it: clauses of units, with tables and columns by their full lower-case names.

/// A column's full name, `table.column` in lower case, or `*`.
pub type ColumnName = String;

/// Functions over columns, in Spider's numbering from 0.
pub const AGGREGATES: [&str; 6] = ["none", "max", "min", "count", "sum", "avg"];
/// Arithmetic between two columns, in Spider's numbering from 0.
pub const ARITHMETIC: [&str; 5] = ["none", "-", "+", "*", "/"];
/// Operators of conditions, in Spider's numbering from 0.
pub const OPERATORS: [&str; 12] = ["not", "between", "=", ">", "<", ">=", "<=", "!=", "in", "like", "is", "exists"];
/// Index of `between` in [`OPERATORS`].
pub const BETWEEN: usize = 1;
/// Index of `in` in [`OPERATORS`].
pub const IN: usize = 8;
/// Index of `like` in [`OPERATORS`].
pub const LIKE: usize = 9;

/// A column, possibly in a function.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnUnit {
    /// Index in [`AGGREGATES`].
    pub aggregate: usize,
    /// The column.
    pub column: ColumnName,
    /// Whether DISTINCT stands before it; `None` once that shall not count.
    pub distinct: Option<bool>,
}

/// One or two columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Index in [`ARITHMETIC`].
    pub operator: usize,
    /// The only or left column.
    pub left: ColumnUnit,
    /// The right column.
    pub right: Option<ColumnUnit>,
}

/// What a condition compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing, or a value that shall not count.
    Nothing,
    /// A subquery.
    Query(Box<Query>),
    /// A text with its quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A column.
    Column(ColumnUnit),
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Whether NOT stands before the operator.
    pub not: bool,
    /// Index in [`OPERATORS`].
    pub operator: usize,
    /// The left side.
    pub left: Expression,
    /// The right side.
    pub right: Operand,
    /// The upper bound of BETWEEN.
    pub upper: Operand,
}

/// An element of a list of conditions.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// A condition.
    Condition(Box<Condition>),
    /// AND
    And,
    /// OR
    Or,
}

/// Conditions with what connects them. The evaluator takes every second element for a condition and those between for
/// connectors, which is so unless a connector is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions(pub Vec<Link>);

impl Conditions {
    /// The conditions.
    pub fn units(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter().step_by(2).filter_map(|link| match link {
            Link::Condition(condition) => Some(condition.as_ref()),
            Link::And | Link::Or => None,
        })
    }

    /// The conditions, to be changed.
    pub fn units_mut(&mut self) -> impl Iterator<Item = &mut Condition> {
        self.0.iter_mut().step_by(2).filter_map(|link| match link {
            Link::Condition(condition) => Some(condition.as_mut()),
            Link::And | Link::Or => None,
        })
    }

    /// The connectors.
    pub fn connectors(&self) -> impl Iterator<Item = &Link> {
        self.0.iter().skip(1).step_by(2)
    }

    /// How many of the connectors are OR.
    pub fn ors(&self) -> usize {
        self.connectors().filter(|link| **link == Link::Or).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A source of rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A subquery.
    Query(Box<Query>),
    /// A table, in lower case.
    Table(String),
}

/// An element of a select list.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// Index in [`AGGREGATES`] of the function around the whole expression.
    pub aggregate: usize,
    /// The expression.
    pub expression: Expression,
}

/// The ORDER BY clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordering {
    /// Whether the last direction given is DESC.
    pub descending: bool,
    /// What is ordered by.
    pub by: Vec<Expression>,
}

/// A whole query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Whether DISTINCT begins the select list; `None` once that shall not count.
    pub distinct: Option<bool>,
    /// The select list.
    pub select: Vec<Selected>,
    /// Tables and subqueries of FROM.
    pub sources: Vec<Source>,
    /// Join conditions.
    pub join_on: Conditions,
    /// The WHERE clause.
    pub filter: Conditions,
    /// The GROUP BY clause.
    pub group_by: Vec<ColumnUnit>,
    /// The HAVING clause.
    pub having: Conditions,
    /// The ORDER BY clause.
    pub order_by: Option<Ordering>,
    /// Whether there is a LIMIT; how much does not count.
    pub limit: bool,
    /// The query after INTERSECT.
    pub intersect: Option<Box<Query>>,
    /// The query after UNION.
    pub union: Option<Box<Query>>,
    /// The query after EXCEPT.
    pub except: Option<Box<Query>>,
}

impl Query {
    /// Join conditions, WHERE and HAVING.
    pub fn all_conditions(&self) -> [&Conditions; 3] {
        [&self.join_on, &self.filter, &self.having]
    }
}
