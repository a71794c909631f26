//! `cargo bench-fleet`: what each sweep costs at 10, 100, 1,000 and 10,000 models, quiet and with one of a hundred
//! changed. Arguments are sizes of fleets. Each sweep runs in a process of its own, so that its memory can be measured.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]

use std::process::{Command, ExitCode};

use tidegate_engine::FunctionSpec;
use tidegate_fleet::{Measured, a_month, measure};
use tidegate_functions::{FUNCTIONS, named};

/// The first argument of a process that measures one sweep.
const ONE: &str = "one";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == ONE => one(rest),
        _ => all(&arguments),
    }
}

fn all(arguments: &[String]) -> ExitCode {
    let asked: Vec<usize> = arguments.iter().filter_map(|size| size.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10, 100, 1_000, 10_000] } else { asked };
    let asked: Vec<&FunctionSpec> = arguments.iter().filter_map(|function| named(function)).collect();
    let functions = if asked.is_empty() { FUNCTIONS.to_vec() } else { asked };
    println!(
        "| sweep | models | changed | requests | throttled | seconds | MB | USD a month | decided | error |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for function in functions {
        for models in &sizes {
            for changed in ["quiet", "changed"] {
                let program = std::env::current_exe().unwrap_or_default();
                let arguments = [ONE, function.name, &models.to_string(), changed];
                let ended = Command::new(program).args(arguments).status();
                if !ended.is_ok_and(|ended| ended.success()) {
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    ExitCode::SUCCESS
}

fn one(arguments: &[String]) -> ExitCode {
    let [function, models, changed] = arguments else { return ExitCode::FAILURE };
    let (Some(function), Ok(models)) = (named(function), models.parse()) else { return ExitCode::FAILURE };
    match measure(function, models, changed == "changed") {
        Ok(measured) => {
            print(function.name, models, &measured);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{function} over {models} models could not be measured: {failure:?}");
            ExitCode::FAILURE
        }
    }
}

fn print(function: &str, models: usize, measured: &Measured) {
    let error = measured.error.as_ref().map(|error| error.kind()).unwrap_or_default();
    println!(
        "| {function} | {models} | {} | {} | {} | {:.1} | {:.0} | {:.2} | {} | {error} |",
        measured.changed,
        measured.requests(),
        measured.throttled(),
        measured.time.as_secs_f64(),
        measured.memory as f64 / 1_024.0,
        a_month(function, measured),
        measured.decided,
    );
    for (operation, count) in &measured.counts {
        eprintln!("    {operation}: {} requests, {} throttled", count.requests, count.throttled);
    }
}
