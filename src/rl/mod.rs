//! Group-relative policy optimisation.
