//! Shapes that Spider calls easy.

use super::{Shape, one};

pub const SHAPES: &[Shape] = &[
    one(
        "SELECT {t.any} FROM {t}",
        &[
            "{Show} the {t.any} of {every} {t'}.",
            "{Show} the {t.any+} of all {t}.",
            "What is the {t.any} of {every} {t'}?",
            "What are the {t.any+} of all {t}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.cond}",
        &[
            "{Show} the {t.any} of {every} {t'} {t.cond}.",
            "{Show} the {t.any+} of {t} {t.cond}.",
            "What are the {t.any+} of {t} {t.cond}?",
            "What is the {t.any} of {every} {t'} {t.cond}?",
            "For {t} {t.cond}, {show} the {t.any+}.",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} WHERE {t.between}",
        &[
            "{Show} the {t.any+} of {t} {t.between}.",
            "What is the {t.any} of {every} {t'} {t.between}?",
            "For all {t} {t.between}, {show} the {t.any}.",
        ],
    ),
    one(
        "SELECT count(*) FROM {t}",
        &[
            "How many {t} are there?",
            "Count the {t}.",
            "What is the {number} of {t}?",
            "{Show} the {number} of all {t}.",
        ],
    ),
    one(
        "SELECT count(*) FROM {t} WHERE {t.cond}",
        &[
            "How many {t} {t.cond} are there?",
            "Count the {t} {t.cond}.",
            "What is the {number} of {t} {t.cond}?",
            "{Show} the {number} of {t} {t.cond}.",
            "How many {t} do we have {t.cond}?",
        ],
    ),
    one(
        "SELECT {agg}({t.measure}) FROM {t}",
        &[
            "What is the {t.measure*} of all {t}?",
            "{Show} the {t.measure*} of the {t}.",
            "{Show} the {t.measure*} over all {t}.",
        ],
    ),
    one(
        "SELECT {agg}({t.measure}) FROM {t} WHERE {t.cond}",
        &[
            "What is the {t.measure*} of {t} {t.cond}?",
            "{Show} the {t.measure*} of all {t} {t.cond}.",
            "For {t} {t.cond}, what is the {t.measure*}?",
        ],
    ),
    one(
        "SELECT sum({t.sum}) FROM {t} WHERE {t.cond}",
        &[
            "What is the {total} {t.sum} of {t} {t.cond}?",
            "{Show} the {total} {t.sum} of all {t} {t.cond}.",
            "Add up the {t.sum} of {t} {t.cond}.",
        ],
    ),
    one(
        "SELECT DISTINCT {t.kind} FROM {t}",
        &[
            "{Show} the {different} {t.kind+} of the {t}.",
            "What are the {different} {t.kind+} of {t}?",
            "Which {different} {t.kind+} do the {t} have?",
        ],
    ),
    one(
        "SELECT DISTINCT {t.kind} FROM {t} WHERE {t.cond}",
        &["{Show} the {different} {t.kind+} of {t} {t.cond}.", "What are the {different} {t.kind+} of {t} {t.cond}?"],
    ),
    one(
        "SELECT count(DISTINCT {t.kind}) FROM {t}",
        &[
            "How many {different} {t.kind+} do the {t} have?",
            "Count the {different} {t.kind+} of {t}.",
            "What is the {number} of {different} {t.kind+} of {t}?",
        ],
    ),
    one(
        "SELECT {t.any} FROM {t} ORDER BY {t.num} {dir}",
        &[
            "{Show} the {t.any+} of all {t} {t.num~}.",
            "{Show} the {t.any} of {every} {t'} {t.num~}.",
            "What are the {t.any+} of the {t} {t.num~}?",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} GROUP BY {t.kind} HAVING count(*) {many}",
        &[
            "Which {t.kind+} have {many} {t}?",
            "{Show} the {t.kind+} with {many} {t}.",
            "What are the {t.kind+} shared by {many} {t}?",
        ],
    ),
    one(
        "SELECT {t.kind} FROM {t} GROUP BY {t.kind} HAVING avg({t.measure}) > {t.measure=}",
        &[
            "Which {t.kind+} have {t} whose {avg} {t.measure} is above {t.measure=}?",
            "{Show} the {t.kind+} of {t} with {avg} {t.measure} over {t.measure=}.",
        ],
    ),
];
