//! SQL: execution within limits, comparison of results.
