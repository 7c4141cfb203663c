//! Schools and hospitals.

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

pub const SCHOOL: Schema = Schema {
    name: "school",
    tables: &[
        TableSpec {
            name: "student",
            nouns: &[("student", "students"), ("pupil", "pupils")],
            rows: 24,
            columns: &[KEY, NAME, CITY.equal(&["from {}", "living in {}"]), age(15, 29)],
        },
        TableSpec {
            name: "course",
            nouns: &[("course", "courses"), ("class", "classes")],
            rows: 10,
            columns: &[
                KEY,
                Column::new(
                    "title",
                    &["title"],
                    Fill::Unique(&[
                        "Algebra",
                        "Biology",
                        "Chemistry",
                        "Drawing",
                        "English",
                        "French",
                        "Geometry",
                        "Music",
                        "Physics",
                        "Writing",
                    ]),
                )
                .equal(&["called {}", "titled {}"]),
                Column::new("hours", &["number of hours"], Fill::Whole(20, 90, 2))
                    .compared(&["taking more than {} hours"], &["taking less than {} hours"])
                    .extremes(&["longest"], &["shortest"])
                    .summed(),
            ],
        },
        TableSpec {
            name: "exam",
            nouns: &[("exam", "exams"), ("test", "tests")],
            rows: 70,
            columns: &[
                Column::new("student_id", &["student id"], Fill::Ref("student", "of")),
                Column::new("course_id", &["course id"], Fill::Ref("course", "in")),
                Column::new("score", &["score", "mark"], Fill::Whole(31, 100, 1))
                    .compared(&["with more than {} points"], &["with less than {} points"]),
            ],
        },
    ],
};

pub const HOSPITAL: Schema = Schema {
    name: "hospital",
    tables: &[
        TableSpec {
            name: "doctor",
            nouns: &[("doctor", "doctors"), ("physician", "physicians")],
            rows: 16,
            columns: &[
                KEY,
                NAME,
                Column::new("field", &["field", "specialty"], Fill::Pick(&["heart", "skin", "eyes", "bones"])),
                SALARY,
            ],
        },
        TableSpec {
            name: "patient",
            nouns: &[("patient", "patients")],
            rows: 58,
            columns: &[
                KEY,
                NAME,
                age(2, 95),
                CITY.equal(&["from {}", "living in {}"]),
                Column::new("arrived", &["arrival date", "day of arrival"], Fill::Date(2021, 2023))
                    .compared(&["who arrived after {}"], &["who arrived before {}"]),
                Column::new("doctor_id", &["doctor id"], Fill::Ref("doctor", "of")),
            ],
        },
    ],
};
