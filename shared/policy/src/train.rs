//! train: a commit or a retraining request starts the model's pipeline once, or the decision states why not. The end of
//! what it started is told.

mod action;
mod controller;
mod definition;
mod ended;
mod execution;
mod failure;
mod invariants;
mod job_roles;
mod lost_push;
mod on_rejected;
mod pipeline_role;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_events::{CommitPushed, RefChange, RefKind, RetrainingRequested};

use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::fingerprint::{fingerprint, short};
use crate::hold::Hold;
use crate::owner::Tags;
use crate::people::subject;
use crate::principal::Principal;
use crate::reason::Reason;

use crate::step::Step;
use definition::{Asked, asked, not_startable};
use pipeline_role::Replaced;

pub use action::{Action, StartRequest, still_applies};
pub use controller::{Need, TrainController, Trigger};
pub use definition::{definition_digest, json_digest};
pub use ended::decide_end;
pub use execution::{DescribedExecution, End, ExecutedStep, Execution, ListedExecution, Request, has_ended};
pub use failure::FailureClass;
pub use job_roles::JobRoles;
pub use lost_push::lost_push;
pub use on_rejected::on_rejected;
pub use pipeline_role::{PipelineRoles, definition_with_step_role};

/// The state that the ledger stores for a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// For each full reference, the commit that last started the pipeline.
    pub commits: BTreeMap<String, String>,
    /// The last start, whatever its cause.
    pub last_start: Option<Start>,
    /// For each full reference, the last commit, if AWS permanently rejected its training.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected_commits: BTreeMap<String, String>,
    /// For each full reference, the push that was processed last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pushes: BTreeMap<String, Pushed>,
    /// The fingerprint of the definition in the last decision, whether it is already installed or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_digest: Option<String>,
    /// The executions that train started, oldest first; only the newest few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<Execution>,
}

/// A push that was processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// The commit to which the reference pointed before, according to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The client token of the execution that it started.
    pub token: String,
    /// Who pushed, if it is a principal of AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl State {
    /// The last processed commit of a reference, trained or rejected. The sweep searches for other commits, and an
    /// older commit must not train after this one.
    #[must_use]
    pub fn known(&self, full_ref: &str) -> Option<&str> {
        self.rejected_commits.get(full_ref).or_else(|| self.commits.get(full_ref)).map(String::as_str)
    }
}

/// A start of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// When it was decided.
    pub at: Timestamp,
    /// The client token.
    pub token: String,
}

/// The observed AWS resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The definition in the commit; `Kept` if the policy or the trigger keeps the present one.
    pub definition: Definition,
    /// The pipeline as it is, if it exists.
    pub pipeline: Option<Pipeline>,
    /// The roles that the hub's pipeline role may pass to jobs, if they are known.
    pub job_roles: Option<JobRoles>,
    /// The pipeline's tags; `None` if it does not exist.
    pub pipeline_tags: Option<Tags>,
    /// ARNs of executions that have not ended, newest first.
    pub running: Vec<String>,
    /// The roles that a pipeline may have, if they are known.
    pub pipeline_roles: Option<PipelineRoles>,
    /// The head of the pushed branch, if another commit of the branch has trained and the repository can be read.
    pub head: Option<String>,
    /// The execution whose end is decided about; only read for its end.
    pub execution: Option<DescribedExecution>,
    /// The hold on the model or on the requesting environment; only read for a retraining.
    pub hold: Option<Hold>,
}

impl Snapshot {
    /// The fingerprint of the definition that the pipeline has.
    fn present_digest(&self) -> Option<String> {
        self.pipeline.as_ref().and_then(|pipeline| json_digest(&pipeline.definition))
    }
}

/// The definition that the commit requires.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Definition {
    /// The present definition of the pipeline.
    #[default]
    Kept,
    /// The file's content at the commit.
    File {
        /// Its path.
        path: String,
        /// Its text.
        text: String,
    },
    /// The file is not in the commit.
    Missing {
        /// The path that was read.
        path: String,
    },
}

/// A pipeline as SageMaker describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its ARN.
    pub arn: String,
    /// Its definition as text.
    pub definition: String,
    /// The ARN of its role.
    pub role: Option<String>,
}

/// The function's name.
pub const NAME: &str = "train";

/// train's decisions.
pub type Train = Decision<State, Action>;

/// The client token of a push. It includes the token of the last start on the branch. Otherwise, after a reset of the
/// branch to an earlier commit, SageMaker would return the old execution of that commit.
fn token_of_push(policy: &Policy, state: &State, push: &CommitPushed, commit: &str) -> String {
    let before = token_of_last(policy, state, &push.full_ref);
    commit_token(policy, &push.repository, (&push.full_ref, commit), before.as_deref())
}

/// The client token of a branch's last start, also for a state that an earlier version of Tidegate wrote.
fn token_of_last(policy: &Policy, state: &State, full_ref: &str) -> Option<String> {
    let repository = policy.source.repository.as_str();
    let by_commit = |commit: &String| commit_token(policy, repository, (full_ref, commit), None);
    let known = state.pushes.get(full_ref).map(|push| push.token.clone());
    known.or_else(|| state.commits.get(full_ref).map(by_commit))
}

fn commit_token(
    policy: &Policy,
    repository: &str,
    (full_ref, commit): (&str, &str),
    before: Option<&str>,
) -> String {
    let (model, pipeline) = (policy.model.as_str(), policy.pipeline.name.as_str());
    let mut parts = vec!["commit", model, pipeline, repository, full_ref, commit];
    parts.extend(before);
    fingerprint(&parts)
}

/// The beginning of the names of GitHub's temporary branches. The merge itself is a push to the target branch.
/// <https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/merging-a-pull-request-with-a-merge-queue>
const MERGE_QUEUE: &str = "gh-readonly-queue/";

/// Decides about a push without data from AWS: `Some` if the push requires no action.
#[must_use]
pub fn skip_without_reading(policy: &Policy, state: &State, push: &CommitPushed) -> Option<Train> {
    let branch = push.branch.clone();
    let reason = match (&push.ref_kind, &push.change, &push.commit) {
        (RefKind::Tag, _, _) => Reason::Tag { tag: branch },
        (RefKind::Other(_), _, _) => Reason::NotABranch { name: push.full_ref.clone() },
        (RefKind::Branch, ..) if push.branch.starts_with(MERGE_QUEUE) => Reason::MergeQueueBranch { branch },
        (RefKind::Branch, RefChange::Deleted, _) => Reason::BranchDeleted { branch },
        (RefKind::Branch, _, _) if !policy.watches(&push.branch) => Reason::BranchNotMapped { branch },
        (RefKind::Branch, _, None) => Reason::NoCommit,
        (RefKind::Branch, _, Some(commit)) if state.commits.get(&push.full_ref) == Some(commit) => {
            Reason::AlreadyStarted { commit: commit.clone() }
        }
        (RefKind::Branch, _, Some(_)) => return None,
    };
    Some(Decision::new(Verdict::Skip, reason).evidence("reference", &push.full_ref))
}

/// Decides about a push that needs data from AWS.
pub fn decide_commit(
    policy: &Policy,
    state: &State,
    push: &CommitPushed,
    seen: &Snapshot,
    now: Timestamp,
) -> Train {
    if let Some(decided) = skip_without_reading(policy, state, push) {
        return decided;
    }
    let commit = push.commit.clone().unwrap_or_default();
    if let Some(head) = seen.head.as_ref().filter(|head| is_superseded(state, push, &commit, head)) {
        let cut = |commit: &str| commit.chars().take(12).collect();
        let older = Reason::OlderCommit { commit: cut(&commit), head: cut(head) };
        return Decision::new(Verdict::Skip, older).evidence("commit", &commit).evidence("head", head);
    }
    let token = token_of_push(policy, state, push, &commit);
    let Asked { tag, upsert, digest, replaced } = match asked(policy, state, (push, &commit), &token, seen) {
        Ok(asked) => asked,
        Err(reason) => return rejected(policy, reason).evidence("commit", &commit),
    };
    if let Some(reason) = seen.role_problem(policy) {
        return not_trained(policy, reason).evidence("commit", &commit);
    }
    let short_commit: String = commit.chars().take(12).collect();
    let by = pusher(push);
    let execution = Execution {
        // A branch that is set back starts the same commit again: the token tells both executions apart.
        name: format!("commit-{short_commit}-{}", token.chars().take(8).collect::<String>()),
        token: token.clone(),
        at: now,
        description: format!("{} {} at {}", push.repository, push.branch, short_commit),
        request: None,
        definition: digest.clone().or_else(|| seen.present_digest()),
        authors: by.clone().into_iter().collect(),
        packages: Vec::new(),
        end: None,
    };
    let start = start(policy, &execution);
    let mut next = state.clone();
    next.begin(execution);
    next.commits.insert(push.full_ref.clone(), commit.clone());
    next.rejected_commits.remove(&push.full_ref);
    let pushed = Pushed { before: push.old_commit.clone(), token: token.clone(), by };
    next.pushes.insert(push.full_ref.clone(), pushed);
    next.definition_digest = digest.clone().or(next.definition_digest);
    next.last_start = Some(Start { at: now, token });
    let definition = if upsert.is_some() { "changed" } else { "unchanged" };
    // The definition names code in S3. Only who uploads the code knows whether it is the code of this commit.
    let is_same = state.definition_digest.is_some() && state.definition_digest == digest;
    let mut decision =
        Decision::new(Verdict::Start, Reason::Commit { branch: push.branch.clone(), commit: short_commit })
            .evidence("commit", &commit)
            .evidence("definition", definition);
    if is_same {
        decision = decision.evidence("code", SAME_CODE);
    }
    if let Some(Replaced { roles, by }) = replaced.filter(|replaced| !replaced.roles.is_empty()) {
        let roles = roles.into_iter().collect::<Vec<_>>().join(" and ");
        decision = decision.evidence_vs("step_role", by, format!("{roles} in the file"));
    }
    for missing in seen.missing_permissions(policy) {
        decision = decision.evidence("pipeline_role_lacks", missing);
    }
    decision.plan(tag.into_iter().chain(upsert).chain([start]).collect()).state(next)
}

/// The evidence of a commit with the definition of the commit before.
const SAME_CODE: &str = "the definition is that of the commit before; it trains this commit's code only if the code was \
                         uploaded to the same place again";

/// The decision that nothing is trained, which a person must hear of.
fn not_trained(policy: &Policy, reason: Reason) -> Train {
    let message = format!(
        "{reason}.\nModel: {}\nPipeline: {}\nNothing was trained. Mend the cause, then push again.",
        policy.model, policy.pipeline.name
    );
    let subject = subject(&format!("{} was not trained", policy.model));
    Decision::new(Verdict::Reject, reason).plan(vec![Step::Notify { subject, message }])
}

/// The decision about a commit that cannot train. People are notified if they must change the policy: the pipeline is
/// not this model's.
fn rejected(policy: &Policy, reason: Reason) -> Train {
    match reason {
        Reason::NotOurs { .. }
        | Reason::OwnedByAnother { .. }
        | Reason::PipelineRoleNotPassable { .. }
        | Reason::PipelineRoleUnknown { .. } => not_trained(policy, reason),
        reason => Decision::new(Verdict::Reject, reason),
    }
}

/// Who pushed, if the event says it as CodeCommit does: by the ARN of the caller. The name of a commit's author in git, and the
/// login of another host, are no principals of AWS.
fn pusher(push: &CommitPushed) -> Option<String> {
    let principal = Principal::of_arn(push.actor.as_deref()?).ok()?;
    push.repository.starts_with("codecommit:").then(|| principal.to_string())
}

/// Whether a newer commit of the branch replaces this one. Pushes are reported in any order, and training an older
/// commit now would leave its definition as the present one. The head alone is not sufficient: the head may be so new
/// that neither its own event nor the sweep has reported it yet. In that case only a push that directly follows the
/// last known commit is certain not to be older.
fn is_superseded(state: &State, push: &CommitPushed, commit: &str, head: &str) -> bool {
    let known = state.known(&push.full_ref);
    head != commit && known.is_some_and(|known| known == head || push.old_commit.as_deref() != Some(known))
}

/// Decides about a retraining request.
pub fn decide_retraining(
    policy: &Policy,
    state: &State,
    request: &RetrainingRequested,
    seen: &Snapshot,
    now: Timestamp,
) -> Train {
    let pipeline = policy.pipeline.name.as_str();
    let place = policy.environment(&request.environment);
    if place.is_none_or(|place| place.account.as_str() != request.environment_account) {
        let what = format!("{} in {}", request.environment, request.environment_account);
        return Decision::new(Verdict::Reject, Reason::Unmanaged { what });
    }
    let token = fingerprint(&["retraining", policy.model.as_str(), pipeline, &request.request_id]);
    if state.last_start.as_ref().is_some_and(|last| last.token == token) {
        let request = request.request_id.clone();
        return Decision::new(Verdict::Skip, Reason::AlreadyRetrained { request });
    }
    // The environment must not wait for a retraining that does not begin.
    let refused = |verdict, reason: Reason| {
        let finished = ended::not_started(policy, request, &reason, now);
        Decision::new(verdict, reason)
            .evidence("requested_by", &request.environment)
            .plan(vec![Step::ReportRetraining { finished }])
    };
    if let Some(hold) = &seen.hold {
        return refused(Verdict::Skip, hold.why());
    }
    if seen.pipeline.is_none() {
        return refused(Verdict::Reject, Reason::PipelineMissing { pipeline: pipeline.to_owned() });
    }
    if let Some(reason) = not_startable(policy, state, seen) {
        let mut decision = refused(Verdict::Reject, reason.clone());
        decision.plan.extend(not_trained(policy, reason).plan);
        return decision;
    }
    if let Some(execution) = seen.running.first() {
        return refused(Verdict::Skip, Reason::AlreadyRunning { execution: execution.clone() })
            .evidence("running_executions", seen.running.len());
    }
    if let Some(reason) = seen.role_problem(policy) {
        let mut decision = refused(Verdict::Reject, reason.clone());
        decision.plan.extend(not_trained(policy, reason).plan);
        return decision;
    }
    let execution = Execution {
        name: format!("retrain-{}", short(&[&request.request_id], 12)),
        token: token.clone(),
        at: now,
        description: format!("retraining requested by {}: {}", request.environment, request.cause),
        request: Some(Request::of(request)),
        definition: seen.present_digest(),
        authors: state.authors_of_branches(),
        packages: Vec::new(),
        end: None,
    };
    let start = start(policy, &execution);
    let mut next = State { last_start: Some(Start { at: now, token }), ..state.clone() };
    next.begin(execution);
    Decision::new(Verdict::Start, Reason::RetrainingRequested { cause: request.cause.clone() })
        .evidence("requested_by", &request.environment)
        .evidence("request_id", &request.request_id)
        .plan(vec![start])
        .state(next)
}

fn start(policy: &Policy, execution: &Execution) -> Step<Action> {
    Step::Call(Action::StartExecution {
        pipeline: policy.pipeline.name.to_string(),
        token: execution.token.clone(),
        display_name: execution.name.clone(),
        description: execution.description.clone(),
        parameters: policy.pipeline.parameters.clone(),
        definition: execution.definition.clone(),
    })
}
