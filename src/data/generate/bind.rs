//! Chooses what the slots of a shape stand for.

use std::collections::BTreeMap;

use super::{
    condition::{Condition, plain},
    database::World,
    error::GenerateError,
    random::Draw,
    schema::{Column, TableSpec},
    shapes::{Scope, Shape},
    template::{Slot, slots},
};
use crate::sql::Value;

/// Chances that another choice makes a shape fit are good; a few are enough.
const ATTEMPTS: usize = 4;

/// What the slots of a shape stand for.
#[derive(Debug)]
pub struct Binding {
    /// The shape.
    pub shape: &'static Shape,
    tables: BTreeMap<&'static str, &'static TableSpec>,
    columns: BTreeMap<(&'static str, &'static str), &'static Column>,
    /// Conditions by table and role.
    pub conditions: BTreeMap<(&'static str, &'static str), Condition>,
    /// Values by table and role.
    pub values: BTreeMap<(&'static str, &'static str), String>,
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

    fn choose_columns(&mut self, draw: &mut Draw) -> Result<Option<()>, GenerateError> {
        for slot in slots(self.shape.sql) {
            let Some((role, fits)) = column_role(&slot) else { continue };
            if self.column(slot.table, role).is_some() {
                continue;
            }
            let Some(spec) = self.table(slot.table) else {
                return Err(GenerateError::Slot { slot: slot.text.to_owned(), template: self.shape.sql });
            };
            let Some(column) = self.free_column(slot.table, spec, fits, draw) else { return Ok(None) };
            self.columns.insert((slot.table, role), column);
        }
        Ok(Some(()))
    }

    /// A column of the table that no slot has taken.
    fn free_column(
        &self,
        table: &str,
        spec: &'static TableSpec,
        fits: fn(&Column) -> bool,
        draw: &mut Draw,
    ) -> Option<&'static Column> {
        let bound = self.columns.iter().filter(|((t, _), _)| *t == table).map(|(_, column)| column.name);
        let tested = self.conditions.iter().filter(|((t, _), _)| *t == table).map(|(_, c)| c.column.name);
        let taken: Vec<&str> = bound.chain(tested).collect();
        let free: Vec<&'static Column> =
            spec.columns.iter().filter(|column| fits(column) && !taken.contains(&column.name)).collect();
        draw.pick(&free).copied()
    }

    fn choose_conditions(&mut self, world: &World, draw: &mut Draw) -> Option<()> {
        for slot in slots(self.shape.sql) {
            if slot.role.is_empty() || self.conditions.contains_key(&(slot.table, slot.role)) {
                continue;
            }
            let spec = self.table(slot.table)?;
            if slot.sign == "=" {
                let column = self.column(slot.table, slot.role)?;
                let value = plain(draw.pick(&cells(world, spec, column))?);
                self.values.insert((slot.table, slot.role), value);
                continue;
            }
            let column = match slot.role {
                "cond" | "cond2" => self.free_column(slot.table, spec, Column::is_shown, draw)?,
                "between" => self.free_column(slot.table, spec, Column::is_number, draw)?,
                "like" => self.free_column(slot.table, spec, Column::is_label, draw)?,
                "is" | "is2" => self.column(slot.table, "kind")?,
                "above" | "below" => self.column(slot.table, "num")?,
                _ => continue,
            };
            let cells = cells(world, spec, column);
            match slot.role {
                "between" => self.conditions.insert((slot.table, slot.role), Condition::between(column, &cells, draw)?),
                "like" => self.conditions.insert((slot.table, slot.role), Condition::like(column, &cells, draw)?),
                "is" | "is2" => {
                    self.conditions.insert((slot.table, slot.role), Condition::equal(column, &cells, draw)?)
                }
                "above" | "below" => {
                    let [below, above] = Condition::below_and_above(column, &cells, draw)?;
                    self.conditions.insert((slot.table, "below"), below);
                    self.conditions.insert((slot.table, "above"), above)
                }
                _ => self.conditions.insert((slot.table, slot.role), Condition::any(column, &cells, draw)?),
            };
        }
        Some(())
    }
}

/// A role that keeps a column, and which columns will do.
type Role = (&'static str, fn(&Column) -> bool);

/// The column a slot needs.
fn column_role(slot: &Slot) -> Option<Role> {
    Some(match slot.role {
        "label" => ("label", Column::is_label),
        "kind" | "is" | "is2" => ("kind", Column::is_kind),
        "num" | "above" | "below" => ("num", Column::is_number),
        "measure" => ("measure", Column::is_measure),
        "sum" => ("sum", |column| column.sums),
        "any" => ("any", Column::is_shown),
        "any2" => ("any2", Column::is_shown),
        _ => return None,
    })
}

fn cells<'a>(world: &'a World, spec: &TableSpec, column: &Column) -> Vec<&'a Value> {
    let table = world.schema.index(spec.name).and_then(|index| world.rows.get(index));
    let position = spec.columns.iter().position(|other| other.name == column.name);
    let (Some(rows), Some(position)) = (table, position) else { return Vec::new() };
    rows.iter().filter_map(|row| row.get(position)).collect()
}

fn choose_tables(scope: Scope, world: &World, draw: &mut Draw) -> Option<BTreeMap<&'static str, &'static TableSpec>> {
    let tables = world.schema.tables;
    if scope == Scope::One {
        return Some(BTreeMap::from([("t", draw.pick(tables)?)]));
    }
    let child = draw.pick(tables)?;
    let mut parents: Vec<&TableSpec> = tables.iter().filter(|spec| child.reference(spec.name).is_some()).collect();
    draw.shuffle(&mut parents);
    match (scope, &parents[..]) {
        (Scope::Link, [parent, ..]) => Some(BTreeMap::from([("p", *parent), ("c", child)])),
        (Scope::Bridge, [one, other]) => Some(BTreeMap::from([("x", *one), ("m", child), ("y", *other)])),
        _ => None,
    }
}
