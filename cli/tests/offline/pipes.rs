//! The behaviour of a command whose output cannot be written.

use std::process::{Output, Stdio};

use crate::shared::{DRIFT, POLICY, command, stream};

/// Runs a command whose standard output is a closed pipe, as after `| head`.
fn with_a_closed_pipe(arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = command(arguments).stdout(writer).stderr(Stdio::piped()).spawn();
    child.expect("the command runs").wait_with_output().expect("it ends")
}

#[test]
fn a_closed_pipe_is_a_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = &stream(folder.path());
    let replay = ["replay", "--policy", POLICY, "--events", events];
    for arguments in [
        &replay[..],
        &[&replay[..], &["--json"]].concat(),
        &[&replay[..], &["--against", POLICY]].concat(),
        &["explain", "--policy", POLICY, "--event", DRIFT],
        &["validate", POLICY],
        &["validate", "--schema"],
        &["completions", "bash"],
    ] {
        let output = with_a_closed_pipe(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = &stream(folder.path());
    for arguments in [
        &["replay", "--policy", POLICY, "--events", events][..],
        &["explain", "--policy", POLICY, "--event", DRIFT],
        &["validate", "--schema"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("the file exists");
        let output = command(arguments).stdout(full).output().expect("the command runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output: "), "{said}");
    }
}
