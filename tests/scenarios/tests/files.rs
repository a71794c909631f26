//! One test for each scenario file: `cargo test -p tidegate-scenarios NAME` runs those whose name contains NAME.
//!
//! A scenario is decided as it says, and its decision in full is the golden one, `golden/<function>/<name>.txt`.
//! `TIDEGATE_BLESS=1` accepts what has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use tidegate_scenarios::scenario::{Decided, misses, print, root};
use tidegate_testkit::scenario::Scenario;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, Box<dyn std::error::Error>> {
    let mut trials = Vec::new();
    let mut golden = Vec::new();
    for file in Scenario::files(&root())? {
        let name = file.with_extension("").strip_prefix(root().join("scenarios"))?.to_owned();
        golden.push(golden_folder().join(&name).with_extension("txt"));
        trials.push(Trial::test(name.display().to_string(), move || check(&file, &name)));
    }
    trials.push(Trial::test("every_golden_file_has_a_scenario", move || no_other_files(&golden)));
    Ok(trials)
}

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn is_blessing() -> bool {
    std::env::var("TIDEGATE_BLESS").is_ok_and(|value| value == "1")
}

fn check(file: &Path, name: &Path) -> Result<(), Failed> {
    let scenario = Scenario::load(file, None)?;
    let decided = Decided::by(&scenario)?;
    let missed = misses(&scenario, &decided);
    if !missed.is_empty() {
        return Err(missed.join("\n").into());
    }
    let text = print(&scenario, &decided);
    let file = golden_folder().join(name).with_extension("txt");
    if is_blessing() {
        fs::create_dir_all(file.parent().unwrap_or(&file))?;
        fs::write(&file, &text)?;
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    if golden == text {
        return Ok(());
    }
    let (golden, text) = (indented(&golden), indented(&text));
    Err(format!("the decision is\n{text}\ninstead of\n{golden}\nTIDEGATE_BLESS=1 accepts it").into())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn no_other_files(wanted: &[PathBuf]) -> Result<(), Failed> {
    for folder in fs::read_dir(golden_folder())? {
        for file in fs::read_dir(folder?.path())? {
            let file = file?.path();
            if wanted.contains(&file) {
                continue;
            }
            if !is_blessing() {
                return Err(format!("{} has no scenario; TIDEGATE_BLESS=1 removes it", file.display()).into());
            }
            fs::remove_file(file)?;
        }
    }
    Ok(())
}
