//! `create-table` and `verify`.

use crate::options::Options;
use crate::outcome::{Exit, Outcome};
use crate::screen::Screen;
use postbox::TableReport;
use serde_json::json;

pub fn create(options: &Options, screen: &Screen) -> Outcome {
    let report = options.open()?.create_table()?;
    tell(options, screen, "is there and can be used", report)
}

pub fn verify(options: &Options, screen: &Screen) -> Outcome {
    let report = options.open()?.verify_table()?;
    tell(options, screen, "has the keys and indexes of an outbox", report)
}

fn tell(options: &Options, screen: &Screen, what: &str, report: TableReport) -> Outcome {
    let table = options.config()?.get("table_name")?;
    if screen.json {
        screen.object(&json!({"table": table, "has_causation_index": report.has_causation_index}))?;
        return Ok(Exit::Done);
    }
    screen.line(format!("table {table} {what}"))?;
    if !report.has_causation_index {
        screen.line("it has no index Causation: replay by causation is not available")?;
    }
    Ok(Exit::Done)
}
