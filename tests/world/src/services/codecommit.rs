//! CodeCommit: real git repositories under names, and events when their branches move.

pub(crate) mod git;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::{AccountRegion, Call};
use crate::emissions::Event;
use crate::error::ApiError;
use crate::json::{epoch, listing, put, put_some, text};
use crate::resources::Repository;
use crate::services::Operations;
use crate::services::codecommit::git::Pushed;
use crate::world::World;

pub(crate) const OPERATIONS: Operations = &[
    ("GetFile", get_file),
    ("GetBranch", get_branch),
    ("GetCommit", get_commit),
    ("GetRepository", get_repository),
    ("GetDifferences", get_differences),
];

/// A required member; CodeCommit has an error of its own for each.
fn need<'a>(request: &'a Value, key: &str, code: &str) -> Result<&'a str, ApiError> {
    text(request, key)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::new(code, format!("{key} must be specified")))
}

fn repository<'a>(
    world: &'a World,
    call: &Call,
    request: &Value,
) -> Result<(String, &'a Repository), ApiError> {
    let name = need(request, "repositoryName", "RepositoryNameRequiredException")?;
    world
        .resources(&call.place)
        .and_then(|resources| resources.repositories.get(name))
        .map(|found| (name.to_owned(), found))
        .ok_or_else(|| ApiError::new("RepositoryDoesNotExistException", format!("{name} does not exist")))
}

fn arn(place: &AccountRegion, name: &str) -> String {
    format!("arn:aws:codecommit:{}:{}:{name}", place.region, place.account)
}

fn get_file(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (_, found) = repository(world, call, request)?;
    let path = need(request, "filePath", "PathRequiredException")?;
    if path.starts_with('/') {
        return Err(ApiError::new("InvalidPathException", format!("{path} is not a valid path")));
    }
    let file = git::file(&git::open(&found.path)?, text(request, "commitSpecifier"), path)?;
    Ok(json!({
        "commitId": file.commit,
        "blobId": file.blob,
        "filePath": path,
        "fileMode": if file.executable { "EXECUTABLE" } else { "NORMAL" },
        "fileSize": file.content.len(),
        "fileContent": base64(&file.content),
    }))
}

/// Standard base64 with padding: how awsJson writes bytes.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number =
            chunk.iter().fold(0_u32, |n, byte| (n << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS.get((number >> (18 - 6 * place)) as usize & 63).copied().unwrap_or(b'=');
            written.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    written
}

fn get_branch(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (_, found) = repository(world, call, request)?;
    let branch = need(request, "branchName", "BranchNameRequiredException")?;
    let opened = git::open(&found.path)?;
    let commit = git::find(&opened, Some(&format!("refs/heads/{branch}")))
        .map_err(|_| ApiError::new("BranchDoesNotExistException", format!("{branch} does not exist")))?;
    Ok(json!({"branch": {"branchName": branch, "commitId": commit.id().to_string()}}))
}

fn get_commit(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (_, found) = repository(world, call, request)?;
    let id = need(request, "commitId", "CommitIdRequiredException")?;
    let opened = git::open(&found.path)?;
    let missing = || ApiError::new("CommitIdDoesNotExistException", format!("{id} does not exist"));
    if !git::is_commit_id(id) {
        return Err(ApiError::new("InvalidCommitIdException", format!("{id} is not a valid commit id")));
    }
    let commit = git::find(&opened, Some(id)).map_err(|_| missing())?;
    Ok(json!({"commit": git::describe(&commit)}))
}

fn get_repository(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (name, found) = repository(world, call, request)?;
    let opened = git::open(&found.path)?;
    let head = opened.head().ok();
    let branch = head.as_ref().and_then(|head| head.shorthand().ok()).map(str::to_owned);
    let region = &call.place.region;
    let mut metadata = json!({
        "accountId": call.place.account,
        "repositoryId": found.id,
        "repositoryName": name,
        "creationDate": epoch(found.created),
        "lastModifiedDate": epoch(call.now),
        "cloneUrlHttp": format!("https://git-codecommit.{region}.amazonaws.com/v1/repos/{name}"),
        "cloneUrlSsh": format!("ssh://git-codecommit.{region}.amazonaws.com/v1/repos/{name}"),
        "Arn": arn(&call.place, &name),
    });
    put_some(&mut metadata, "defaultBranch", branch);
    Ok(json!({"repositoryMetadata": metadata}))
}

fn get_differences(world: &mut World, call: &Call, request: &Value) -> Result<Value, ApiError> {
    let (_, found) = repository(world, call, request)?;
    let after = need(request, "afterCommitSpecifier", "CommitRequiredException")?;
    let before = text(request, "beforeCommitSpecifier");
    let under = text(request, "afterPath").or_else(|| text(request, "beforePath"));
    let items = git::differences(&git::open(&found.path)?, before, after, under)?;
    let mut request = request.clone();
    let size = request.get("MaxResults").cloned().unwrap_or(json!(400));
    put(&mut request, "MaxResults", size);
    listing("differences", items, &request)
}

impl World {
    /// Registers a git repository (bare or working) under a CodeCommit name; creates a bare one if there is no folder.
    ///
    /// # Errors
    /// Git's message when there is no repository at `path` and none can be made.
    pub fn add_repository(&mut self, place: &AccountRegion, name: &str, path: PathBuf) -> Result<(), String> {
        if !path.exists() {
            git::create(&path)?;
        }
        git::open(&path).map_err(|error| error.message)?;
        let hex = self.id("repository", 32);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        let id = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
        let created = self.now();
        self.resources_mut(place).repositories.insert(name.to_owned(), Repository { id, path, created });
        Ok(())
    }

    /// Writes a real commit and emits its event, like a developer's push.
    ///
    /// # Errors
    /// When the repository is unknown or git fails.
    pub fn commit(
        &mut self,
        place: &AccountRegion,
        name: &str,
        branch: &str,
        files: &[(String, Option<String>)],
        message: &str,
        at: Timestamp,
    ) -> Result<Pushed, String> {
        let path = self.path_of(place, name)?;
        let pushed = git::commit(Path::new(&path), branch, files, message, at.as_second())?;
        Ok(self.emit_branch_update(place, name, branch, pushed, at))
    }

    /// Resets a branch to an earlier commit and emits the event, like a developer's forced push.
    ///
    /// # Errors
    /// When the repository, the branch or the commit is unknown.
    pub fn reset_branch(
        &mut self,
        place: &AccountRegion,
        name: &str,
        branch: &str,
        commit: &str,
        at: Timestamp,
    ) -> Result<Pushed, String> {
        let path = self.path_of(place, name)?;
        let pushed = git::reset_branch(Path::new(&path), branch, commit)?;
        Ok(self.emit_branch_update(place, name, branch, pushed, at))
    }

    fn path_of(&self, place: &AccountRegion, name: &str) -> Result<PathBuf, String> {
        let found = self.resources(place).and_then(|resources| resources.repositories.get(name));
        found
            .map(|repository| repository.path.clone())
            .ok_or_else(|| format!("no repository {name} in {} {}", place.account, place.region))
    }

    fn emit_branch_update(
        &mut self,
        place: &AccountRegion,
        name: &str,
        branch: &str,
        pushed: Pushed,
        at: Timestamp,
    ) -> Pushed {
        let reference = format!("refs/heads/{branch}");
        self.emit_push(place, name, &reference, pushed.old.as_deref(), Some(&pushed.commit), at);
        pushed
    }

    /// Emits the event of a changed reference: created without `old`, deleted without `new`.
    pub fn emit_push(
        &mut self,
        place: &AccountRegion,
        name: &str,
        reference: &str,
        old: Option<&str>,
        new: Option<&str>,
        at: Timestamp,
    ) {
        let id = self.resources(place).and_then(|s| s.repositories.get(name)).map(|r| r.id.clone());
        let (kind, short) = match reference.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", reference.strip_prefix("refs/heads/").unwrap_or(reference)),
        };
        let event = match (old, new) {
            (None, _) => "referenceCreated",
            (Some(_), Some(_)) => "referenceUpdated",
            (Some(_), None) => "referenceDeleted",
        };
        let mut detail = json!({
            "event": event,
            "repositoryName": name,
            "repositoryId": id.unwrap_or_default(),
            "referenceType": kind,
            "referenceName": short,
            "referenceFullName": format!("refs/{}/{short}", if kind == "tag" { "tags" } else { "heads" }),
            "callerUserArn": format!("arn:aws:sts::{}:assumed-role/Developer/alice", place.account),
        });
        put_some(&mut detail, "commitId", new);
        put_some(&mut detail, "oldCommitId", old);
        self.emit(Event {
            account: place.account.clone(),
            region: place.region.clone(),
            source: "aws.codecommit".to_owned(),
            detail_type: "CodeCommit Repository State Change".to_owned(),
            resources: vec![arn(place, name)],
            detail,
            time: at,
            copies: 1,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads_as_the_standard_says() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
