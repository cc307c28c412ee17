//! The options of every subcommand, and the settings that they make: the configuration file,
//! then the options and their environment variables, then `--set`.

use crate::outcome::Failure;
use clap::{Args, ValueEnum};
use postbox::{Builder, Config, Postbox};
use std::path::{Path, PathBuf};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Table,
    /// One JSON object a line
    Json,
}

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
    /// Work on the embedded database in this file
    #[arg(long, global = true, env = "POSTBOX_EMBEDDED", hide_env_values = true, value_name = "FILE")]
    embedded: Option<String>,
    /// Read settings from this file: lines of NAME = VALUE
    #[arg(long, global = true, env = "POSTBOX_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting of CONFIGURATION.md; may be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// How results are printed
    #[arg(long, global = true, env = "POSTBOX_OUTPUT", hide_env_values = true, value_enum, default_value = "table")]
    pub output: Output,
}

impl Options {
    /// The settings that the file, the environment and the options give together.
    pub fn config(&self) -> Result<Config, Failure> {
        let mut config = Config::default();
        if let Some(path) = &self.config {
            read_file(path, &mut config)?;
        }
        let named = [
            ("table_name", &self.table),
            ("region", &self.region),
            ("endpoint_url", &self.endpoint_url),
            ("profile", &self.profile),
            ("embedded_path", &self.embedded),
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

    pub fn builder(&self) -> Result<Builder, Failure> {
        Ok(Postbox::builder().config(self.config()?))
    }

    pub fn open(&self) -> Result<Postbox, Failure> {
        Ok(self.builder()?.open()?)
    }
}

fn read_file(path: &Path, config: &mut Config) -> Result<(), Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("the configuration file {shown} cannot be read: {error}")))?;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) =
            split(line).ok_or_else(|| Failure::usage(format!("{shown}, line {number}: it needs NAME = VALUE")))?;
        config
            .set(name, value)
            .map_err(|error| Failure::usage(format!("{shown}, line {number}: {}", error.message())))?;
    }
    Ok(())
}

/// Name and value at the first `=`, without the blanks around them.
pub fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
}
