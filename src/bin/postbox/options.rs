//! The options of every subcommand. Options and environment variables override the configuration
//! file; `--set` overrides both.

use crate::outcome::Failure;
use crate::screen::{Output, complain};
use clap::Args;
use once_cell::sync::OnceCell;
use postbox::{Builder, Config, Postbox};
use std::path::{Path, PathBuf};

/// The settings that other users of the machine must not read.
const SECRETS: [&str; 2] = ["secret_access_key", "session_token"];

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// The outbox table [default: brighter_outbox]
    #[arg(long, global = true, env = "POSTBOX_TABLE", hide_env_values = true, value_name = "NAME")]
    table: Option<String>,
    /// The AWS region
    #[arg(long, global = true, env = "POSTBOX_REGION", hide_env_values = true, value_name = "NAME")]
    region: Option<String>,
    /// Another DynamoDB endpoint, such as http://localhost:8000
    #[arg(long, global = true, env = "POSTBOX_ENDPOINT_URL", hide_env_values = true, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The profile of the AWS configuration files
    #[arg(long, global = true, env = "POSTBOX_PROFILE", hide_env_values = true, value_name = "NAME")]
    profile: Option<String>,
    /// Use the embedded database in this file
    #[arg(long, global = true, env = "POSTBOX_EMBEDDED_DB", hide_env_values = true, value_name = "FILE")]
    embedded_db: Option<String>,
    /// Read settings from this file, which has lines of NAME = VALUE
    #[arg(long, global = true, env = "POSTBOX_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting of CONFIGURATION.md; may be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// The format of the output
    #[arg(long, global = true, env = "POSTBOX_OUTPUT", hide_env_values = true, value_enum, default_value = "table")]
    pub output: Output,
    /// The settings, which are read once, because the file can be a pipe.
    #[arg(skip)]
    read: OnceCell<Config>,
}

impl Options {
    /// Returns the settings of the file, the environment and the options.
    pub fn config(&self) -> Result<Config, Failure> {
        self.read.get_or_try_init(|| self.read()).cloned()
    }

    fn read(&self) -> Result<Config, Failure> {
        let mut config = Config::default();
        if let Some(path) = &self.config {
            read_file(path, &mut config)?;
        }
        let named = [
            ("table_name", &self.table),
            ("region", &self.region),
            ("endpoint_url", &self.endpoint_url),
            ("profile", &self.profile),
            ("embedded_path", &self.embedded_db),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                config.set(name, value)?;
            }
        }
        for setting in &self.settings {
            let (name, value) =
                split(setting).ok_or_else(|| Failure::usage(format!("--set takes NAME=VALUE, not \"{setting}\"")))?;
            config.set(name, value)?;
        }
        Ok(config)
    }

    /// Warns of secrets that other users of the machine can read in the list of processes.
    pub fn warn(&self) {
        let set = self.settings.iter().filter_map(|setting| Some(split(setting)?.0));
        for name in set.filter(|name| SECRETS.contains(name)) {
            complain(&format!(
                "--set {name}: other users of this machine can read it in the list of processes: use the environment variable AWS_{}, a profile or a configuration file",
                name.to_ascii_uppercase()
            ));
        }
    }

    /// Returns a builder that creates neither a database file nor a table.
    pub fn builder(&self) -> Result<Builder, Failure> {
        Ok(Postbox::builder().config(self.config()?).must_exist())
    }

    /// Opens an outbox that must exist.
    pub fn open(&self) -> Result<Postbox, Failure> {
        Ok(self.builder()?.open()?)
    }

    /// Opens an outbox. If it is in an embedded database, its file and its table are created if they do not exist.
    pub fn create(&self) -> Result<Postbox, Failure> {
        Ok(Postbox::builder().config(self.config()?).open()?)
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o077 != 0)
}

// The access lists of other systems are not checked.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// Reads the settings of a file. Warns of secrets that other users of the machine can read in it.
fn read_file(path: &Path, config: &mut Config) -> Result<(), Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("the configuration file {shown} cannot be read: {error}")))?;
    let mut has_secrets = false;
    for (number, line) in entries(&text) {
        let (name, value) =
            split(&line).ok_or_else(|| Failure::usage(format!("{shown}, line {number}: expected NAME = VALUE")))?;
        has_secrets |= SECRETS.contains(&name);
        config
            .set(name, value)
            .map_err(|error| Failure::usage(format!("{shown}, line {number}: {}", error.message())))?;
    }
    if has_secrets && is_open_to_others(path) {
        complain(&format!(
            "the configuration file {shown} contains credentials, and other users can access it: run chmod 600 {shown}"
        ));
    }
    Ok(())
}

/// Returns the entries of a file with their line numbers. A line that starts with a blank continues the line before it.
/// A byte order mark at the start is ignored.
fn entries(text: &str) -> Vec<(usize, String)> {
    let mut entries: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match entries.last_mut() {
            Some((_, entry)) if line.starts_with([' ', '\t']) => *entry += &format!("\n{content}"),
            _ => entries.push((index + 1, content.to_owned())),
        }
    }
    entries
}

/// Splits a text at the first `=` into a name and a value, and removes the blanks around them.
pub fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_continues_in_lines_that_start_with_a_blank() {
        let text = "# where to\n\nroutes =\n  a = sns:x\n\t# and\n\t* = sqs:y\nregion = here\n";
        let read = entries(text);
        assert_eq!(read, [(3, "routes =\na = sns:x\n* = sqs:y".to_owned()), (7, "region = here".to_owned())]);
        assert_eq!(split(&read[0].1), Some(("routes", "a = sns:x\n* = sqs:y")));
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(entries(&windows), read);
    }
}
