//! What a name may be at a place of a query, given the tables of this query and of those around it.

use super::{
    names::{Names, Rules, Wanted},
    parser::Parser,
    phase::{Clause, Kind, Roles},
    scope::{Scope, Used},
    words::FUNCTIONS,
};

/// Letters and digits of an alias that may be used before it is defined.
const ALIAS: [usize; 2] = [2, 2];

impl Parser {
    /// The queries that stand open, the innermost first.
    pub(super) fn queries(&self) -> impl Iterator<Item = (Clause, &Scope)> {
        self.frames.iter().rev().filter_map(|frame| match frame.kind {
            Kind::Query(clause) => Some((clause, &frame.scope)),
            _ => None,
        })
    }

    /// What a bare name in place of a value may be.
    pub(super) fn roles(&self, wanted: Wanted<'_>, rules: &Rules) -> Roles {
        let Some(names) = &rules.names else { return Roles { column: true, qualifier: true, function: true } };
        let fits = |name: &[u8]| wanted.fits(name);
        let mut found = Roles { function: FUNCTIONS.iter().any(|name| fits(name.as_bytes())), ..Roles::default() };
        for (clause, scope) in self.queries() {
            if clause == Clause::Items {
                found.column |= names.columns().any(fits);
                found.qualifier |= is_like_an_alias(wanted) || names.tables.iter().any(|table| fits(&table.name));
            } else {
                // SQLite lets a join's condition name tables that are joined later.
                found.qualifier |= clause == Clause::On && is_like_an_alias(wanted);
                found.column |= scope.aliases.iter().any(|alias| fits(alias));
            }
            for source in &scope.sources {
                found.qualifier |= fits(&source.name);
                found.column |= match source.table {
                    Some(table) => names.tables[table].columns.iter().any(|column| fits(column)),
                    None => names.columns().any(fits),
                };
            }
        }
        found
    }

    /// Whether `wanted` may stand behind `qualifier` and a dot.
    pub(super) fn is_column_of(&self, qualifier: &[u8], wanted: Wanted<'_>, rules: &Rules) -> bool {
        let Some(names) = &rules.names else { return true };
        let mut sources = self.queries().flat_map(|(_, scope)| &scope.sources);
        if let Some(source) = sources.find(|source| source.name == qualifier) {
            let known = source.table.map(|table| names.tables[table].columns.iter().any(|column| wanted.fits(column)));
            // What a query in brackets returns is what it names, or a column of some table.
            let aliases = || self.queries().any(|(_, scope)| scope.aliases.iter().any(|alias| wanted.fits(alias)));
            return known.unwrap_or_else(|| names.columns().any(|column| wanted.fits(column)) || aliases());
        }
        let asked: Vec<&[u8]> = self.queries().flat_map(|(_, scope)| scope.asked_of(qualifier)).collect();
        names.tables.iter().enumerate().any(|(index, table)| {
            let is_it = names.table(qualifier).is_none_or(|named| named == index);
            is_it
                && asked.iter().all(|column| table.columns.iter().any(|c| c == column))
                && table.columns.iter().any(|column| wanted.fits(column))
        })
    }

    /// Whether `wanted` may be a table.
    pub(super) fn is_table(&self, wanted: Wanted<'_>, rules: &Rules) -> bool {
        let Some(names) = &rules.names else { return true };
        let defined = || self.queries().any(|(_, scope)| scope.ctes.iter().any(|name| wanted.fits(name)));
        names.tables.iter().any(|table| wanted.fits(&table.name)) || defined()
    }

    /// Whether the innermost query has, or those around it have or may still get, all that it used.
    pub(super) fn is_resolved(&self, rules: &Rules) -> bool {
        let mut queries = self.queries();
        let Some((_, scope)) = queries.next() else { return true };
        let Some(names) = &rules.names else { return !scope.needs_source || !scope.sources.is_empty() };
        if scope.needs_source && scope.sources.is_empty() && scope.used.is_empty() {
            return false;
        }
        let around: Vec<_> = queries.collect();
        scope.used.iter().all(|used| {
            scope.has(used, names)
                || around.iter().any(|(clause, outer)| *clause == Clause::Items || outer.has(used, names))
        })
    }

    /// What the innermost query used and neither it nor those around it have.
    pub(super) fn unresolved(&self, names: &Names) -> Vec<Used> {
        let scopes: Vec<&Scope> = self.queries().map(|(_, scope)| scope).collect();
        let used = scopes.first().map(|scope| scope.used.as_slice()).unwrap_or_default();
        used.iter().filter(|used| !scopes.iter().any(|scope| scope.has(used, names))).cloned().collect()
    }
}

/// Whether this is, or could become, a name as people give them to tables in a query: a letter or two, a digit or two.
fn is_like_an_alias(wanted: Wanted<'_>) -> bool {
    let letters = wanted.text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = wanted.text[letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=ALIAS[0]).contains(&letters) && digits <= ALIAS[1] && letters + digits == wanted.text.len()
}
