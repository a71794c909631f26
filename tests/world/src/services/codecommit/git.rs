//! The only I/O of the core: reading and writing real git repositories.

use std::path::Path;

use git2::{Commit, FileMode, ObjectType, Oid, Repository, Signature, Tree, build::TreeUpdateBuilder};
use serde_json::{Value, json};

use crate::error::ApiError;

/// What a change of a branch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The new head.
    pub commit: String,
    /// The head before, if the branch existed.
    pub old: Option<String>,
}

/// A file at a commit.
pub(crate) struct File {
    pub(crate) commit: String,
    pub(crate) blob: String,
    pub(crate) content: Vec<u8>,
    pub(crate) executable: bool,
}

fn broken(error: &git2::Error) -> ApiError {
    ApiError::new("InternalServerError", error.message()).with_status(500)
}

pub(crate) fn open(path: &Path) -> Result<Repository, ApiError> {
    Repository::open(path).map_err(|error| broken(&error))
}

/// A full SHA-1, as against the name of something.
pub(crate) fn is_commit_id(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// The commit that a full id, a branch, a tag or a full reference names; the default branch without one.
pub(crate) fn find<'r>(repository: &'r Repository, specifier: Option<&str>) -> Result<Commit<'r>, ApiError> {
    let missing = || {
        ApiError::new(
            "CommitDoesNotExistException",
            format!("{} does not exist", specifier.unwrap_or("HEAD")),
        )
    };
    let Some(specifier) = specifier else {
        return repository.head().and_then(|head| head.peel_to_commit()).map_err(|_| missing());
    };
    if is_commit_id(specifier) {
        return Oid::from_str(specifier).and_then(|id| repository.find_commit(id)).map_err(|_| missing());
    }
    [specifier.to_owned(), format!("refs/heads/{specifier}"), format!("refs/tags/{specifier}")]
        .iter()
        .filter(|name| name.starts_with("refs/"))
        .find_map(|name| repository.find_reference(name).ok()?.peel_to_commit().ok())
        .ok_or_else(missing)
}

/// A file at a commit.
pub(crate) fn file(repository: &Repository, specifier: Option<&str>, path: &str) -> Result<File, ApiError> {
    let commit = find(repository, specifier)?;
    let missing = || {
        ApiError::new(
            "FileDoesNotExistException",
            format!("Could not find path {path} at commit {}", commit.id()),
        )
    };
    let tree = commit.tree().map_err(|error| broken(&error))?;
    let entry = tree.get_path(Path::new(path)).map_err(|_| missing())?;
    if entry.kind() != Some(ObjectType::Blob) {
        return Err(missing());
    }
    let blob = repository.find_blob(entry.id()).map_err(|error| broken(&error))?;
    Ok(File {
        commit: commit.id().to_string(),
        blob: entry.id().to_string(),
        content: blob.content().to_vec(),
        executable: entry.filemode() == i32::from(FileMode::BlobExecutable),
    })
}

/// Who and when, as CodeCommit writes it: seconds and offset as text.
fn person(signature: &Signature<'_>) -> Value {
    let minutes = signature.when().offset_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    json!({
        "name": signature.name().unwrap_or_default(),
        "email": signature.email().unwrap_or_default(),
        "date": format!("{} {sign}{hours:02}{rest:02}", signature.when().seconds()),
    })
}

/// A commit as `GetCommit` answers it.
pub(crate) fn describe(commit: &Commit<'_>) -> Value {
    json!({
        "commitId": commit.id().to_string(),
        "treeId": commit.tree_id().to_string(),
        "parents": commit.parent_ids().map(|id| id.to_string()).collect::<Vec<_>>(),
        "message": commit.message().unwrap_or_default(),
        "author": person(&commit.author()),
        "committer": person(&commit.committer()),
        "additionalData": "",
    })
}

/// What changed between two commits, as `GetDifferences` answers it.
pub(crate) fn differences(
    repository: &Repository,
    before: Option<&str>,
    after: &str,
    under: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let tree = |specifier: &str| -> Result<Tree<'_>, ApiError> {
        find(repository, Some(specifier))?.tree().map_err(|error| broken(&error))
    };
    let (old, new) = (before.map(tree).transpose()?, tree(after)?);
    let mut options = git2::DiffOptions::new();
    if let Some(path) = under {
        options.pathspec(path);
    }
    let diff = repository
        .diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))
        .map_err(|error| broken(&error))?;
    let side = |file: &git2::DiffFile<'_>| {
        let path = file.path().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
        let mode = format!("{:06o}", u32::from(file.mode()));
        json!({"blobId": file.id().to_string(), "path": path, "mode": mode})
    };
    Ok(diff
        .deltas()
        .map(|delta| match delta.status() {
            git2::Delta::Added => json!({"afterBlob": side(&delta.new_file()), "changeType": "A"}),
            git2::Delta::Deleted => json!({"beforeBlob": side(&delta.old_file()), "changeType": "D"}),
            _ => json!({
                "beforeBlob": side(&delta.old_file()), "afterBlob": side(&delta.new_file()), "changeType": "M",
            }),
        })
        .collect())
}

/// Writes a commit onto a branch; a file without content is deleted. `seconds` is the author's clock.
///
/// # Errors
/// Git's message when the repository cannot be written.
pub(crate) fn commit(
    path: &Path,
    branch: &str,
    files: &[(String, Option<String>)],
    message: &str,
    seconds: i64,
) -> Result<Pushed, String> {
    let told = |error: git2::Error| error.message().to_owned();
    let repository = Repository::open(path).map_err(told)?;
    let reference = format!("refs/heads/{branch}");
    let parent = repository.find_reference(&reference).ok().and_then(|r| r.peel_to_commit().ok());
    let mut update = TreeUpdateBuilder::new();
    for (name, content) in files {
        match content {
            Some(content) => {
                let blob = repository.blob(content.as_bytes()).map_err(told)?;
                update.upsert(name.as_str(), blob, FileMode::Blob);
            }
            None => {
                update.remove(name.as_str());
            }
        }
    }
    let base = match &parent {
        Some(parent) => parent.tree().map_err(told)?,
        None => {
            let empty = repository.treebuilder(None).and_then(|b| b.write()).map_err(told)?;
            repository.find_tree(empty).map_err(told)?
        }
    };
    let tree = update.create_updated(&repository, &base).map_err(told)?;
    let tree = repository.find_tree(tree).map_err(told)?;
    let when = git2::Time::new(seconds, 0);
    let author = Signature::new("Alice", "alice@example.com", &when).map_err(told)?;
    let parents: Vec<&Commit<'_>> = parent.iter().collect();
    let id = repository.commit(Some(&reference), &author, &author, message, &tree, &parents).map_err(told)?;
    Ok(Pushed { commit: id.to_string(), old: parent.map(|p| p.id().to_string()) })
}

/// Lets a branch point at a commit that is there, as a forced push does.
///
/// # Errors
/// Git's message when there is no such branch or commit.
pub(crate) fn reset_branch(path: &Path, branch: &str, commit: &str) -> Result<Pushed, String> {
    let told = |error: git2::Error| error.message().to_owned();
    let repository = Repository::open(path).map_err(told)?;
    let target = git2::Oid::from_str(commit).map_err(told)?;
    let mut reference = repository.find_reference(&format!("refs/heads/{branch}")).map_err(told)?;
    let old = reference.target().map(|old| old.to_string());
    reference.set_target(target, "set back").map_err(told)?;
    Ok(Pushed { commit: commit.to_owned(), old })
}

/// Creates a bare repository whose default branch is `main`.
///
/// # Errors
/// Git's message when the folder cannot be made one.
pub(crate) fn create(path: &Path) -> Result<(), String> {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).initial_head("main").mkpath(true);
    Repository::init_opts(path, &options).map(|_| ()).map_err(|error| error.message().to_owned())
}
