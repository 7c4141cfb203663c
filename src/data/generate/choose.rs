//! Chooses tables, columns and values that fit the slots of a shape.

use std::collections::BTreeMap;

use super::{
    bind::{Binding, Place, Tables},
    condition::{Condition, plain},
    database::World,
    error::GenerateError,
    random::Draw,
    schema::{Column, TableSpec},
    shapes::Scope,
    template::{Slot, slots},
};
use crate::sql::Value;

/// Which columns will do.
type Fits = fn(&Column) -> bool;

impl Binding {
    /// Columns for the query's slots; nothing if the table has none that fit.
    ///
    /// # Errors
    /// [`GenerateError::Slot`] for a table that the scope does not have.
    pub(super) fn choose_columns(&mut self, draw: &mut Draw) -> Result<Option<()>, GenerateError> {
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
        fits: Fits,
        draw: &mut Draw,
    ) -> Option<&'static Column> {
        let bound = self.columns.iter().filter(|((t, _), _)| *t == table).map(|(_, column)| column.name);
        let tested = self.conditions.iter().filter(|((t, _), _)| *t == table).map(|(_, c)| c.column.name);
        let taken: Vec<&str> = bound.chain(tested).collect();
        let free: Vec<&'static Column> =
            spec.columns.iter().filter(|column| fits(column) && !taken.contains(&column.name)).collect();
        draw.pick(&free).copied()
    }

    /// Conditions, and values that a query compares aggregates with. The columns must have been chosen.
    pub(super) fn choose_conditions(&mut self, world: &World, draw: &mut Draw) -> Option<()> {
        for slot in slots(self.shape.sql) {
            let place = (slot.table, slot.role);
            if slot.role.is_empty() || self.conditions.contains_key(&place) {
                continue;
            }
            let spec = self.table(slot.table)?;
            if slot.sign == "=" {
                let column = self.column(slot.table, slot.role)?;
                let value = plain(draw.pick(&cells(world, spec, column))?);
                self.values.insert(place, value);
            } else if let Some(column) = self.tested_column(&slot, spec, draw)? {
                self.add_condition(place, column, &cells(world, spec, column), draw)?;
            }
        }
        Some(())
    }

    /// The column that a slot's condition is about; no column within if the slot is no condition, none at all if the
    /// table has none that fits.
    #[allow(clippy::option_option)]
    fn tested_column(&self, slot: &Slot, spec: &'static TableSpec, draw: &mut Draw) -> Option<Option<&'static Column>> {
        match slot.role {
            "cond" | "cond2" => self.free_column(slot.table, spec, Column::is_shown, draw).map(Some),
            "between" => self.free_column(slot.table, spec, Column::is_number, draw).map(Some),
            "like" => self.free_column(slot.table, spec, Column::is_label, draw).map(Some),
            "is" | "is2" => self.column(slot.table, "kind").map(Some),
            "above" | "below" => self.column(slot.table, "num").map(Some),
            _ => Some(None),
        }
    }

    fn add_condition(
        &mut self,
        place: Place,
        column: &'static Column,
        cells: &[&Value],
        draw: &mut Draw,
    ) -> Option<()> {
        let condition = match place.1 {
            "between" => Condition::between(column, cells, draw)?,
            "like" => Condition::like(column, cells, draw)?,
            "is" | "is2" => Condition::equal(column, cells, draw)?,
            "above" | "below" => {
                let [below, above] = Condition::below_and_above(column, cells, draw)?;
                self.conditions.insert((place.0, "below"), below);
                self.conditions.insert((place.0, "above"), above);
                return Some(());
            }
            _ => Condition::any(column, cells, draw)?,
        };
        self.conditions.insert(place, condition);
        Some(())
    }
}

/// The column a slot needs: the role that keeps it, and which columns will do.
fn column_role(slot: &Slot) -> Option<(&'static str, Fits)> {
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

/// Tables that a scope asks for; nothing if chance has hit on tables without the relations.
pub(super) fn choose_tables(scope: Scope, world: &World, draw: &mut Draw) -> Option<Tables> {
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
