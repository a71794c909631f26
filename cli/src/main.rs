//! `tidegate`: validate and apply policies, see what was decided and what is waited for, and keep the stacks in order.

mod apply;
mod diff;
#[cfg(feature = "operate")]
mod doctor;
#[cfg(test)]
mod example;
mod explain;
mod files;
mod history;
mod ledgers;
mod policies;
mod print;
mod progress;
#[cfg(feature = "operate")]
mod redrive;
mod replay;
mod status;
mod view;
mod why;

use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

use ledgers::Ledgers;

/// Half of the work of a replay is small pieces of memory that one thread makes and another gives back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a command did not do what it was asked.
enum Failure {
    /// The input is wrong.
    Input(String),
    /// What is there is not as it should be, or could not be reached.
    Ledger(String),
}

const ABOUT: &str = "Policies and decisions of Tidegate, the SageMaker controller";

/// Printed at the end of `--help`.
const EXIT_CODES: &str = "Exit codes:
  0  done, and all is well
  1  an account could not be reached or refused, doctor found a problem, a dead letter could not be sent back, or the
     output could not be written
  2  the input is wrong: a policy file, an argument, a name that is not there

Colours are used on a terminal, and not if NO_COLOR is set. --json prints one object a line.";

/// The controller's command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about = ABOUT, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Check policy files without touching anything.
    Validate {
        /// Policy files, or folders with some.
        #[arg(required_unless_present = "schema")]
        files: Vec<PathBuf>,
        /// Print the JSON Schema of policy files, for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Say what would be decided about one event, and why; from files alone.
    Explain(explain::Arguments),
    /// Run a stream of events through the functions, under one policy or two; from files alone.
    Replay(replay::Arguments),
    /// Check policy files, show what they change, and write them to the ledger of each account that is given.
    Apply {
        /// Policy files, or folders with some.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        ledgers: Ledgers,
        /// Only show what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// List the applied policies.
    Policies {
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show models and environments: what is live, what is wanted, what it waits for, the last decision.
    Status {
        /// Only this model.
        model: Option<String>,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Say why a version is not in an environment yet.
    Why {
        /// The model.
        model: String,
        /// The environment.
        environment: String,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show a model's decisions, newest last.
    History {
        /// The model.
        model: String,
        #[command(flatten)]
        ledgers: Ledgers,
        /// How many decisions, counted from the newest.
        #[arg(long, default_value_t = 100, conflicts_with = "since")]
        last: u32,
        /// All decisions since then: a span of time before now, such as 24h, or a time, such as 2026-11-01T00:00:00Z.
        #[arg(long, value_name = "TIME", value_parser = history::since)]
        since: Option<jiff::Timestamp>,
        /// Also print what each decision rests on and what was done.
        #[arg(long)]
        full: bool,
    },
    #[cfg(feature = "operate")]
    /// Show the dead letters and why they are there, and send them back to where they were going.
    Redrive {
        /// Only those of this function, such as deploy; `forward` are those that go to another account.
        #[arg(long)]
        function: Option<String>,
        /// Only show them.
        #[arg(long)]
        list: bool,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    #[cfg(feature = "operate")]
    /// Check that the stacks are whole, fit together, and that nothing is stuck; say how to mend what is not.
    Doctor {
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Ledger(message)) => {
            eprintln!("{message}");
            ExitCode::from(1)
        }
        Err(Failure::Input(message)) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Validate { schema: true, .. } => {
            print::say(&format!("{:#}", tidegate_policy::file::schema()));
            Ok(())
        }
        Command::Validate { files, .. } => files::validate(&files, json),
        Command::Apply { files, ledgers, dry_run } => apply::run(&files, &ledgers, dry_run, json).await,
        Command::Explain(arguments) => explain::run(&arguments, json),
        Command::Replay(arguments) => replay::run(&arguments, json),
        Command::Policies { ledgers } => policies::run(&ledgers, json).await,
        Command::Status { model, ledgers } => status::run(model.as_deref(), &ledgers, json).await,
        Command::Why { model, environment, ledgers } => why::run(&model, &environment, &ledgers, json).await,
        Command::History { model, ledgers, last, since, full } => {
            let wanted = history::Wanted { since, last };
            history::run(&model, &ledgers, &wanted, print::Detail { full, json }).await
        }
        #[cfg(feature = "operate")]
        Command::Redrive { function, list, ledgers } => {
            redrive::run(&ledgers, &redrive::Wanted { function, list }, json).await
        }
        #[cfg(feature = "operate")]
        Command::Doctor { ledgers } => doctor::run(&ledgers, json).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "tidegate", &mut script);
            print::say(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}
