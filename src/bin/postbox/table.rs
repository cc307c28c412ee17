//! `create-table` and `verify`.

use crate::options::Options;
use crate::outcome::{Exit, Outcome};
use crate::screen::Screen;
use postbox::{TableReport, TableWarning};
use serde_json::json;

pub fn create(options: &Options, screen: &Screen) -> Outcome {
    let checked = options.create()?.create_table()?;
    report(options, screen, "exists and can be used", checked)
}

pub fn verify(options: &Options, screen: &Screen) -> Outcome {
    let checked = options.open()?.verify_table()?;
    report(options, screen, "has the keys and indexes of an outbox", checked)
}

fn report(options: &Options, screen: &Screen, what: &str, report: TableReport) -> Outcome {
    let table = options.config()?.get("table_name")?;
    if screen.json {
        let warning = |found: &TableWarning| json!({"subject": found.subject, "message": found.message});
        let warnings: Vec<_> = report.warnings.iter().map(warning).collect();
        screen.object(
            &json!({"table": table, "has_causation_index": report.has_causation_index, "warnings": warnings}),
        )?;
        return Ok(Exit::Done);
    }
    screen.line(format!("table {table} {what}"))?;
    if !report.has_causation_index {
        screen.line(format!("table {table} has no index Causation, so replay by causation is not available"))?;
    }
    for TableWarning { subject, message, .. } in &report.warnings {
        screen.line(format!("warning: {subject}: {message}"))?;
    }
    Ok(Exit::Done)
}
