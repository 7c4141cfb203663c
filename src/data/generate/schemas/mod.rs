//! The databases that are made.

use super::schema::{Column, Schema};

mod arts;
mod places;
mod trade;
mod work;

/// All databases. The last one's questions are held out, all of them.
pub const SCHEMAS: &[&Schema] = &[
    &arts::MUSIC,
    &work::SCHOOL,
    &trade::SHOP,
    &arts::LIBRARY,
    &places::FLIGHTS,
    &work::HOSPITAL,
    &work::LEAGUE,
    &work::COMPANY,
    &arts::CINEMA,
    &places::ZOO,
    &trade::FARM,
    &places::HOTEL,
];

const KEY: Column = Column::new("id", &["id"], super::schema::Fill::Key);
