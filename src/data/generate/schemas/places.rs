//! Airlines, zoos, hotels.

use super::{
    super::{
        schema::{Column, Fill, Schema, TableSpec},
        words::{CITIES, COUNTRIES},
    },
    KEY,
};

const NAME: Column = Column::new("name", &["name"], Fill::Person).equal(&["named {}", "called {}"]);
const PRICE: Column = Column::new("price", &["price", "cost"], Fill::Whole(40, 900, 5))
    .compared(&["costing more than {}"], &["costing less than {}"])
    .extremes(&["most expensive"], &["cheapest"])
    .summed();

pub const FLIGHTS: Schema = Schema {
    name: "flights",
    tables: &[
        TableSpec {
            name: "airline",
            nouns: &[("airline", "airlines"), ("carrier", "carriers")],
            rows: 12,
            columns: &[
                KEY,
                Column::new("name", &["name"], Fill::Title(&["Air", "Jet", "Wings", "Lines", "Sky"]))
                    .equal(&["named {}", "called {}"]),
                Column::new("country", &["country"], Fill::Pick(COUNTRIES)).equal(&["from {}"]),
                Column::new("fleet", &["fleet size"], Fill::Whole(6, 240, 2)).summed(),
            ],
        },
        TableSpec {
            name: "flight",
            nouns: &[("flight", "flights")],
            rows: 64,
            columns: &[
                Column::new("origin", &["origin"], Fill::Pick(CITIES)).equal(&["from {}", "leaving from {}"]),
                Column::new("target", &["destination", "target"], Fill::Pick(CITIES)).equal(&["to {}", "going to {}"]),
                Column::new("distance", &["distance", "flight distance"], Fill::Whole(210, 9800, 10))
                    .compared(&["longer than {}"], &["shorter than {}"])
                    .extremes(&["longest"], &["shortest"]),
                PRICE,
                Column::new("airline_id", &["airline id"], Fill::Ref("airline", "of")),
            ],
        },
    ],
};

pub const ZOO: Schema = Schema {
    name: "zoo",
    tables: &[
        TableSpec {
            name: "keeper",
            nouns: &[("keeper", "keepers")],
            rows: 13,
            columns: &[
                KEY,
                NAME,
                Column::new("city", &["city", "town"], Fill::Pick(CITIES)).equal(&["from {}", "living in {}"]),
                Column::new("hired", &["hiring year"], Fill::Year(1995, 2023))
                    .equal(&["hired in {}"])
                    .compared(&["hired after {}"], &["hired before {}"])
                    .extremes(&["newest"], &["longest-serving"]),
            ],
        },
        TableSpec {
            name: "animal",
            nouns: &[("animal", "animals")],
            rows: 52,
            columns: &[
                KEY,
                Column::new("species", &["species", "kind"], Fill::Pick(&["lion", "zebra", "panda", "otter", "camel"])),
                Column::new("age", &["age"], Fill::Whole(1, 34, 1))
                    .compared(&["older than {}"], &["younger than {}"])
                    .extremes(&["oldest"], &["youngest"]),
                Column::new("weight", &["weight"], Fill::Half(3, 320))
                    .compared(&["heavier than {}"], &["lighter than {}"])
                    .extremes(&["heaviest"], &["lightest"])
                    .summed(),
                Column::new("keeper_id", &["keeper id"], Fill::Ref("keeper", "of")),
            ],
        },
    ],
};

/// Held out whole: a database that no training question is about.
pub const HOTEL: Schema = Schema {
    name: "hotel",
    tables: &[
        TableSpec {
            name: "hotel",
            nouns: &[("hotel", "hotels")],
            rows: 14,
            columns: &[
                KEY,
                Column::new("name", &["name"], Fill::Title(&["Garden", "House", "Palace", "Park", "River", "Star"]))
                    .equal(&["named {}", "called {}"]),
                Column::new("city", &["city", "town"], Fill::Pick(CITIES)).equal(&["in {}", "located in {}"]),
                Column::new("rooms", &["number of rooms", "room count"], Fill::Whole(12, 320, 2))
                    .compared(&["with more than {} rooms"], &["with fewer than {} rooms"])
                    .extremes(&["largest", "biggest"], &["smallest"])
                    .summed(),
            ],
        },
        TableSpec {
            name: "guest",
            nouns: &[("guest", "guests"), ("visitor", "visitors")],
            rows: 60,
            columns: &[
                KEY,
                NAME,
                Column::new("country", &["country"], Fill::Pick(COUNTRIES)).equal(&["from {}"]),
                Column::new("age", &["age"], Fill::Whole(18, 84, 1))
                    .compared(&["older than {}"], &["younger than {}"])
                    .extremes(&["oldest"], &["youngest"]),
                Column::new("nights", &["number of nights"], Fill::Whole(1, 21, 1))
                    .compared(&["staying more than {} nights"], &["staying fewer than {} nights"])
                    .summed(),
                Column::new("hotel_id", &["hotel id"], Fill::Ref("hotel", "in")),
            ],
        },
    ],
};
