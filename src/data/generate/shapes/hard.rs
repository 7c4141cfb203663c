//! Shapes that Spider calls hard.

use super::{Shape, bridge, link, one};

pub const SHAPES: &[Shape] = &[
    one(
        "SELECT {t.any} FROM {t} WHERE {t.cond} ORDER BY {t.num} {dir} LIMIT 1",
        &[
            "Of the {t} {t.cond}, what is the {t.any} of the {t.num^}?",
            "{Show} the {t.any} of the {t.num^} among {t} {t.cond}.",
            "Among {t} {t.cond}, {show} the {t.any} of the {t.num^}.",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} GROUP BY {t.kind} ORDER BY count(*) {dir} LIMIT 1",
        &[
            "Which {t.kind} has the {dir} {t}?",
            "{Show} the {t.kind} with the {dir} {t}.",
            "What is the {t.kind} shared by the {dir} {t}?",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} GROUP BY {t.kind} ORDER BY avg({t.measure}) {dir} LIMIT 1",
        &[
            "Which {t.kind} has {t} with the {end} {avg} {t.measure}?",
            "{Show} the {t.kind} whose {t} have the {end} {avg} {t.measure}.",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.measure} > (SELECT avg({t.measure}) FROM {t})",
        &[
            "{Show} the {t.any+} of {t} with {t.measure} above the {avg}.",
            "What is the {t.any} of {every} {t'} whose {t.measure} is above {avg}?",
            "Which {t.any+} belong to {t} with more than the {avg} {t.measure}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.measure} < (SELECT avg({t.measure}) FROM {t})",
        &[
            "{Show} the {t.any+} of {t} with {t.measure} below the {avg}.",
            "What is the {t.any} of {every} {t'} whose {t.measure} is below {avg}?",
            "Which {t.any+} belong to {t} with less than the {avg} {t.measure}?",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} WHERE {t.above} INTERSECT SELECT {t.kind} FROM {t} WHERE {t.below}",
        &[
            "Which {t.kind+} have both {t} {t.above} and {t} {t.below}?",
            "{Show} the {t.kind+} that {t} {t.above} and {t} {t.below} have in common.",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} EXCEPT SELECT {t.kind} FROM {t} WHERE {t.cond}",
        &[
            "Which {t.kind+} have no {t} {t.cond}?",
            "{Show} the {t.kind+} of {t} without those of {t} {t.cond}.",
            "What are the {t.kind+} that no {t'} {t.cond} has?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} WHERE {p.id} IN (SELECT {c.p} FROM {c} WHERE {c.cond})",
        &[
            "{Show} the {p.any+} of {p} that have {c} {c.cond}.",
            "What is the {p.any} of {every} {p'} with at least one {c'} {c.cond}?",
            "Which {p.any+} belong to {p} that have any {c'} {c.cond}?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} WHERE {p.id} NOT IN (SELECT {c.p} FROM {c})",
        &[
            "{Show} the {p.any+} of {p} without {c}.",
            "What is the {p.any} of {every} {p'} that has no {c}?",
            "Which {p.any+} belong to {p} that do not have any {c}?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} WHERE {p.id} NOT IN (SELECT {c.p} FROM {c} WHERE {c.cond})",
        &[
            "{Show} the {p.any+} of {p} without {c} {c.cond}.",
            "What is the {p.any} of {every} {p'} that has no {c} {c.cond}?",
        ],
    ),
    link(
        "SELECT {p.id} FROM {p} EXCEPT SELECT {c.p} FROM {c} WHERE {c.cond}",
        &["{Show} the ids of {p} without {c} {c.cond}.", "What are the ids of {p} that have no {c} {c.cond}?"],
    ),
    link(
        "SELECT {c.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {p.cond} ORDER BY {c.num} {dir}",
        &[
            "{Show} the {c.any+} of the {c} {c.of} {p} {p.cond}, {c.num~}.",
            "What are the {c.any+} of {c} {c.of} {p} {p.cond}, {c.num~}?",
        ],
    ),
    link(
        "SELECT {p.label}, count(*) FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond} GROUP BY {p.id}",
        &[
            "{Show} the {p.label} of {every} {p'} with {c} {c.cond}, and the {number} of them.",
            "For {every} {p'} that has {c} {c.cond}, {show} the {p.label} and how many.",
        ],
    ),
    bridge(
        "SELECT {x.label} FROM {x} AS T1 JOIN {m} AS T2 ON {x.id} = {m.x} JOIN {y} AS T3 ON {m.y} = {y.id} WHERE {y.cond}",
        &[
            "For {every} {m'} {m.ofy} {y} {y.cond}, {show} the {x.label} of the {x'}.",
            "What is the {x.label} of the {x'} for {every} {m'} {m.ofy} {y} {y.cond}?",
        ],
    ),
    bridge(
        "SELECT {agg}({m.measure}) FROM {x} AS T1 JOIN {m} AS T2 ON {x.id} = {m.x} JOIN {y} AS T3 ON {m.y} = {y.id} WHERE {y.cond}",
        &["What is the {m.measure*} of the {m} {m.ofx} {x} {m.ofy} {y} {y.cond}?"],
    ),
];
