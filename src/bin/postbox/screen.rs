//! The output: tables for people or JSON for programs on stdout, errors and notes on stderr. Every text but a message body is
//! made printable here.

use crate::printable::{json_line, printable};
use clap::ValueEnum;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets};
use console::{Term, style, truncate_str};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, BufRead, Write};

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tables for people
    Table,
    /// One JSON object per line
    Json,
}

/// The destination of results.
pub struct Screen {
    pub json: bool,
    /// The width of the terminal, or `COLUMNS`; `None` for a pipe.
    width: Option<u16>,
    colors: bool,
}

/// A column of a table. The variant is the kind of its content, and the value is its heading.
#[derive(Clone, Copy)]
pub enum Column {
    /// An id, which is never broken into lines.
    Id(&'static str),
    Text(&'static str),
    Number(&'static str),
    /// A number that should be 0, or a text that should be empty.
    Alarm(&'static str),
}

impl Screen {
    pub fn new(output: Output) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|width| *width > 0);
        Self {
            json: output == Output::Json,
            width: columns.or_else(|| Term::stdout().size_checked().map(|(_, width)| width)),
            colors: console::colors_enabled(),
        }
    }

    pub fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    pub fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        self.bytes(format!("{}\n", printable(text.as_ref())).as_bytes())
    }

    /// Prints an empty line and the text.
    pub fn paragraph(&self, text: impl AsRef<str>) -> io::Result<()> {
        self.line("")?;
        self.line(text)
    }

    /// Prints a text on one line, cut to the width of the terminal.
    pub fn cut_line(&self, text: &str) -> io::Result<()> {
        let text = printable(text);
        self.line(self.width.map_or(Cow::Borrowed(&*text), |width| truncate_str(&text, width.into(), "...")))
    }

    /// Prints one JSON object on a line.
    pub fn object(&self, value: &Value) -> io::Result<()> {
        self.line(json_line(value))
    }

    /// Prints a table and returns its number of lines.
    pub fn table(&self, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<usize> {
        let table = self.table_text(columns, rows);
        self.bytes(format!("{table}\n").as_bytes())?;
        Ok(table.lines().count())
    }

    fn table_text(&self, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        match self.colors {
            true => table.enforce_styling(),
            false => table.force_no_tty(),
        };
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.set_header(columns.iter().map(|column| {
            Cell::new(column.heading()).add_attribute(Attribute::Bold).set_alignment(column.alignment())
        }));
        table.add_rows(rows.into_iter().map(|row| columns.iter().zip(row).map(|(column, text)| column.cell(text))));
        for (index, column) in columns.iter().enumerate() {
            if let Some(made) = table.column_mut(index) {
                made.set_padding((0, if index + 1 < columns.len() { 2 } else { 0 }));
                if !matches!(column, Column::Text(_)) {
                    made.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        table.trim_fmt()
    }
}

impl Column {
    fn heading(self) -> &'static str {
        let (Self::Id(heading) | Self::Text(heading) | Self::Number(heading) | Self::Alarm(heading)) = self;
        heading
    }

    fn alignment(self) -> CellAlignment {
        match self {
            Self::Number(_) | Self::Alarm(_) => CellAlignment::Right,
            Self::Id(_) | Self::Text(_) => CellAlignment::Left,
        }
    }

    fn cell(self, text: String) -> Cell {
        let alarm = matches!(self, Self::Alarm(_)) && !matches!(text.as_str(), "" | "0");
        let cell = Cell::new(printable(&text)).set_alignment(self.alignment());
        if alarm { cell.fg(Color::Red) } else { cell }
    }
}

/// Writes an error message to stderr.
pub fn complain(text: &str) {
    let name = style("postbox:").red().bold().for_stderr();
    // If stderr is closed, the error cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "{name} {}", printable(text));
}

/// Writes a note for people to stderr.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Asks a question on stderr, and returns whether the user confirms it on stdin.
pub fn ask(question: &str) -> io::Result<bool> {
    let mut terminal = Term::stderr();
    write!(terminal, "{} [y/N] ", printable(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
