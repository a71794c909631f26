//! The functions' zips, and the command line, built by cargo.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate_functions::FUNCTIONS;
use zip::write::SimpleFileOptions;

use crate::SandboxError;
use crate::paths::{scratch, target, workspace};

/// What was built.
#[derive(Debug, Clone)]
pub struct Zips {
    /// The folder with `<function>.zip`.
    pub folder: PathBuf,
    /// The `tidegate` command.
    pub cli: PathBuf,
}

/// What is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// What the demo runs: the functions, and a command line with `install`, but without `doctor` and `redrive`.
    Demo,
    /// The whole workspace as `cargo test --workspace` builds it, so that the AWS SDK is built once for both.
    Tests,
}

impl Build {
    fn arguments(self) -> Vec<String> {
        let names = FUNCTIONS.map(|function| format!("tidegate-{}", function.name));
        match self {
            Self::Tests => ["build", "--workspace", "--all-targets"].map(str::to_owned).to_vec(),
            Self::Demo => {
                let mut arguments =
                    vec!["build".to_owned(), "--bins".to_owned(), "--no-default-features".to_owned()];
                for name in &names {
                    let feature = format!("{name}/lambda");
                    arguments.extend([
                        "--package".to_owned(),
                        name.clone(),
                        "--features".to_owned(),
                        feature,
                    ]);
                }
                let cli = ["--package", "tidegate", "--features", "tidegate/install"];
                arguments.extend(cli.map(str::to_owned));
                arguments
            }
        }
    }
}

/// Builds the functions and the command in the profile of the tests, and zips the functions. Cargo shows its progress.
///
/// # Errors
/// If cargo fails or a zip cannot be written.
pub fn build(what: Build, say: &dyn Fn(&str)) -> Result<Zips, SandboxError> {
    say("building the functions (the first time about five minutes: the AWS SDK is large)");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args(what.arguments());
    // What `cargo run` and `cargo test` set about their own package: build scripts would take it for a change.
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
                || name == "OUT_DIR"
        });
        if of_package {
            command.env_remove(name);
        }
    }
    let status = command.status().map_err(|error| failed("cargo build", &error.to_string()))?;
    if !status.success() {
        return Err(failed("cargo build", "see above"));
    }
    let built = target().join("debug");
    let folder = scratch().join("zips");
    std::fs::create_dir_all(&folder).map_err(|e| SandboxError::file(&folder, e))?;
    for function in FUNCTIONS.map(|function| function.name) {
        zip_if_newer(&built.join(function), &folder.join(format!("{function}.zip")))?;
    }
    Ok(Zips { folder, cli: built.join("tidegate") })
}

fn zip_if_newer(binary: &Path, zip: &Path) -> Result<(), SandboxError> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    if let (Some(zipped), Some(built)) = (changed(zip), changed(binary))
        && zipped > built
    {
        return Ok(());
    }
    let content = std::fs::read(binary).map_err(|e| SandboxError::file(binary, e))?;
    // Others may be reading the old zip: the new one takes its place in one step.
    let fresh = zip.with_extension(format!("{}.tmp", std::process::id()));
    let file = std::fs::File::create(&fresh).map_err(|e| SandboxError::file(&fresh, e))?;
    let mut writer = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_level(Some(1)).unix_permissions(0o755);
    let written = writer
        .start_file("bootstrap", options)
        .and_then(|()| writer.write_all(&content).map_err(Into::into))
        .and_then(|()| writer.finish().map(|_| ()));
    written.map_err(|error| failed("writing a zip", &error.to_string()))?;
    std::fs::rename(&fresh, zip).map_err(|e| SandboxError::file(zip, e))
}

fn failed(what: &str, output: &str) -> SandboxError {
    SandboxError::Command { what: what.to_owned(), output: output.to_owned() }
}
