//! Completions and manual pages, from the definition of the command itself.

use crate::outcome::{Exit, Failure, Outcome};
use crate::screen::Screen;
use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh; or a directory for the completions of every shell
    #[arg(value_name = "SHELL|DIRECTORY")]
    target: String,
}

pub fn completions(mut command: Command, screen: &Screen, args: &CompletionsArgs) -> Outcome {
    if let Ok(shell) = Shell::from_str(&args.target, true) {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "postbox", &mut script);
        screen.bytes(&script)?;
        return Ok(Exit::Done);
    }
    let directory = Path::new(&args.target);
    if !directory.is_dir() {
        let shells: Vec<String> = Shell::value_variants().iter().map(Shell::to_string).collect();
        let text = format!("\"{}\" is neither a shell ({}) nor a directory", args.target, shells.join(", "));
        return Err(Failure::usage(text));
    }
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut command, "postbox", directory)
            .map_err(|error| cannot(directory, error))?;
    }
    Ok(Exit::Done)
}

#[derive(Args)]
pub struct ManArgs {
    /// The directory, which is created if it does not exist
    directory: PathBuf,
}

pub fn man(command: Command, args: &ManArgs) -> Outcome {
    let directory = &args.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .map_err(|error| cannot(directory, error))?;
    Ok(Exit::Done)
}

fn cannot(directory: &Path, error: std::io::Error) -> Failure {
    Failure::usage(format!("the directory {} cannot be written: {error}", directory.display()))
}
