//! `tidegate`: validate and apply policies, and see what was decided.
//!
//! Exit codes: 0 done; 1 the ledger could not be reached or refused; 2 the input is wrong.

mod apply;
mod ledgers;
mod print;
mod status;

use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

use ledgers::Ledgers;

/// Why a command did not do what it was asked.
enum Failure {
    /// The input is wrong.
    Input(String),
    /// The ledger could not be reached or refused.
    Ledger(String),
}

/// The controller's command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about = "Policies and decisions of Tidegate, the SageMaker controller")]
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
        /// Policy files.
        #[arg(required_unless_present = "schema")]
        files: Vec<PathBuf>,
        /// Print the JSON Schema of policy files, for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Check policy files and write them to the ledger of each account that is given.
    Apply {
        /// Policy files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// List the applied policies.
    Policies {
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Show each model's last decisions, newest first.
    Status {
        /// Only this model.
        model: Option<String>,
        #[command(flatten)]
        ledgers: Ledgers,
        /// How many decisions for a model.
        #[arg(long, default_value_t = 10)]
        last: u32,
    },
    /// Show a model's decisions, newest last.
    History {
        /// The model.
        model: String,
        #[command(flatten)]
        ledgers: Ledgers,
        /// How many decisions, counted from the newest.
        #[arg(long, default_value_t = 100)]
        last: u32,
        /// Also print what each decision rests on and what was done.
        #[arg(long)]
        full: bool,
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
            println!("{:#}", tidegate_policy::file::schema());
            Ok(())
        }
        Command::Validate { files, .. } => apply::validate(&files, json),
        Command::Apply { files, ledgers } => apply::run(&files, &ledgers, json).await,
        Command::Policies { ledgers } => status::policies(&ledgers, json).await,
        Command::Status { model, ledgers, last } => {
            status::status(model.as_deref(), &ledgers, last, json).await
        }
        Command::History { model, ledgers, last, full } => {
            status::history(&model, &ledgers, last, print::Detail { full, json }).await
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "tidegate", &mut std::io::stdout());
            Ok(())
        }
    }
}
