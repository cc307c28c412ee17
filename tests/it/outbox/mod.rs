//! The table: its schema and its items.

mod brighter_items;
mod partiql;
mod table;
