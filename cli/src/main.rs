//! `tidegate`: validate and apply policies, and see what was decided.

mod apply;
mod status;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The controller's command line.
#[derive(Parser)]
#[command(name = "tidegate", version, about = "Policies and decisions of Tidegate, the SageMaker controller")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks policy files without touching anything.
    Validate {
        /// Policy files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Checks policy files and writes them to the ledger of each account that is given.
    Apply {
        /// Policy files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        ledgers: Ledgers,
    },
    /// Shows each model's last decisions, newest first.
    Status {
        /// Only this model.
        model: Option<String>,
        #[command(flatten)]
        ledgers: Ledgers,
        /// How many decisions for a model.
        #[arg(long, default_value_t = 10)]
        last: u32,
    },
}

/// Which ledgers.
#[derive(clap::Args)]
struct Ledgers {
    /// The ledger's table: the name of the stack.
    #[arg(long, env = "TIDEGATE_TABLE")]
    table: Option<String>,
    /// A ledger as PROFILE=TABLE: a profile of the AWS configuration and the stack's name there. May be repeated.
    #[arg(long, value_name = "PROFILE=TABLE", conflicts_with = "table")]
    ledger: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Validate { files } => apply::read(&files).map(|policies| {
            for policy in policies {
                println!("{}: valid, version {}", policy.model, policy.version());
            }
        }),
        Command::Apply { files, ledgers } => apply::run(&files, &ledgers).await,
        Command::Status { model, ledgers, last } => status::run(model.as_deref(), &ledgers, last).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
