//! Shapes that Spider calls medium.

use super::{Shape, link, one};

pub const SHAPES: &[Shape] = &[
    one(
        "SELECT {t.any}, {t.any2} FROM {t} WHERE {t.cond}",
        &[
            "{Show} the {t.any} and {t.any2} of {every} {t'} {t.cond}.",
            "What are the {t.any+} and {t.any2+} of {t} {t.cond}?",
            "For {t} {t.cond}, {show} the {t.any} and the {t.any2}.",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.cond} AND {t.cond2}",
        &[
            "{Show} the {t.any} of {every} {t'} {t.cond} and {t.cond2}.",
            "What are the {t.any+} of {t} {t.cond} and {t.cond2}?",
            "For {t} {t.cond} and {t.cond2}, {show} the {t.any+}.",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.cond} OR {t.cond2}",
        &[
            "{Show} the {t.any} of {every} {t'} {t.cond} or {t.cond2}.",
            "What are the {t.any+} of {t} {t.cond} or {t.cond2}?",
        ],
    ),
    one(
        "SELECT count(*) FROM {t} WHERE {t.cond} AND {t.cond2}",
        &[
            "How many {t} {t.cond} and {t.cond2} are there?",
            "Count the {t} {t.cond} and {t.cond2}.",
            "What is the {number} of {t} {t.cond} and {t.cond2}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} ORDER BY {t.num} {dir} LIMIT 1",
        &[
            "What is the {t.any} of the {t.num^}?",
            "{Show} the {t.any} of the {t.num^}.",
            "Which {t.any} does the {t.num^} have?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} ORDER BY {t.num} {dir} LIMIT {n}",
        &["What are the {t.any+} of the {n} {t.num^+}?", "{Show} the {t.any+} of the {n} {t.num^+}."],
    ),
    one(
        "SELECT {t.any}, {t.num} FROM {t} ORDER BY {t.num} {dir}",
        &[
            "{Show} the {t.any} and {t.num} of all {t} {t.num~}.",
            "What are the {t.any+} and {t.num+} of the {t} {t.num~}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.cond} ORDER BY {t.num} {dir}",
        &["{Show} the {t.any+} of {t} {t.cond}, {t.num~}.", "What are the {t.any+} of {t} {t.cond}, {t.num~}?"],
    ),
    one(
        "SELECT {t.kind}, count(*) FROM {t} GROUP BY {t.kind}",
        &[
            "How many {t} are there for {every} {t.kind}?",
            "{Show} {every} {t.kind} with its {number} of {t}.",
            "What is the {number} of {t} for {every} {t.kind}? {Show} the {t.kind} too.",
            "For {every} {t.kind}, {show} it and count the {t}.",
        ],
    ),
    one(
        "SELECT {t.kind}, {agg}({t.measure}) FROM {t} GROUP BY {t.kind}",
        &[
            "What is the {t.measure*} of the {t} for {every} {t.kind}? {Show} the {t.kind} too.",
            "{Show} {every} {t.kind} with the {t.measure*} of its {t}.",
            "For {every} {t.kind}, {show} it and the {t.measure*} of its {t}.",
        ],
    ),
    one(
        "SELECT max({t.measure}), min({t.measure}) FROM {t} WHERE {t.cond}",
        &[
            "What are the {max} and the {min} {t.measure} of {t} {t.cond}?",
            "{Show} the {max} and {min} {t.measure} of all {t} {t.cond}.",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.like}",
        &[
            "{Show} the {t.any+} of {t} {t.like}.",
            "What is the {t.any} of {every} {t'} {t.like}?",
            "For {t} {t.like}, {show} the {t.any}.",
        ],
    ),
    link(
        "SELECT {c.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {p.cond}",
        &[
            "{Show} the {c.any+} of the {c} {c.of} {p} {p.cond}.",
            "What is the {c.any} of {every} {c'} {c.of} {p} {p.cond}?",
            "For the {c} {c.of} {p} {p.cond}, {show} the {c.any}.",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {c.cond}",
        &[
            "For {every} {c'} {c.cond}, {show} the {p.any} of its {p'}.",
            "What is the {p.any} of the {p'} for {every} {c'} {c.cond}?",
            "{Show} the {p.any} of the {p'} of {every} {c'} {c.cond}.",
        ],
    ),
    link(
        "SELECT {c.any}, {p.label} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p}",
        &[
            "{Show} the {c.any} of {every} {c'} and the {p.label} of its {p'}.",
            "What is the {c.any} of {every} {c'} and the {p.label} of the {p'} it belongs to?",
        ],
    ),
    link(
        "SELECT count(*) FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {p.cond}",
        &[
            "How many {c} {c.of} {p} {p.cond} are there?",
            "Count the {c} {c.of} {p} {p.cond}.",
            "What is the {number} of {c} {c.of} {p} {p.cond}?",
        ],
    ),
    link(
        "SELECT {agg}({c.measure}) FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} WHERE {p.cond}",
        &[
            "What is the {c.measure*} of the {c} {c.of} {p} {p.cond}?",
            "{Show} the {c.measure*} of {c} {c.of} {p} {p.cond}.",
        ],
    ),
    link(
        "SELECT {p.label}, count(*) FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} GROUP BY {p.id}",
        &[
            "How many {c} does {every} {p'} have? {Show} the {p.label} and the {number}, without {p} that have none.",
            "{Show} the {p.label} and the {number} of {c} of {every} {p'} that has any {c}.",
            "For {every} {p'} with {c}, {show} the {p.label} and the {number} of {c}.",
        ],
    ),
    link(
        "SELECT {p.any} FROM {p} AS T1 JOIN {c} AS T2 ON {p.id} = {c.p} GROUP BY {p.id} HAVING count(*) {many}",
        &[
            "{Show} the {p.any+} of {p} with {many} {c}.",
            "What is the {p.any} of {every} {p'} that has {many} {c}?",
            "Which {p.any+} belong to {p} having {many} {c}?",
        ],
    ),
];
