//! Shops and farms.

use super::{
    super::{
        schema::{Column, Fill, Schema, TableSpec},
        words::CITIES,
    },
    KEY,
};

const PRICE: Column = Column::new("price", &["price", "cost"], Fill::Half(2, 90))
    .compared(&["costing more than {}"], &["costing less than {}"])
    .extremes(&["most expensive"], &["cheapest"]);

pub const SHOP: Schema = Schema {
    name: "shop",
    tables: &[
        TableSpec {
            name: "customer",
            nouns: &[("customer", "customers"), ("client", "clients")],
            rows: 20,
            columns: &[
                KEY,
                Column::new("name", &["name"], Fill::Person).equal(&["named {}", "called {}"]),
                Column::new("city", &["city", "town"], Fill::Pick(CITIES)).equal(&["from {}", "living in {}"]),
                Column::new("joined", &["joining date"], Fill::Date(2018, 2022))
                    .compared(&["who joined after {}"], &["who joined before {}"]),
            ],
        },
        TableSpec {
            name: "product",
            nouns: &[("product", "products"), ("item", "items")],
            rows: 16,
            columns: &[
                KEY,
                Column::new(
                    "name",
                    &["name"],
                    Fill::Unique(&[
                        "lamp", "chair", "table", "radio", "clock", "mirror", "basket", "kettle", "blanket", "pillow",
                        "carpet", "vase", "shelf", "ladder", "candle", "bucket", "heater", "pan",
                    ]),
                )
                .equal(&["named {}", "called {}"]),
                Column::new("color", &["color"], Fill::Pick(&["red", "blue", "green", "black", "white"])),
                PRICE,
            ],
        },
        TableSpec {
            name: "sale",
            nouns: &[("sale", "sales"), ("purchase", "purchases")],
            rows: 75,
            columns: &[
                Column::new("customer_id", &["customer id"], Fill::Ref("customer", "to")),
                Column::new("product_id", &["product id"], Fill::Ref("product", "of")),
                Column::new("amount", &["amount", "quantity"], Fill::Whole(1, 40, 1)).summed(),
                Column::new("day", &["day", "date"], Fill::Date(2022, 2023)).compared(&["after {}"], &["before {}"]),
            ],
        },
    ],
};

pub const FARM: Schema = Schema {
    name: "farm",
    tables: &[
        TableSpec {
            name: "farm",
            nouns: &[("farm", "farms")],
            rows: 14,
            columns: &[
                KEY,
                Column::new(
                    "name",
                    &["name"],
                    Fill::Title(&["Acre", "Creek", "Field", "Hill", "Lake", "Meadow", "Oak"]),
                )
                .equal(&["named {}", "called {}"]),
                Column::new("region", &["region"], Fill::Pick(&["north", "south", "east", "west"])),
                Column::new("area", &["area", "size"], Fill::Whole(12, 380, 2))
                    .compared(&["larger than {}"], &["smaller than {}"])
                    .extremes(&["largest", "biggest"], &["smallest"])
                    .summed(),
            ],
        },
        TableSpec {
            name: "harvest",
            nouns: &[("harvest", "harvests")],
            rows: 66,
            columns: &[
                Column::new("crop", &["crop"], Fill::Pick(&["corn", "wheat", "rice", "beans", "apples"])),
                Column::new("year", &["year"], Fill::Year(2012, 2023))
                    .equal(&["from {}", "in {}"])
                    .compared(&["after {}"], &["before {}"]),
                Column::new("tons", &["yield", "number of tons"], Fill::Whole(4, 260, 1))
                    .compared(&["of more than {} tons"], &["of less than {} tons"])
                    .extremes(&["largest", "biggest"], &["smallest"])
                    .summed(),
                Column::new("price", &["price"], Fill::Half(2, 60)),
                Column::new("farm_id", &["farm id"], Fill::Ref("farm", "of")),
            ],
        },
    ],
};
