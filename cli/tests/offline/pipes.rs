//! What becomes of a command whose output nobody takes.

use std::process::{Output, Stdio};

use crate::shared::{DRIFT, POLICY, command, stream};

/// The command, writing to where nobody reads any more: `| head` after its last line.
fn to_nobody(arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = command(arguments).stdout(writer).stderr(Stdio::piped()).spawn();
    child.expect("the command runs").wait_with_output().expect("it ends")
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
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
        let output = to_nobody(arguments);
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
        let full = std::fs::File::options().write(true).open("/dev/full").expect("it is there");
        let output = command(arguments).stdout(full).output().expect("the command runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output: "), "{said}");
    }
}
