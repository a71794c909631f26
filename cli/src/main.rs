//! `tidegate`: validates and applies policies, shows decisions and blockers, and checks the stacks.

mod apply;
mod credentials;
mod diff;
#[cfg(feature = "operate")]
mod doctor;
#[cfg(test)]
mod example;
mod explain;
mod files;
mod forget;
mod history;
mod input;
#[cfg(feature = "install")]
mod install;
mod ledgers;
#[cfg(feature = "install")]
mod live_check;
#[cfg(feature = "operate")]
mod people;
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

/// Replay allocates many small objects in one thread and frees them in another one. mimalloc is fast at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a command failed.
enum Failure {
    /// The input is invalid.
    Input(String),
    /// A check failed, or an account could not be reached.
    Ledger(String),
}

const ABOUT: &str =
    "Apply policies, show decisions and check the installation of Tidegate, the SageMaker controller";

/// Printed at the end of `--help`.
const EXIT_CODES: &str = "Exit codes:
  0  success
  1  an account could not be reached or denied access, doctor found a problem, an event could not be redriven, lines of a
     replay were skipped, or the output could not be written
  2  the input is wrong: a policy file, an argument, a name that does not exist

Colours are used on a terminal, and not if NO_COLOR is set. --json prints one object per line.";

/// The arguments of the command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about = ABOUT, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON, one object per line.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Check policy files. This changes nothing.
    Validate {
        /// Policy files, or folders with policy files.
        #[arg(required_unless_present = "schema")]
        files: Vec<PathBuf>,
        /// Print the JSON Schema of policy files, for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Show the decision about one event, with its reason. Reads only files.
    Explain(explain::Arguments),
    /// Run a stream of events through the functions, under one policy or two. Reads only files.
    Replay(replay::Arguments),
    /// Check policy files, show the changes, and write the policies to each specified ledger.
    Apply {
        /// Policy files, or folders with policy files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        ledgers: Ledgers,
        /// Only show the changes.
        #[arg(long)]
        dry_run: bool,
    },
    /// List the applied policies.
    Policies {
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show each model and environment: the live version, the wanted version, the blocker, and the last decision.
    Status {
        /// Show only this model.
        model: Option<String>,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show why a version is not in an environment yet.
    Why {
        /// The name of the model.
        model: String,
        /// The name of the environment.
        environment: String,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show the decisions about a model, newest last.
    History {
        /// The name of the model.
        model: String,
        #[command(flatten)]
        ledgers: Ledgers,
        /// The number of decisions, counted from the newest.
        #[arg(long, default_value_t = 100, conflicts_with = "since")]
        last: u32,
        /// All decisions since a time: a span before now, such as 24h, or a time, such as 2026-11-01T00:00:00Z.
        #[arg(long, value_name = "TIME", value_parser = history::since)]
        since: Option<jiff::Timestamp>,
        /// Also print the evidence, the outcomes of the steps and the event of each decision.
        #[arg(long)]
        full: bool,
    },
    /// Replace a person's name in records and states by a pseudonym. Without --erase, only show where it is.
    Forget {
        /// The name of the person, as in `by`: without case, as a whole word.
        person: String,
        /// Replace the name.
        #[arg(long)]
        erase: bool,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    #[cfg(feature = "operate")]
    #[command(flatten)]
    Order(people::Order),
    #[cfg(feature = "operate")]
    /// Show the messages in the dead-letter queues with their errors, and deliver their events again.
    Redrive {
        /// Only the dead-letter queue of this function, such as deploy; `forward` is the queue of the rules that
        /// forward events to another account.
        #[arg(long)]
        function: Option<String>,
        /// Only list the messages.
        #[arg(long)]
        list: bool,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    #[cfg(feature = "operate")]
    /// Check that each stack is complete and enabled, that the stacks fit together, and that no event is stuck; show
    /// how to fix each problem.
    Doctor {
        #[command(flatten)]
        ledgers: Ledgers,
    },
    #[cfg(feature = "install")]
    /// Create or update the stacks of an installation, in all its accounts.
    Install(install::Arguments),
    #[cfg(feature = "install")]
    /// Show what your buckets, keys and model package groups must allow, with the commands.
    Access(install::AccessArguments),
    #[cfg(feature = "install")]
    /// Delete the stacks of an installation. Endpoints, models, pipelines and ledgers stay.
    Uninstall(install::UninstallArguments),
    #[cfg(feature = "install")]
    /// Ask a real AWS account what the local cloud assumes. This makes small resources and deletes them.
    LiveCheck(live_check::Arguments),
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
            print::say(&message);
            ExitCode::from(1)
        }
        Err(Failure::Input(message)) => {
            print::say(&message);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Validate { schema: true, .. } => {
            print::print_own(&format!("{:#}", tidegate_policy::file::schema()));
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
            let wanted = history::Selection { since, last };
            history::run(&model, &ledgers, &wanted, print::Detail { full, json }).await
        }
        Command::Forget { person, erase, ledgers } => forget::run(&person, &ledgers, erase, json).await,
        #[cfg(feature = "operate")]
        Command::Order(order) => people::run(&order, json).await,
        #[cfg(feature = "operate")]
        Command::Redrive { function, list, ledgers } => {
            redrive::run(&ledgers, &redrive::Selection { function, list }, json).await
        }
        #[cfg(feature = "operate")]
        Command::Doctor { ledgers } => doctor::run(&ledgers, json).await,
        #[cfg(feature = "install")]
        Command::Install(arguments) => install::run(&arguments, json).await,
        #[cfg(feature = "install")]
        Command::Access(arguments) => install::access(&arguments, json),
        #[cfg(feature = "install")]
        Command::Uninstall(arguments) => install::uninstall(&arguments).await,
        #[cfg(feature = "install")]
        Command::LiveCheck(arguments) => live_check::run(&arguments, json).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "tidegate", &mut script);
            print::print_own(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}
