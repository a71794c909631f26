//! A stand-alone world: `tidegate-world --port 4700 --botocore-data …/botocore/data --ministack-url http://…`.

use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_world::{WorldConfig, WorldServer};

const USAGE: &str =
    "usage: tidegate-world [--port N] [--botocore-data FOLDER] [--ministack-url URL] [--throttle]";

/// Reads the arguments; an unknown or incomplete one is an error.
fn config(mut arguments: impl Iterator<Item = String>) -> Result<WorldConfig, String> {
    let mut config = WorldConfig::default();
    while let Some(name) = arguments.next() {
        if name == "--throttle" {
            config.throttle = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
        match name.as_str() {
            "--port" => config.port = value.parse().map_err(|e| format!("--port {value}: {e}"))?,
            "--botocore-data" => config.botocore_data = Some(PathBuf::from(value)),
            "--ministack-url" => config.ministack_url = Some(value),
            other => return Err(format!("unknown argument {other}\n{USAGE}")),
        }
    }
    Ok(config)
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = match config(std::env::args().skip(1)) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::from(2);
        }
    };
    let server = match WorldServer::start(config).await {
        Ok(server) => server,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // The parent process reads the address from the first line.
    println!("{}", server.url());
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot wait for an interrupt");
    }
    server.stop().await;
    ExitCode::SUCCESS
}
