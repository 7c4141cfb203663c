//! Chooses what the slots of a shape stand for.

use std::collections::BTreeMap;

use super::{
    choose::choose_tables,
    condition::Condition,
    database::World,
    error::GenerateError,
    random::Draw,
    schema::{Column, TableSpec},
    shapes::Shape,
};

/// A table's name in a shape, and a role.
pub type Place = (&'static str, &'static str);

/// Tables by their names in a shape.
pub type Tables = BTreeMap<&'static str, &'static TableSpec>;

/// Chances that another choice makes a shape fit are good; a few are enough.
const ATTEMPTS: usize = 4;

/// What the slots of a shape stand for.
#[derive(Debug)]
pub struct Binding {
    /// The shape.
    pub shape: &'static Shape,
    /// Tables.
    pub(super) tables: Tables,
    /// Columns by table and role.
    pub(super) columns: BTreeMap<Place, &'static Column>,
    /// Conditions by table and role.
    pub conditions: BTreeMap<Place, Condition>,
    /// Values by table and role.
    pub values: BTreeMap<Place, String>,
    /// Whether the order descends.
    pub descending: bool,
    /// `avg`, `max` or `min`.
    pub aggregate: &'static str,
    /// `>=`, `>` or `=`.
    pub comparison: &'static str,
    /// A small number.
    pub number: i64,
}

impl Binding {
    /// Chooses tables, columns, values; nothing if the database has none that fit.
    ///
    /// # Errors
    /// [`GenerateError::Slot`] for a mistake in the shape.
    pub fn new(shape: &'static Shape, world: &World, draw: &mut Draw) -> Result<Option<Self>, GenerateError> {
        for _ in 0..ATTEMPTS {
            let Some(tables) = choose_tables(shape.scope, world, draw) else { continue };
            let mut binding = Self {
                shape,
                tables,
                columns: BTreeMap::new(),
                conditions: BTreeMap::new(),
                values: BTreeMap::new(),
                descending: draw.percent(55),
                aggregate: draw.word(&["avg", "max", "min"]),
                comparison: draw.word(&[">=", ">", "="]),
                number: draw.between(2, 5),
            };
            if binding.choose_columns(draw)?.is_some() && binding.choose_conditions(world, draw).is_some() {
                return Ok(Some(binding));
            }
        }
        Ok(None)
    }

    /// The table of a name in the shape.
    pub fn table(&self, name: &str) -> Option<&'static TableSpec> {
        self.tables.get(name).copied()
    }

    /// The column of a role.
    pub fn column(&self, table: &str, role: &str) -> Option<&'static Column> {
        let found = self.columns.iter().find(|((t, r), _)| *t == table && *r == role);
        found.map(|(_, column)| *column)
    }

    /// The word for the relation of a table to another: `ofy` of `m`.
    pub fn relation(&self, table: &str, role: &str) -> Option<&'static str> {
        let other = match role {
            "of" => "p",
            "ofx" => "x",
            "ofy" => "y",
            _ => return None,
        };
        Some(self.table(table)?.reference(self.table(other)?.name)?.1)
    }
}
