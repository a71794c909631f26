//! Plays histories and looks for one that breaks a rule.
//!
//! `cargo simulate` plays a thousand. `--runs N --hours H` runs on, `--seed N` plays one again and tells it, `--story FILE`
//! plays one that was kept, `--mutant NAME` plays with a change that must be found.
//!
//! Ends with 0 if no rule was broken, with 1 if one was, with 2 if it could not begin.

mod report;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tidegate_simulation::{Many, Mutant, Story};

/// Plays histories of the real functions in virtual time, with faults, and looks for one that breaks a rule.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Options {
    /// How many histories.
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run on for so many hours, and play `--runs` histories at least.
    #[arg(long)]
    hours: Option<f64>,
    /// Play this seed alone, and tell it.
    #[arg(long, conflicts_with_all = ["story", "runs", "from", "hours"])]
    seed: Option<u64>,
    /// Play the story in this file alone, and tell it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "from", "hours"])]
    story: Option<std::path::PathBuf>,
    /// Play with this change of Tidegate, which must be found.
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<Mutant>,
    /// How many violations are enough.
    #[arg(long, default_value_t = 1)]
    violations: usize,
    /// Do not make a history that breaks a rule smaller.
    #[arg(long)]
    whole: bool,
    /// Write a history that breaks a rule into this file.
    #[arg(long, value_name = "FILE")]
    save: Option<std::path::PathBuf>,
    /// On how many threads; all cores where absent.
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
    let done = match (options.seed, &options.story) {
        (Some(seed), _) => tell(&options, &Story::of_seed(seed)),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))
            .and_then(|text| Story::read(&text).map_err(|error| format!("{}: {error}", path.display())))
            .and_then(|story| tell(&options, &story)),
        (None, None) => many(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            report::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// Plays one history and tells it; if it breaks a rule, the smaller one that breaks it too. Whether none is broken.
fn tell(options: &Options, story: &Story) -> Result<bool, String> {
    let ending = story.play(options.mutant, true)?;
    let Some(_) = &ending.violation else {
        report::tale(&ending.tale);
        return Ok(true);
    };
    if options.whole {
        report::tale(&ending.tale);
        return Ok(false);
    }
    smaller(options, story)?;
    Ok(false)
}

/// Tells the smallest history that breaks the same rule.
fn smaller(options: &Options, story: &Story) -> Result<(), String> {
    let story = story.shrunk(options.mutant, 2_000);
    report::tale(&story.play(options.mutant, true)?.tale);
    if let Some(path) = &options.save {
        std::fs::write(path, story.write()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn many(options: &Options) -> Result<bool, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let during = match options.hours.map(|hours| Duration::try_from_secs_f64(hours * 3_600.0)) {
        None => None,
        Some(Ok(during)) => Some(during),
        Some(Err(error)) => return Err(format!("--hours: {error}")),
    };
    let many = Many {
        from: options.from,
        runs: options.runs,
        during,
        mutant: options.mutant,
        threads: options.threads.unwrap_or(cores),
        enough: options.violations.max(1),
    };
    let quiet = options.json;
    let summary = many.play(|histories, broken| {
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
                smaller(options, &Story::of_seed(broken.seed))?;
            }
        }
    }
    Ok(summary.broken.is_empty())
}
