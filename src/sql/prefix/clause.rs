//! Which keywords and symbols may stand where.

use super::{
    moves::Move,
    names::Rules,
    parser::Parser,
    phase::{Clause, Kind, Phase, Stage},
    words::WITHOUT_ARGUMENTS,
};

impl Parser {
    /// What a keyword does here; `None` if it may not stand here.
    pub(super) fn keyword(&self, word: &str, rules: &Rules) -> Option<Move> {
        let frame = self.top();
        let to = |phase| Some(Move::To(phase));
        match (&frame.phase, word) {
            (Phase::Statement, "with") => to(Phase::CteName),
            (Phase::Statement | Phase::CteDone | Phase::Subquery | Phase::Compound { .. }, "select") => {
                Some(Move::Select)
            }
            (Phase::Compound { all: true }, "all") => to(Phase::Compound { all: false }),
            (Phase::CteNamed, "as") => to(Phase::CteAs),
            (Phase::Negated, "in") => to(Phase::In),
            (Phase::Negated, "like" | "glob") | (Phase::By, "by") => to(Phase::Operand),
            (Phase::Negated, "between") => Some(Move::Between),
            (Phase::Natural, "left" | "right" | "full") => to(Phase::Outer),
            (Phase::Natural, "inner") | (Phase::Outer, "outer") => to(Phase::Join),
            (Phase::Natural | Phase::Outer | Phase::Join, "join") => Some(Move::Next { joined: true }),
            (Phase::Type, "integer" | "real" | "text" | "numeric") => to(Phase::Typed),
            (Phase::Negated, "null") | (Phase::Collation, "nocase" | "binary" | "rtrim") => to(Phase::Done),
            (phase, word) if phase.wants_value() => self.before_value(word),
            (phase, word) if phase.is_element() => self.behind_value(word).or_else(|| self.clause(word, rules)),
            _ => None,
        }
    }

    fn before_value(&self, word: &str) -> Option<Move> {
        let (kind, phase) = (self.top().kind, &self.top().phase);
        let begins = *phase == Phase::Start;
        match word {
            "select" if begins && matches!(kind, Kind::Group | Kind::List) => Some(Move::Select),
            "distinct" | "all" if begins && kind == Kind::Query(Clause::Items) => Some(Move::To(Phase::Item)),
            "distinct" if begins && matches!(kind, Kind::Arguments { .. }) => Some(Move::To(Phase::Operand)),
            "not" if *phase != Phase::Signed => Some(Move::To(Phase::Operand)),
            "exists" => Some(Move::To(Phase::Exists)),
            "cast" => Some(Move::To(Phase::CastOpen)),
            "case" if !self.is_deepest() => Some(Move::Open(Kind::Case(Stage::Base), Phase::CaseStart, Phase::Done)),
            "when" if *phase == Phase::CaseStart => Some(Move::Turn(Kind::Case(Stage::When), Phase::Operand)),
            "null" | "true" | "false" | "current_date" | "current_time" | "current_timestamp" => {
                Some(Move::To(Phase::Done))
            }
            _ => None,
        }
    }

    /// Operators that are words, and the words of `CASE` and `CAST`.
    fn behind_value(&self, word: &str) -> Option<Move> {
        let frame = self.top();
        if !frame.phase.is_value() {
            return None;
        }
        let to = |phase| Some(Move::To(phase));
        let turn = |stage, phase| Some(Move::Turn(Kind::Case(stage), phase));
        match (word, frame.ands) {
            ("and", 1..) => return Some(Move::And),
            ("and" | "or", 0) | ("like" | "glob", _) => return to(Phase::Operand),
            ("is", _) => return to(Phase::Is),
            ("not", _) => return to(Phase::Negated),
            ("in", _) => return to(Phase::In),
            ("between", 0) => return Some(Move::Between),
            ("collate", _) => return to(Phase::Collation),
            ("isnull" | "notnull", _) => return to(Phase::Done),
            (_, 1..) => return None,
            _ => {}
        }
        match (frame.kind, word) {
            (Kind::Case(Stage::Base | Stage::Then), "when") => turn(Stage::When, Phase::Operand),
            (Kind::Case(Stage::When), "then") => turn(Stage::Then, Phase::Operand),
            (Kind::Case(Stage::Then), "else") => turn(Stage::Else, Phase::Operand),
            (Kind::Case(Stage::Then | Stage::Else), "end") => Some(Move::Close),
            (Kind::Cast, "as") => to(Phase::Type),
            (Kind::Query(Clause::Items), "as") => to(Phase::Alias),
            _ => None,
        }
    }

    /// Words that lead on within a query.
    fn clause(&self, word: &str, rules: &Rules) -> Option<Move> {
        use Clause::{From, Group, Having, Items, Limit, Offset, On, Order, Where};
        let frame = self.top();
        let Kind::Query(clause) = frame.kind else { return None };
        if frame.ands > 0 {
            return None;
        }
        let turn = |clause, phase| Some(Move::Turn(Kind::Query(clause), phase));
        let tables = matches!(clause, From | On);
        let before_order = matches!(clause, Items | From | On | Where | Group | Having);
        let step = match word {
            "from" if clause == Items => return turn(From, Phase::Source),
            "as" if frame.phase == Phase::Sourced => return Some(Move::To(Phase::SourceAlias)),
            "join" if tables => return Some(Move::Next { joined: true }),
            "left" | "right" | "full" if tables => return turn(From, Phase::Outer),
            "inner" | "cross" if tables => return turn(From, Phase::Join),
            "natural" if tables => return turn(From, Phase::Natural),
            "on" if clause == From && frame.scope.joined && frame.phase != Phase::UsingDone => {
                return turn(On, Phase::Operand);
            }
            "using" if clause == From && frame.scope.joined && frame.phase != Phase::UsingDone => {
                return Some(Move::To(Phase::Using));
            }
            "asc" | "desc" if clause == Order && frame.phase.is_value() => return Some(Move::To(Phase::Directed)),
            "offset" if clause == Limit => return turn(Offset, Phase::Count),
            "where" if tables => turn(Where, Phase::Operand),
            "group" if matches!(clause, From | On | Where) => turn(Group, Phase::By),
            "having" if clause == Group => turn(Having, Phase::Operand),
            "order" if before_order => turn(Order, Phase::By),
            "limit" if before_order || clause == Order => turn(Limit, Phase::Count),
            "union" if before_order => Some(Move::To(Phase::Compound { all: true })),
            "intersect" | "except" if before_order => Some(Move::To(Phase::Compound { all: false })),
            _ => None,
        };
        step.filter(|_| self.ends_query(rules))
    }

    /// What a symbol of one character does here; `None` if it may not stand here.
    pub(super) fn symbol(&self, symbol: u8, rules: &Rules) -> Option<Move> {
        let frame = self.top();
        let phase = &frame.phase;
        match symbol {
            b'(' => self.opening(),
            b')' => self.closes(rules).then_some(Move::Close),
            b',' => self.comma(),
            b'.' => match phase {
                Phase::Name(text, may_be) if may_be.qualifier => Some(Move::To(Phase::Dot(text.clone()))),
                _ => None,
            },
            b'*' => self.star(),
            b'+' | b'-' if phase.wants_value() => (*phase != Phase::Signed).then_some(Move::To(Phase::Signed)),
            b'+' | b'-' | b'/' | b'%' => phase.is_value().then_some(Move::To(Phase::Operand)),
            _ => None,
        }
    }

    fn star(&self) -> Option<Move> {
        let frame = self.top();
        let items = frame.kind == Kind::Query(Clause::Items);
        match &frame.phase {
            Phase::Start | Phase::Item if items => Some(Move::Everything(None)),
            Phase::Dot(qualifier) if items => Some(Move::Everything(Some(qualifier.clone()))),
            Phase::Start if matches!(frame.kind, Kind::Arguments { star: true, .. }) => Some(Move::To(Phase::Star)),
            phase => phase.is_value().then_some(Move::To(Phase::Operand)),
        }
    }

    fn opening(&self) -> Option<Move> {
        if self.is_deepest() {
            return None;
        }
        let open = |kind, phase, around| Some(Move::Open(kind, phase, around));
        match &self.top().phase {
            Phase::CteAs => open(Kind::Derived, Phase::Subquery, Phase::CteDone),
            Phase::Source => open(Kind::Derived, Phase::Subquery, Phase::Sourced),
            Phase::Exists => open(Kind::Derived, Phase::Subquery, Phase::Done),
            Phase::In => open(Kind::List, Phase::Start, Phase::Done),
            Phase::CastOpen => open(Kind::Cast, Phase::Operand, Phase::Done),
            Phase::Using => open(Kind::Columns, Phase::UsingColumn, Phase::UsingDone),
            Phase::Name(name, roles) if roles.function => {
                let listed = |names: &[&str]| name.is_empty() || names.iter().any(|n| n.as_bytes() == name);
                let kind = Kind::Arguments { empty: listed(&WITHOUT_ARGUMENTS), star: listed(&["count"]) };
                open(kind, Phase::Start, Phase::Done)
            }
            phase if phase.wants_value() => open(Kind::Group, Phase::Start, Phase::Done),
            _ => None,
        }
    }

    fn closes(&self, rules: &Rules) -> bool {
        let frame = self.top();
        let value = frame.phase.is_value() && frame.ands == 0;
        match frame.kind {
            Kind::Query(_) => self.frames.len() > 1 && self.ends_query(rules),
            Kind::Group | Kind::List => value,
            Kind::Arguments { empty, .. } => {
                value || frame.phase == Phase::Star || (empty && frame.phase == Phase::Start)
            }
            Kind::Cast => frame.phase == Phase::Typed,
            Kind::Columns => frame.phase == Phase::UsingDone,
            Kind::Derived | Kind::Case(_) => false,
        }
    }

    fn comma(&self) -> Option<Move> {
        let frame = self.top();
        let value = frame.phase.is_value();
        if frame.ands > 0 || !(frame.phase.is_element() || frame.phase == Phase::CteDone) {
            return None;
        }
        match frame.kind {
            Kind::Query(Clause::With) => (frame.phase == Phase::CteDone).then_some(Move::To(Phase::CteName)),
            Kind::Query(Clause::Items) => Some(Move::To(Phase::Item)),
            Kind::Query(Clause::From | Clause::On) => Some(Move::Next { joined: false }),
            Kind::Query(Clause::Group | Clause::Order) => Some(Move::To(Phase::Operand)),
            Kind::Query(Clause::Limit) => Some(Move::Turn(Kind::Query(Clause::Offset), Phase::Count)),
            Kind::Arguments { .. } | Kind::List => value.then_some(Move::To(Phase::Operand)),
            Kind::Columns => Some(Move::To(Phase::UsingColumn)),
            _ => None,
        }
    }
}
