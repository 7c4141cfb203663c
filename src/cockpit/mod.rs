//! The cockpit: ratatui, events in, commands out. Imports no burn.
