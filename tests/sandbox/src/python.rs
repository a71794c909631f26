//! The Python environment with the emulator, made once and kept under `target/`.

use std::fs::File;
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
    environment_in(&folder, &cloud_files().join("requirements.txt"), say)
}

fn environment_in(folder: &Path, wanted_file: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, SandboxError> {
    let python = folder.join("bin/python");
    let wanted = std::fs::read_to_string(wanted_file).map_err(|e| SandboxError::file(wanted_file, e))?;
    let stamp = folder.join("installed.txt");
    let _alone = one_at_a_time(folder)?;
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say("making a Python environment with the AWS emulator (once, about half a minute)");
    make(folder)?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(wanted_file))?;
    std::fs::write(&stamp, wanted).map_err(|e| SandboxError::file(&stamp, e))?;
    Ok(python)
}

/// Tests run beside each other, and a demo beside tests: who comes second waits for what the first one makes. The lock
/// goes with the file that is returned, also if the process dies.
fn one_at_a_time(folder: &Path) -> Result<File, SandboxError> {
    let path = folder.with_extension("lock");
    let locked = || {
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    locked().map_err(|e| SandboxError::file(&path, e))
}

fn make(folder: &Path) -> Result<(), SandboxError> {
    let system = system_python()?;
    // Debian has the two in a package of their own.
    if run(Command::new(system).args(["-c", "import venv, ensurepip"])).is_err() {
        return Err(SandboxError::Missing {
            what: "Python's venv module",
            install: "apt-get install python3-venv (or your system's package with it)",
        });
    }
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(folder)).map(drop)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::environment_in;

    #[test]
    fn many_who_want_the_environment_at_once_make_it_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = folder.path().join("requirements.txt");
        std::fs::write(&wanted, "").expect("a file");
        let (venv, made) = (folder.path().join("new/venv"), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let say = |_: &str| {
                        made.fetch_add(1, Ordering::Relaxed);
                    };
                    let python = environment_in(&venv, &wanted, &say).expect("an environment");
                    assert!(python.is_file());
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
