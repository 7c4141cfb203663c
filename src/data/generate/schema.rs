//! How a database is described: its tables, what stands in their columns, and how people speak of both.

/// A database to make.
#[derive(Debug)]
pub struct Schema {
    /// Spider's `db_id`.
    pub name: &'static str,
    /// Tables; those referred to come before those that refer to them.
    pub tables: &'static [TableSpec],
}

/// A table.
#[derive(Debug)]
pub struct TableSpec {
    /// Its name in SQL.
    pub name: &'static str,
    /// What people call its rows: singular and plural.
    pub nouns: &'static [(&'static str, &'static str)],
    /// Rows to make.
    pub rows: usize,
    /// Columns.
    pub columns: &'static [Column],
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// What people call it, in the singular; the last word takes the plural.
    pub phrases: &'static [&'static str],
    /// What stands in it.
    pub fill: Fill,
    /// Ways to say that it is some value, `{}`: "from {}".
    pub equal: &'static [&'static str],
    /// Ways to say that it is more than some value: "older than {}".
    pub more: &'static [&'static str],
    /// Ways to say that it is less: "younger than {}".
    pub less: &'static [&'static str],
    /// Superlatives of the row with most of it: "oldest".
    pub most: &'static [&'static str],
    /// Superlatives of the row with least of it: "youngest".
    pub least: &'static [&'static str],
    /// Whether a sum over rows makes sense.
    pub sums: bool,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy)]
pub enum Fill {
    /// The primary key, from 1 on.
    Key,
    /// The key of another table, and how a row relates to it: books *by* an author.
    Ref(&'static str, &'static str),
    /// First and last name, no two rows the same.
    Person,
    /// An adjective and one of these nouns, no two rows the same.
    Title(&'static [&'static str]),
    /// One of these words, no two rows the same.
    Unique(&'static [&'static str]),
    /// One of these words.
    Pick(&'static [&'static str]),
    /// A whole number: lowest, highest, step.
    Whole(i64, i64, i64),
    /// A year: first, last.
    Year(i64, i64),
    /// A number with a half at most, which sums exactly in every order: lowest, highest.
    Half(i64, i64),
    /// A day of these years, as `YYYY-MM-DD`.
    Date(i64, i64),
}

impl Column {
    /// A column that people call by these phrases.
    pub const fn new(name: &'static str, phrases: &'static [&'static str], fill: Fill) -> Self {
        Self { name, phrases, fill, equal: &[], more: &[], less: &[], most: &[], least: &[], sums: false }
    }

    /// Ways to say that it is some value.
    pub const fn equal(self, equal: &'static [&'static str]) -> Self {
        Self { equal, ..self }
    }

    /// Ways to compare: more than, less than.
    pub const fn compared(self, more: &'static [&'static str], less: &'static [&'static str]) -> Self {
        Self { more, less, ..self }
    }

    /// Superlatives: most, least.
    pub const fn extremes(self, most: &'static [&'static str], least: &'static [&'static str]) -> Self {
        Self { most, least, ..self }
    }

    /// A column whose sum makes sense.
    pub const fn summed(self) -> Self {
        Self { sums: true, ..self }
    }

    /// Names a row.
    pub const fn is_label(&self) -> bool {
        matches!(self.fill, Fill::Person | Fill::Title(_) | Fill::Unique(_))
    }

    /// Sorts rows into groups.
    pub const fn is_kind(&self) -> bool {
        matches!(self.fill, Fill::Pick(_))
    }

    /// Holds numbers that can be compared, years among them.
    pub const fn is_number(&self) -> bool {
        matches!(self.fill, Fill::Whole(..) | Fill::Year(..) | Fill::Half(..))
    }

    /// Holds numbers whose average makes sense.
    pub const fn is_measure(&self) -> bool {
        matches!(self.fill, Fill::Whole(..) | Fill::Half(..))
    }

    /// Is of interest to people, not only a link between tables.
    pub const fn is_shown(&self) -> bool {
        !matches!(self.fill, Fill::Key | Fill::Ref(..))
    }

    /// Its type in SQL.
    pub const fn sql_type(&self) -> &'static str {
        match self.fill {
            Fill::Key | Fill::Ref(..) | Fill::Whole(..) | Fill::Year(..) => "INTEGER",
            Fill::Half(..) => "REAL",
            Fill::Person | Fill::Title(_) | Fill::Unique(_) | Fill::Pick(_) => "TEXT",
            Fill::Date(..) => "DATE",
        }
    }

    /// Its type in Spider's `tables.json`.
    pub const fn spider_type(&self) -> &'static str {
        match self.fill {
            Fill::Person | Fill::Title(_) | Fill::Unique(_) | Fill::Pick(_) => "text",
            Fill::Date(..) => "time",
            _ => "number",
        }
    }
}

impl TableSpec {
    /// Its primary key, if it has one.
    pub fn key(&self) -> Option<&Column> {
        self.columns.iter().find(|column| matches!(column.fill, Fill::Key))
    }

    /// The column that refers to another table, and the word for the relation.
    pub fn reference(&self, other: &str) -> Option<(&Column, &'static str)> {
        self.columns.iter().find_map(|column| match column.fill {
            Fill::Ref(table, relation) if table == other => Some((column, relation)),
            _ => None,
        })
    }
}

impl Schema {
    /// Index of a table.
    pub fn index(&self, table: &str) -> Option<usize> {
        self.tables.iter().position(|spec| spec.name == table)
    }
}
