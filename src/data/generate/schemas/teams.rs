//! Leagues and companies.

use super::{
    super::{
        schema::{Column, Fill, Schema, TableSpec},
        words::CITIES,
    },
    KEY,
};

const NAME: Column = Column::new("name", &["name"], Fill::Person).equal(&["named {}", "called {}"]);
const CITY: Column = Column::new("city", &["city", "town"], Fill::Pick(CITIES));
const SALARY: Column = Column::new("salary", &["salary", "pay"], Fill::Whole(1800, 9600, 50))
    .compared(&["earning more than {}"], &["earning less than {}"])
    .extremes(&["best-paid"], &["worst-paid"])
    .summed();

const fn age(low: i64, high: i64) -> Column {
    Column::new("age", &["age"], Fill::Whole(low, high, 1))
        .compared(&["older than {}"], &["younger than {}"])
        .extremes(&["oldest"], &["youngest"])
}

pub const LEAGUE: Schema = Schema {
    name: "league",
    tables: &[
        TableSpec {
            name: "team",
            nouns: &[("team", "teams"), ("club", "clubs")],
            rows: 12,
            columns: &[
                KEY,
                Column::new(
                    "name",
                    &["name"],
                    Fill::Title(&["Bears", "Eagles", "Foxes", "Lions", "Sharks", "Tigers", "Wolves"]),
                )
                .equal(&["named {}", "called {}"]),
                CITY.equal(&["from {}", "based in {}"]),
                Column::new("founded", &["founding year"], Fill::Year(1890, 2005))
                    .equal(&["founded in {}"])
                    .compared(&["founded after {}"], &["founded before {}"])
                    .extremes(&["newest"], &["oldest"]),
            ],
        },
        TableSpec {
            name: "player",
            nouns: &[("player", "players")],
            rows: 64,
            columns: &[
                KEY,
                NAME,
                Column::new(
                    "position",
                    &["position", "role"],
                    Fill::Pick(&["keeper", "defender", "winger", "striker"]),
                ),
                Column::new("height", &["height"], Fill::Whole(160, 206, 1))
                    .compared(&["taller than {}"], &["shorter than {}"])
                    .extremes(&["tallest"], &["shortest"]),
                Column::new("goals", &["number of goals", "goal count"], Fill::Whole(0, 88, 1))
                    .compared(&["with more than {} goals"], &["with fewer than {} goals"])
                    .summed(),
                Column::new("team_id", &["team id"], Fill::Ref("team", "of")),
            ],
        },
    ],
};

pub const COMPANY: Schema = Schema {
    name: "company",
    tables: &[
        TableSpec {
            name: "department",
            nouns: &[("department", "departments"), ("division", "divisions")],
            rows: 11,
            columns: &[
                KEY,
                Column::new(
                    "name",
                    &["name"],
                    Fill::Unique(&[
                        "Sales",
                        "Design",
                        "Finance",
                        "Legal",
                        "Support",
                        "Research",
                        "Security",
                        "Training",
                        "Marketing",
                        "Planning",
                        "Quality",
                        "Transport",
                    ]),
                )
                .equal(&["named {}", "called {}"]),
                Column::new("floor", &["floor"], Fill::Whole(1, 6, 1)).equal(&["on floor {}"]),
                Column::new("budget", &["budget"], Fill::Whole(20, 480, 5)).summed(),
            ],
        },
        TableSpec {
            name: "employee",
            nouns: &[("employee", "employees"), ("worker", "workers")],
            rows: 62,
            columns: &[
                KEY,
                NAME,
                age(20, 66),
                CITY.equal(&["from {}", "living in {}"]),
                SALARY,
                Column::new("department_id", &["department id"], Fill::Ref("department", "in")),
            ],
        },
    ],
};
