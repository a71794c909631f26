//! `cargo demo`: the whole loop, with the real functions, on one laptop.

mod report;
mod story;

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;
use tidegate_sandbox::{Build, CloudConfig, HUB, LocalCloud, SandboxError};

/// Runs Tidegate's whole loop in a local cloud of three accounts.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Leave the cloud running at the end, and say how to look around.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), SandboxError> {
    let begun = Instant::now();
    let say = |line: &str| println!("[{:>5.1}s] {line}", begun.elapsed().as_secs_f64());
    let cloud = LocalCloud::build_and_start(Build::Demo, CloudConfig::default(), &say).await?;
    let mut watch = cloud.watch().await?;
    let told = story::tell(&cloud, &mut watch).await;
    report::summary(&cloud, &watch);
    let timeline = report::timeline(watch.decisions())?;
    println!("\nThe timeline is in {}.", timeline.display());
    told?;
    println!("Every station of the loop was reached, in {:.0} seconds.", begun.elapsed().as_secs_f64());
    if arguments.keep {
        keep(&cloud).await?;
    }
    Ok(())
}

async fn keep(cloud: &LocalCloud) -> Result<(), SandboxError> {
    println!("\nThe cloud keeps running. In another terminal, as the hub's account:\n");
    for (name, value) in cloud.variables(HUB) {
        println!("  export {name}={value}");
    }
    println!("  export TIDEGATE_TABLE={}", HUB.stack);
    println!("\n  {} status   # what was decided, and why", cloud.cli().display());
    println!("  aws dynamodb scan --table-name {}   # the ledger", HUB.stack);
    println!("  aws sagemaker list-pipeline-executions --pipeline-name abalone-train");
    println!("\nAnother account is another access key: 444455556666 with table tidegate-staging, or");
    println!("777788889999 with table tidegate-production. Ctrl-C ends the cloud.");
    tokio::signal::ctrl_c().await.map_err(|error| SandboxError::World(error.to_string()))
}
