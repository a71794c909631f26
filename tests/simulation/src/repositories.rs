//! Fake CodeCommit and GitHub repositories, without git. The world emits their events.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_engine::CallError;
use tidegate_engine::ports::Repository;
use tidegate_policy::fingerprint::fingerprint;
use tidegate_testkit::FaultInjector;

/// A change of a branch's head.
pub(crate) struct HeadChange {
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

#[derive(Default)]
struct Inner {
    /// By repository and branch.
    heads: BTreeMap<(String, String), String>,
    /// The heads before.
    past: BTreeMap<(String, String), Vec<String>>,
    /// The definition in each commit.
    commits: BTreeMap<String, Option<String>>,
}

impl Inner {
    fn moved(&mut self, repository: &str, branch: &str, commit: String) -> HeadChange {
        let at = (repository.to_owned(), branch.to_owned());
        let old = self.heads.insert(at.clone(), commit.clone());
        self.past.entry(at).or_default().extend(old.clone());
        HeadChange { old, new: Some(commit) }
    }
}

/// Repositories whose only file is the pipeline's definition.
pub(crate) struct FakeRepositories {
    inner: Mutex<Inner>,
    faults: FaultInjector,
}

impl FakeRepositories {
    pub(crate) fn new(faults: FaultInjector) -> Self {
        Self { inner: Mutex::default(), faults }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The definition at the head of a branch; `None` if there is no branch.
    pub(crate) fn at_head(&self, repository: &str, branch: &str) -> Option<Option<String>> {
        let inner = self.inner();
        inner.commits.get(inner.heads.get(&(repository.to_owned(), branch.to_owned()))?).cloned()
    }

    /// The head of a branch.
    pub(crate) fn head_of(&self, repository: &str, branch: &str) -> Option<String> {
        self.inner().heads.get(&(repository.to_owned(), branch.to_owned())).cloned()
    }

    /// A commit with this definition becomes the head.
    pub(crate) fn push(&self, repository: &str, branch: &str, definition: Option<String>) -> HeadChange {
        let mut inner = self.inner();
        let number = inner.commits.len().to_string();
        let mut commit = fingerprint(&["commit", repository, branch, &number]);
        commit.truncate(40);
        inner.commits.insert(commit.clone(), definition);
        inner.moved(repository, branch, commit)
    }

    /// Resets a branch to its previous head, if there was one.
    pub(crate) fn set_back(&self, repository: &str, branch: &str) -> Option<HeadChange> {
        let mut inner = self.inner();
        let before = inner.past.get_mut(&(repository.to_owned(), branch.to_owned()))?.pop()?;
        let moved = inner.moved(repository, branch, before);
        // The abandoned head is no previous head.
        inner.past.get_mut(&(repository.to_owned(), branch.to_owned()))?.pop();
        Some(moved)
    }

    /// Deletes a branch.
    pub(crate) fn delete(&self, repository: &str, branch: &str) -> Option<HeadChange> {
        let old = self.inner().heads.remove(&(repository.to_owned(), branch.to_owned()))?;
        Some(HeadChange { old: Some(old), new: None })
    }
}

#[async_trait]
impl Repository for FakeRepositories {
    async fn file(&self, _: &str, commit: &str, _: &str) -> Result<Option<String>, CallError> {
        let read = || Ok(self.inner().commits.get(commit).cloned().flatten());
        self.faults.around("codecommit", "GetFile", read).await
    }

    async fn head(&self, repository: &str, branch: &str) -> Result<Option<String>, CallError> {
        let read = || Ok(self.head_of(repository, branch));
        self.faults.around("codecommit", "GetBranch", read).await
    }
}
