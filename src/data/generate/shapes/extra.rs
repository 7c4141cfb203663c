//! Shapes that Spider calls extra hard.

use super::{Shape, bridge, link, one};

pub const SHAPES: &[Shape] = &[
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} GROUP BY {p.id} ORDER BY count(*) DESC LIMIT 1",
        &[
            "What is the {p.any} of the {p'} with the most {c}?",
            "{Show} the {p.any} of the {p'} that has the largest {number} of {c}.",
            "Which {p.any} belongs to the {p'} with the highest {number} of {c}?",
        ],
    ),
    link(
        "SELECT {p.label} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond} GROUP BY {p.id} ORDER BY count(*) DESC LIMIT 1",
        &[
            "What is the {p.label} of the {p'} with the most {c} {c.cond}?",
            "{Show} the {p.label} of the {p'} that has the largest {number} of {c} {c.cond}.",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond} ORDER BY {c.num} {dir} LIMIT 1",
        &[
            "Of the {c} {c.cond}, {show} the {p.any} of the {p'} of the {c.num^}.",
            "What is the {p.any} of the {p'} that the {c.num^} among {c} {c.cond} belongs to?",
        ],
    ),
    link(
        "SELECT {c.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {p.cond} ORDER BY {c.num} {dir} LIMIT {n}",
        &[
            "Of the {c} {c.of} {p} {p.cond}, what are the {c.any+} of the {n} {c.num^+}?",
            "{Show} the {c.any+} of the {n} {c.num^+} among the {c} {c.of} {p} {p.cond}.",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.is} INTERSECT SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.is2}",
        &[
            "{Show} the {p.any+} shared by {p} that have {c} {c.is} and {p} that have {c} {c.is2}.",
            "Which {p.any+} belong both to {p} with {c} {c.is} and to {p} with {c} {c.is2}?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.above} UNION SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.below}",
        &[
            "{Show} the {different} {p.any+} of {p} that have {c} {c.above} or {c} {c.below}.",
            "What are the {different} {p.any+} of {p} with {c} {c.above} or {c} {c.below}?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond} EXCEPT SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond2}",
        &[
            "{Show} the {different} {p.any+} of {p} that have {c} {c.cond}, without those of {p} that have {c} {c.cond2}.",
            "Which {different} {p.any+} belong to {p} with {c} {c.cond} but not to {p} with {c} {c.cond2}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.measure} > (SELECT avg({t.measure}) FROM {t}) AND {t.cond}",
        &[
            "{Show} the {t.any+} of {t} {t.cond} and with {t.measure} above the {avg} of all {t}.",
            "What is the {t.any} of {every} {t'} {t.cond} and whose {t.measure} is above the {avg} of all {t}?",
        ],
    ),
    one(
        "SELECT {t.any}, {t.measure} FROM {t} WHERE {t.measure} > (SELECT avg({t.measure}) FROM {t} WHERE {t.cond})",
        &[
            "{Show} the {t.any} and {t.measure} of {t} whose {t.measure} is above the {avg} of {t} {t.cond}.",
            "What are the {t.any+} and {t.measure+} of the {t} with {t.measure} above the {avg} of {t} {t.cond}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.measure} > (SELECT avg({t.measure}) FROM {t}) ORDER BY {t.measure} {dir}",
        &[
            "{Show} the {t.any+} of {t} whose {t.measure} is above the {avg}, {t.measure~}.",
            "What are the {t.any+} of {t} with {t.measure} above the {avg}, {t.measure~}?",
        ],
    ),
    link(
        "SELECT count(*) FROM {p} WHERE {p.id} NOT IN (SELECT {c.p} FROM {c} WHERE {c.cond})",
        &[
            "How many {p} have no {c} {c.cond}?",
            "Count the {p} without {c} {c.cond}.",
            "What is the {number} of {p} that do not have any {c'} {c.cond}?",
        ],
    ),
    link(
        "SELECT {p.any}, {p.any2} FROM {p} WHERE {p.id} NOT IN (SELECT {c.p} FROM {c} WHERE {c.cond})",
        &[
            "{Show} the {p.any} and {p.any2} of {every} {p'} without {c} {c.cond}.",
            "What are the {p.any+} and {p.any2+} of {p} that have no {c} {c.cond}?",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} WHERE {p.cond} AND {p.id} IN (SELECT {c.p} FROM {c} WHERE {c.cond})",
        &[
            "{Show} the {p.any+} of {p} {p.cond} that have {c} {c.cond}.",
            "What is the {p.any} of {every} {p'} {p.cond} and with at least one {c'} {c.cond}?",
        ],
    ),
    bridge(
        "SELECT {x.label} FROM {x} AS T1 JOIN {m} AS T2 ON {x.id} = {m.x} JOIN {y} AS T3 ON {m.y} = {y.id} WHERE {y.cond} ORDER BY {m.num} {dir} LIMIT 1",
        &[
            "Of all {m} {m.ofy} {y} {y.cond}, {show} the {x.label} of the {x'} with the {end} {m.num}.",
            "Which {x.label} belongs to the {x'} with the {end} {m.num} among {m} {m.ofy} {y} {y.cond}?",
        ],
    ),
];
