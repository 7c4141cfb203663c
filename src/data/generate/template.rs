//! Templates with slots in braces, and queries made of them.

use super::{bind::Binding, error::GenerateError, schema::Column};

/// A slot: `{c.num+}` has the table `c`, the role `num` and the sign `+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// What stands between the braces.
    pub text: &'static str,
    /// What stands before the point.
    pub table: &'static str,
    /// What stands behind the point, without signs.
    pub role: &'static str,
    /// The signs at the end.
    pub sign: &'static str,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands as it is.
    Text(&'static str),
    /// A slot to fill.
    Slot(Slot),
}

/// The pieces of a template in their order.
pub fn pieces(template: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((text, behind)) = after.split_once('}') else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let name = text.trim_end_matches(['+', '^', '~', '*', '=', '\'']);
        let (table, role) = name.split_once('.').unwrap_or((name, ""));
        pieces.push(Piece::Slot(Slot { text, table, role, sign: &text[name.len()..] }));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The slots of a template in their order.
pub fn slots(template: &'static str) -> impl Iterator<Item = Slot> {
    pieces(template).into_iter().filter_map(|piece| match piece {
        Piece::Slot(slot) => Some(slot),
        Piece::Text(_) => None,
    })
}

/// The query of a binding. `instead` puts other text in the place of a slot.
///
/// # Errors
/// [`GenerateError::Slot`] for a mistake in the shape.
pub fn query(binding: &Binding, instead: Option<(&str, &str)>) -> Result<String, GenerateError> {
    let template = binding.shape.sql;
    let mut sql = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => sql += text,
            Piece::Slot(slot) => match instead {
                Some((text, other)) if text == slot.text => sql += other,
                _ => {
                    let filled = fill(binding, &slot);
                    sql += &filled.ok_or_else(|| GenerateError::Slot { slot: slot.text.to_owned(), template })?;
                }
            },
        }
    }
    Ok(sql)
}

fn fill(binding: &Binding, slot: &Slot) -> Option<String> {
    if slot.role.is_empty() {
        return Some(match slot.table {
            "n" => binding.number.to_string(),
            "many" => format!("{} {}", binding.comparison, binding.number),
            "dir" => if binding.descending { "DESC" } else { "ASC" }.to_owned(),
            "agg" => binding.aggregate.to_owned(),
            table => binding.table(table)?.name.to_owned(),
        });
    }
    let spec = binding.table(slot.table)?;
    let name = |column: &Column| qualified(binding, slot.table, column);
    if slot.sign == "=" {
        return find(&binding.values, slot).cloned();
    }
    if let Some(condition) = find(&binding.conditions, slot) {
        return Some(condition.sql(&name(condition.column)));
    }
    match slot.role {
        "id" => spec.key().map(name),
        "p" | "x" | "y" => spec.reference(binding.table(slot.role)?.name).map(|(column, _)| name(column)),
        role => binding.column(slot.table, role).map(name),
    }
}

fn find<'a, T>(map: &'a std::collections::BTreeMap<(&'static str, &'static str), T>, slot: &Slot) -> Option<&'a T> {
    map.get(&(slot.table, slot.role))
}

fn qualified(binding: &Binding, table: &str, column: &Column) -> String {
    let alias = match table {
        _ if !binding.shape.has_aliases() => return column.name.to_owned(),
        "p" | "x" => "T1",
        "c" | "m" => "T2",
        _ => "T3",
    };
    format!("{alias}.{}", column.name)
}
