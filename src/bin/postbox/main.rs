//! The `postbox` command, with which operators manage an outbox on DynamoDB. It uses the public interface of the crate.

mod archive;
mod deposit;
mod generate;
mod inspect;
mod interrupt;
mod options;
mod outcome;
mod printable;
mod progress;
mod repair;
mod screen;
mod select;
mod send;
mod serve;
mod table;
mod tally;
mod text;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};
use options::Options;
use outcome::Outcome;
use screen::Screen;
use std::process::ExitCode;

/// Inspects and repairs a transactional outbox on Amazon DynamoDB.
///
/// Credentials and region are found as the AWS CLI finds them. The exit code is 0 on success, 1 if some messages failed
/// (stderr names them), 2 for a usage error, 3 if DynamoDB or the transport could not be used, and 130 after an
/// interruption.
#[derive(Parser)]
#[command(name = "postbox", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create the outbox table if it does not exist, and check it
    CreateTable,
    /// Check the outbox table, index by index
    Verify,
    /// Count the messages by topic and state, and show the holders of the leases
    Status(inspect::StatusArgs),
    /// List the messages of one state
    List(inspect::ListArgs),
    /// Show the headers and the body of one message
    Show(inspect::ShowArgs),
    /// Put a message into the outbox, for tests and repairs
    Deposit(deposit::DepositArgs),
    /// Send outstanding messages now
    #[command(visible_alias = "send")]
    Clear(send::ClearArgs),
    /// Send every outstanding message that is old enough
    Sweep(send::SweepArgs),
    /// Make parked messages outstanding again
    Unpark(repair::UnparkArgs),
    /// Make dispatched messages outstanding, so that they are sent again
    Replay(repair::ReplayArgs),
    /// Write old dispatched messages to a file, then delete them
    Archive(archive::ArchiveArgs),
    /// Delete messages permanently
    Delete(repair::DeleteArgs),
    /// Serve the embedded database of a file as a DynamoDB endpoint on this machine
    Serve(serve::ServeArgs),
    /// Show rates, backlog and age until Ctrl-C
    Watch(watch::WatchArgs),
    /// Print the completions of a shell, or write the completions of every shell to a directory
    Completions(generate::CompletionsArgs),
    /// Write the manual pages to a directory
    #[command(hide = true)]
    Man(generate::ManArgs),
}

fn run(cli: Cli) -> Outcome {
    let options = &cli.options;
    let screen = &Screen::new(options.output);
    options.warn();
    match cli.command {
        Command::CreateTable => table::create(options, screen),
        Command::Verify => table::verify(options, screen),
        Command::Status(args) => inspect::status(options, screen, &args),
        Command::List(args) => inspect::list(options, screen, &args),
        Command::Show(args) => inspect::show(options, screen, &args),
        Command::Deposit(args) => deposit::deposit(options, screen, &args),
        Command::Clear(args) => send::clear(options, screen, &args),
        Command::Sweep(args) => send::sweep(options, screen, &args),
        Command::Unpark(args) => repair::unpark(options, screen, &args),
        Command::Replay(args) => repair::replay(options, screen, &args),
        Command::Archive(args) => archive::archive(options, screen, &args),
        Command::Delete(args) => repair::delete(options, screen, &args),
        Command::Serve(args) => serve::serve(options, screen, &args),
        Command::Watch(args) => watch::watch(options, screen, &args),
        Command::Completions(args) => generate::completions(Cli::command(), screen, &args),
        Command::Man(args) => generate::man(Cli::command(), &args),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}
