//! Places within a query: which clause, and what is expected in it.

/// What stands open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A query, in one of its clauses.
    Query(Clause),
    /// `(` in place of a value.
    Group,
    /// `(` behind a function's name; whether nothing may stand in it, and whether `*` may.
    Arguments { empty: bool, star: bool },
    /// `(` behind `IN`.
    List,
    /// `(` in which only a query can stand.
    Derived,
    /// `(` behind `CAST`.
    Cast,
    /// `(` behind `USING`.
    Columns,
    /// `CASE`.
    Case(Stage),
}

/// Parts of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Clause {
    With,
    Items,
    From,
    On,
    Where,
    Group,
    Having,
    Order,
    Limit,
    Offset,
}

/// Parts of a `CASE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Base,
    When,
    Then,
    Else,
}

/// What a bare name could be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Roles {
    pub column: bool,
    /// A table or an alias, before a dot.
    pub qualifier: bool,
    pub function: bool,
}

impl Roles {
    pub fn any(self) -> bool {
        self.column || self.qualifier || self.function
    }
}

/// What was read last, and so what may follow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Nothing.
    Statement,
    /// `WITH` or its comma; the name; `AS`; the query.
    CteName,
    CteNamed,
    CteAs,
    CteDone,
    /// A query in brackets.
    Subquery,
    /// The beginning of a list of values, where `DISTINCT`, `*` or a whole query may stand.
    Start,
    /// The beginning of a further item of `SELECT`, where `*` may stand.
    Item,
    /// A value is expected; behind a sign; behind `IS`; behind `CASE`.
    Operand,
    Signed,
    Is,
    CaseStart,
    /// A bare name in place of a value.
    Name(Vec<u8>, Roles),
    /// A name and a dot.
    Dot(Vec<u8>),
    /// A value.
    Done,
    /// `NOT` behind a value; `IN`; `EXISTS`; `CAST`.
    Negated,
    In,
    Exists,
    CastOpen,
    /// `AS` in a cast; the type.
    Type,
    Typed,
    Collation,
    /// `AS` in the list of items; an item with its alias; `*` as an item or an argument.
    Alias,
    Aliased,
    Star,
    /// A table is expected; stands there; `AS`; its alias.
    Source,
    Sourced,
    SourceAlias,
    SourceAliased,
    /// `LEFT` and its kin; `INNER` or `OUTER`; `NATURAL`.
    Outer,
    Join,
    Natural,
    /// `USING`; a column in its brackets is expected; stands there.
    Using,
    UsingColumn,
    UsingDone,
    /// `GROUP` or `ORDER`.
    By,
    /// `ASC` or `DESC`.
    Directed,
    /// A number is expected; stands there.
    Count,
    Counted,
    /// `UNION` (`ALL` may follow), `INTERSECT`, `EXCEPT`.
    Compound {
        all: bool,
    },
}

impl Phase {
    /// Whether a value may begin.
    pub fn wants_value(&self) -> bool {
        matches!(self, Self::Start | Self::Item | Self::Operand | Self::Signed | Self::Is | Self::CaseStart)
    }

    /// Whether a value has just ended.
    pub fn is_value(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Name(_, roles) => roles.column,
            _ => false,
        }
    }

    /// Whether an element of a clause has ended.
    pub fn is_element(&self) -> bool {
        let elements = [
            Self::Aliased,
            Self::Star,
            Self::Sourced,
            Self::SourceAliased,
            Self::Directed,
            Self::Counted,
            Self::UsingDone,
        ];
        self.is_value() || elements.contains(self)
    }
}
