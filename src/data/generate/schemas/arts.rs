//! Songs, books, films.

use super::{
    super::{
        schema::{Column, Fill, Schema, TableSpec},
        words::{COUNTRIES, WORKS},
    },
    KEY,
};

const AGE: Column = Column::new("age", &["age"], Fill::Whole(19, 78, 1))
    .compared(&["older than {}"], &["younger than {}"])
    .extremes(&["oldest"], &["youngest"]);
const NAME: Column = Column::new("name", &["name"], Fill::Person).equal(&["named {}", "called {}"]);
const TITLE: Column = Column::new("title", &["title"], Fill::Title(WORKS)).equal(&["titled {}", "called {}"]);
const COUNTRY: Column = Column::new("country", &["country"], Fill::Pick(COUNTRIES)).equal(&["from {}"]);
const YEAR: Column = Column::new("year", &["year"], Fill::Year(1980, 2023))
    .equal(&["released in {}", "from {}"])
    .compared(&["released after {}", "from after {}"], &["released before {}", "from before {}"])
    .extremes(&["newest", "latest"], &["earliest"]);

pub const MUSIC: Schema = Schema {
    name: "music",
    tables: &[
        TableSpec {
            name: "singer",
            nouns: &[("singer", "singers"), ("artist", "artists")],
            rows: 18,
            columns: &[KEY, NAME, COUNTRY, AGE],
        },
        TableSpec {
            name: "song",
            nouns: &[("song", "songs")],
            rows: 60,
            columns: &[
                KEY,
                TITLE,
                Column::new("genre", &["genre", "style"], Fill::Pick(&["jazz", "pop", "rock", "folk", "soul"])),
                YEAR,
                Column::new("sales", &["sales figure"], Fill::Whole(5, 990, 5))
                    .compared(&["selling more than {}"], &["selling less than {}"])
                    .extremes(&["best-selling"], &["worst-selling"])
                    .summed(),
                Column::new("singer_id", &["singer id"], Fill::Ref("singer", "by")),
            ],
        },
    ],
};

pub const LIBRARY: Schema = Schema {
    name: "library",
    tables: &[
        TableSpec {
            name: "author",
            nouns: &[("author", "authors"), ("writer", "writers")],
            rows: 16,
            columns: &[
                KEY,
                NAME,
                COUNTRY,
                Column::new("born", &["birth year"], Fill::Year(1920, 1995))
                    .equal(&["born in {}"])
                    .compared(&["born after {}"], &["born before {}"])
                    .extremes(&["youngest"], &["oldest"]),
            ],
        },
        TableSpec {
            name: "book",
            nouns: &[("book", "books")],
            rows: 56,
            columns: &[
                KEY,
                TITLE,
                Column::new("topic", &["topic", "subject"], Fill::Pick(&["art", "history", "travel", "crime", "love"]))
                    .equal(&["about {}"]),
                Column::new("pages", &["page count"], Fill::Whole(80, 720, 4))
                    .compared(&["with more than {} pages", "longer than {} pages"], &["with fewer than {} pages"])
                    .extremes(&["longest"], &["shortest"])
                    .summed(),
                Column::new("price", &["price", "cost"], Fill::Half(5, 60))
                    .compared(&["costing more than {}"], &["costing less than {}"])
                    .extremes(&["most expensive"], &["cheapest"]),
                Column::new("author_id", &["author id"], Fill::Ref("author", "by")),
            ],
        },
    ],
};

pub const CINEMA: Schema = Schema {
    name: "cinema",
    tables: &[
        TableSpec {
            name: "director",
            nouns: &[("director", "directors"), ("film maker", "film makers")],
            rows: 15,
            columns: &[KEY, NAME, COUNTRY, AGE],
        },
        TableSpec {
            name: "film",
            nouns: &[("film", "films"), ("movie", "movies")],
            rows: 54,
            columns: &[
                KEY,
                TITLE,
                Column::new("genre", &["genre", "type"], Fill::Pick(&["drama", "comedy", "action", "horror"])),
                YEAR,
                Column::new("minutes", &["running time", "length"], Fill::Whole(75, 210, 1))
                    .compared(&["longer than {} minutes"], &["shorter than {} minutes"])
                    .extremes(&["longest"], &["shortest"]),
                Column::new("director_id", &["director id"], Fill::Ref("director", "by")),
            ],
        },
    ],
};
