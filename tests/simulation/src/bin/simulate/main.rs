//! Runs histories and searches for one that breaks a rule.
//!
//! `cargo simulate` runs a thousand. `--runs N --hours H` runs longer, `--seed N` runs one and prints its trace,
//! `--history FILE` runs a kept one, `--mutant NAME` runs with a mutant that must be found.
//!
//! The exit code is 0 if no rule was broken, 1 if one was, 2 on an error.

mod report;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tidegate_simulation::{Batch, History, Mutant};

/// Runs histories of the real functions in virtual time, with faults, and searches for one that breaks a rule.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Options {
    /// How many histories.
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run for this many hours, and at least `--runs` histories.
    #[arg(long)]
    hours: Option<f64>,
    /// Run only this seed and print its trace.
    #[arg(long, conflicts_with_all = ["history", "runs", "from", "hours"])]
    seed: Option<u64>,
    /// Run only the history in this file and print its trace.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "from", "hours"])]
    history: Option<std::path::PathBuf>,
    /// Run with this mutant, which must be found.
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<Mutant>,
    /// The number of violations after which to stop.
    #[arg(long, default_value_t = 1)]
    violations: usize,
    /// Do not shrink a history that breaks a rule.
    #[arg(long)]
    whole: bool,
    /// Write a history that breaks a rule into this file.
    #[arg(long, value_name = "FILE")]
    save: Option<std::path::PathBuf>,
    /// The number of threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn mutant(name: &str) -> Result<Mutant, String> {
    let names: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
    Mutant::named(name).ok_or_else(|| format!("there is none of this name; there are {}", names.join(", ")))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (options.seed, &options.history) {
        (Some(seed), _) => run_one(&options, &History::of_seed(seed)),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))
            .and_then(|text| History::parse(&text).map_err(|error| format!("{}: {error}", path.display())))
            .and_then(|history| run_one(&options, &history)),
        (None, None) => batch(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            report::error(&error);
            ExitCode::from(2)
        }
    }
}

/// Runs one history and prints its trace; if it breaks a rule, that of the shrunk one. Returns whether no rule is broken.
fn run_one(options: &Options, history: &History) -> Result<bool, String> {
    let result = history.run(options.mutant, true)?;
    let Some(_) = &result.violation else {
        report::trace(&result.trace);
        return Ok(true);
    };
    if options.whole {
        report::trace(&result.trace);
        return Ok(false);
    }
    print_shrunk(options, history)?;
    Ok(false)
}

/// Prints the trace of the smallest history that breaks the same rule.
fn print_shrunk(options: &Options, history: &History) -> Result<(), String> {
    let history = history.shrink(options.mutant, 2_000);
    report::trace(&history.run(options.mutant, true)?.trace);
    if let Some(path) = &options.save {
        std::fs::write(path, history.to_json()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn batch(options: &Options) -> Result<bool, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let during = match options.hours.map(|hours| Duration::try_from_secs_f64(hours * 3_600.0)) {
        None => None,
        Some(Ok(during)) => Some(during),
        Some(Err(error)) => return Err(format!("--hours: {error}")),
    };
    let batch = Batch {
        from: options.from,
        runs: options.runs,
        during,
        mutant: options.mutant,
        threads: options.threads.unwrap_or(cores),
        max_violations: options.violations.max(1),
    };
    let quiet = options.json;
    let summary = batch.run(|histories, broken| {
        if !quiet && histories % 100 == 0 {
            let _ = write!(std::io::stderr(), "\r{histories} histories, {broken} violation(s) ");
        }
    });
    if options.json {
        report::json(&summary)?;
    } else {
        report::summary(&summary);
        for broken in &summary.broken {
            report::broken(broken);
            if !options.whole {
                print_shrunk(options, &History::of_seed(broken.seed))?;
            }
        }
    }
    Ok(summary.broken.is_empty())
}
