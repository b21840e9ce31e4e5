//! The command line: reads it, reads the settings, starts what was asked for.

mod clients;
mod doctor;
mod oauth_check;
mod people;
mod serve;
mod settings;
#[cfg(feature = "embedded")]
mod shell;

use std::{io::Write, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Makes, changes and batch-processes images: an MCP server, and commands for the shell.
#[derive(Debug, Parser)]
#[command(name = "image-tool", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server: MCP over HTTP at /mcp, with a worker inside (the default).
    Serve,
    /// Speak MCP over stdin and stdout, for one local client.
    Stdio,
    /// Transform one image.
    #[cfg(feature = "embedded")]
    Transform(shell::TransformArguments),
    /// Transform many images, on all cores.
    #[cfg(feature = "embedded")]
    Batch(shell::BatchArguments),
    /// Read the text in one image.
    #[cfg(feature = "embedded")]
    ExtractText(shell::ExtractTextArguments),
    /// Get back in as the owner.
    #[command(subcommand)]
    Owner(people::OwnerCommand),
    /// Decide who else may sign in.
    #[command(subcommand)]
    User(people::UserCommand),
    /// Let an app in by name, where apps cannot register.
    #[command(subcommand)]
    Client(clients::ClientCommand),
    /// Print every setting, its value and where it came from.
    Config,
    /// Ask the server of this machine and these settings whether it is well; exit code 0 if it is.
    Health,
    OauthCheck(oauth_check::OauthCheckArguments),
    Doctor(doctor::DoctorArguments),
}

/// How a command ended.
enum End {
    Good,
    #[cfg(feature = "embedded")]
    SomeFailed,
    /// By Ctrl-C, with something left to do.
    #[cfg(feature = "embedded")]
    Interrupted,
}

/// Runs the command line. Exit codes: 0 good, 1 usage or failure, 2 some items failed, 130 interrupted.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
        }
    };
    match run(&matches) {
        Ok(End::Good) => ExitCode::SUCCESS,
        #[cfg(feature = "embedded")]
        Ok(End::SomeFailed) => ExitCode::from(2),
        #[cfg(feature = "embedded")]
        Ok(End::Interrupted) => ExitCode::from(130),
        Err(error) => {
            say(&format!("error: {}", format!("{error:#}").trim_end()));
            ExitCode::from(1)
        }
    }
}

fn run(matches: &clap::ArgMatches) -> anyhow::Result<End> {
    match Arguments::from_arg_matches(matches)?.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::http(),
        Command::Stdio => serve::stdio(),
        #[cfg(feature = "embedded")]
        Command::Transform(arguments) => shell::transform(&arguments, matches),
        #[cfg(feature = "embedded")]
        Command::Batch(arguments) => shell::batch(&arguments, matches),
        #[cfg(feature = "embedded")]
        Command::ExtractText(arguments) => shell::extract_text(&arguments),
        Command::Owner(command) => people::owner(command),
        Command::User(command) => people::user(command),
        Command::Client(command) => clients::run(command),
        Command::Config => settings::print(),
        Command::Health => serve::health(),
        Command::OauthCheck(arguments) => oauth_check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
    }
}

/// Tells the person at the terminal; stdout is for results.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a result to stdout.
fn result(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}
