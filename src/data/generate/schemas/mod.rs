//! The databases that are made.

use super::schema::{Column, Schema};

mod arts;
mod care;
mod places;
mod teams;
mod trade;

/// All databases. The last one's questions are held out, all of them.
pub const SCHEMAS: &[&Schema] = &[
    &arts::MUSIC,
    &care::SCHOOL,
    &trade::SHOP,
    &arts::LIBRARY,
    &places::FLIGHTS,
    &care::HOSPITAL,
    &teams::LEAGUE,
    &teams::COMPANY,
    &arts::CINEMA,
    &places::ZOO,
    &trade::FARM,
    &places::HOTEL,
];

const KEY: Column = Column::new("id", &["id"], super::schema::Fill::Key);
