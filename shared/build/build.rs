//! Passes the Git commit of the checkout to the crate.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=TIDEGATE_COMMIT");
    // The log of HEAD changes with every commit and every checkout.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // A build from an archive has no checkout. The release workflow sets the variable.
    let given = std::env::var("TIDEGATE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=TIDEGATE_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
