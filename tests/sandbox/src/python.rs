//! The Python environment with the emulator, made once and kept under `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::SandboxError;
use crate::paths::{cloud_files, scratch};

/// The interpreter of an environment that has what `requirements.txt` pins; made if it is not there yet.
///
/// # Errors
/// If Python is missing or the packages cannot be installed.
pub fn environment(say: &dyn Fn(&str)) -> Result<PathBuf, SandboxError> {
    let folder = scratch().join("venv");
    let python = folder.join("bin/python");
    let wanted_file = cloud_files().join("requirements.txt");
    let wanted = std::fs::read_to_string(&wanted_file).map_err(|e| SandboxError::file(&wanted_file, e))?;
    let stamp = folder.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say("making a Python environment with the AWS emulator (once, about half a minute)");
    std::fs::create_dir_all(scratch()).map_err(|e| SandboxError::file(&scratch(), e))?;
    let made = run(Command::new(system_python()?).args(["-m", "venv", "--clear"]).arg(&folder));
    if made.is_err() {
        return Err(SandboxError::Missing {
            what: "Python's venv module",
            install: "apt-get install python3-venv (or your system's package with it)",
        });
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&wanted_file))?;
    std::fs::write(&stamp, wanted).map_err(|e| SandboxError::file(&stamp, e))?;
    Ok(python)
}

/// The folder with the published API models, which come with botocore.
///
/// # Errors
/// If the environment has no botocore.
pub fn api_models(python: &Path) -> Result<PathBuf, SandboxError> {
    let output =
        run(Command::new(python)
            .args(["-c", "import botocore, os; print(os.path.dirname(botocore.__file__))"]))?;
    Ok(PathBuf::from(output.trim()).join("data"))
}

fn system_python() -> Result<&'static str, SandboxError> {
    ["python3", "python"]
        .into_iter()
        .find(|name| {
            let check = "import sys; sys.exit(sys.version_info < (3, 10))";
            Command::new(name)
                .args(["-c", check])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
        .ok_or(SandboxError::Missing {
            what: "Python 3.10 or newer",
            install: "apt-get install python3 python3-venv (or brew install python)",
        })
}

/// Runs a command and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, SandboxError> {
    let what = format!("{:?}", command.get_program());
    let failed = |output: String| SandboxError::Command { what: what.clone(), output };
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
