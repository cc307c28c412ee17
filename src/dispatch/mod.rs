//! From the table to the transport.

pub(crate) mod clear;
pub(crate) mod in_flight;
pub(crate) mod mark;
pub(crate) mod marking;
pub(crate) mod recent;
pub(crate) mod report;
