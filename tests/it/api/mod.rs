//! The blocking interface: units of work, deposits, calls and their limits.

mod blocking;
mod by_id;
mod commit_retry;
mod deposit;
mod put;
mod telemetry;
mod trace_context;
mod typed;
mod unit_of_work;
mod unit_of_work_limits;
