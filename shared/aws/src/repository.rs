//! CodeCommit repositories.

use async_trait::async_trait;
use aws_sdk_codecommit::Client;
use tidegate_engine::{CallError, ports::Repository};

use crate::error::{failed, refused};

const SERVICE: &str = "codecommit";
const GET_FILE: &str = "GetFile";
const GET_BRANCH: &str = "GetBranch";

/// AWS CodeCommit.
#[derive(Debug, Clone)]
pub struct CodeCommit {
    client: Client,
}

impl CodeCommit {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Repository for CodeCommit {
    async fn file(&self, repository: &str, commit: &str, path: &str) -> Result<Option<String>, CallError> {
        let answer = self
            .client
            .get_file()
            .repository_name(own_name(repository, GET_FILE)?)
            .commit_specifier(commit)
            .file_path(path)
            .send()
            .await;
        let file = match answer.map_err(failed(SERVICE, GET_FILE)) {
            Ok(file) => file,
            // A missing commit remains an error, because it is unknown whether it contained the file.
            Err(failure) if failure.is("FileDoesNotExistException") => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let bytes = file.file_content.into_inner();
        let text = String::from_utf8(bytes)
            .map_err(|_| refused(SERVICE, GET_FILE, format!("`{path}` at {commit} is not text in UTF-8")))?;
        Ok(Some(text))
    }

    async fn head(&self, repository: &str, branch: &str) -> Result<Option<String>, CallError> {
        let answer = self
            .client
            .get_branch()
            .repository_name(own_name(repository, GET_BRANCH)?)
            .branch_name(branch)
            .send()
            .await;
        match answer.map_err(failed(SERVICE, GET_BRANCH)) {
            Ok(answer) => Ok(answer.branch().and_then(|branch| branch.commit_id()).map(str::to_owned)),
            Err(failure) if failure.is("BranchDoesNotExistException") => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Returns the repository name for CodeCommit from the name in the policy, `codecommit:NAME`.
fn own_name<'r>(repository: &'r str, operation: &'static str) -> Result<&'r str, CallError> {
    repository.strip_prefix("codecommit:").ok_or_else(|| {
        refused(
            SERVICE,
            operation,
            format!("`{repository}` is not a CodeCommit repository; Tidegate reads only those"),
        )
    })
}
