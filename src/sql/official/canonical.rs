//! Bringing queries into the form in which they are compared: without values, without DISTINCT, and with one column
//! for all that foreign keys make the same.

use super::{
    keys::SameColumns,
    schema::Schema,
    tree::{ColumnName, ColumnUnit, Conditions, Expression, Operand, Query, Source},
};

/// The canonical form of a query.
///
/// As in the original, values are dropped in subqueries of conditions too, but not in those of FROM; columns and
/// DISTINCT are left as they are in either. Columns become their representatives only where they belong to a table in
/// the outermost FROM.
pub fn canonical(mut query: Query, same: &SameColumns, schema: &Schema) -> Query {
    drop_values(&mut query);
    let tables: Vec<String> = query
        .sources
        .iter()
        .filter_map(|source| match source {
            Source::Table(table) => Some(table.clone()),
            Source::Query(_) => None,
        })
        .collect();
    Columns { tables: &tables, same, schema }.unify(&mut query);
    query
}

fn drop_values(query: &mut Query) {
    for conditions in [&mut query.join_on, &mut query.filter, &mut query.having] {
        for condition in conditions.units_mut() {
            drop_value(&mut condition.right);
            drop_value(&mut condition.upper);
        }
    }
    for other in [&mut query.intersect, &mut query.union, &mut query.except].into_iter().flatten() {
        drop_values(other);
    }
}

fn drop_value(operand: &mut Operand) {
    match operand {
        Operand::Query(query) => drop_values(query),
        other => *other = Operand::Nothing,
    }
}

/// Replaces columns by their representatives.
struct Columns<'c> {
    tables: &'c [String],
    same: &'c SameColumns,
    schema: &'c Schema,
}

impl Columns<'_> {
    fn unify(&self, query: &mut Query) {
        query.distinct = None;
        for selected in &mut query.select {
            self.unify_expression(&mut selected.expression);
        }
        for conditions in [&mut query.join_on, &mut query.filter, &mut query.having] {
            self.unify_conditions(conditions);
        }
        for unit in &mut query.group_by {
            self.unify_unit(unit);
        }
        for expression in query.order_by.iter_mut().flat_map(|order| &mut order.by) {
            self.unify_expression(expression);
        }
        for other in [&mut query.intersect, &mut query.union, &mut query.except].into_iter().flatten() {
            self.unify(other);
        }
    }

    fn unify_conditions(&self, conditions: &mut Conditions) {
        for condition in conditions.units_mut() {
            self.unify_expression(&mut condition.left);
        }
    }

    fn unify_expression(&self, expression: &mut Expression) {
        self.unify_unit(&mut expression.left);
        if let Some(right) = &mut expression.right {
            self.unify_unit(right);
        }
    }

    fn unify_unit(&self, unit: &mut ColumnUnit) {
        unit.distinct = None;
        if let Some(representative) = self.representative(&unit.column) {
            unit.column = representative.clone();
        }
    }

    fn representative(&self, column: &ColumnName) -> Option<&ColumnName> {
        let (table, name) = column.split_once('.')?;
        let in_use = self.tables.iter().any(|used| used == table) && self.schema.has_column(table, name);
        in_use.then(|| self.same.get(column)).flatten()
    }
}
