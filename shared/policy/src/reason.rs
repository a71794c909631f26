//! Why a decision was made: a stable code for machines, a sentence for people.

use jiff::Timestamp;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $({ $($field:ident: $type:ty),+ })? = $code:literal, $sentence:literal;)+) => {
        /// Every reason that any function can give.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Reason {
            $($(#[$doc])* $variant $({
                $(#[doc = concat!("The `", stringify!($field), "` of the sentence.")] $field: $type),+
            })?,)+
        }

        impl Reason {
            /// Every code, in the order of this file.
            pub const CODES: &[&str] = &[$($code),+];

            /// The stable snake_case code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _),+ })? => $code,)+ }
            }
        }

        impl std::fmt::Display for Reason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $(Self::$variant $({ $($field),+ })? => write!(f, $sentence),)+ }
            }
        }
    };
}

reasons! {
    // everywhere
    /// No function wants this kind of event.
    UnsupportedEvent = "unsupported_event", "nobody here reacts to this kind of event";
    /// No policy mentions what the event names.
    Unmanaged { what: String } = "unmanaged", "no applied policy mentions {what}";
    /// The event concerns another environment of the model.
    OtherEnvironment { wanted: String } = "other_environment", "this is for {wanted}, not for this environment";
    /// The ARN belongs to another account, region or partition than it may.
    ForeignArn { arn: String } = "foreign_arn", "{arn} is not of the account, region and partition that it must be of";
    /// The sweep found nothing to heal.
    NothingOverdue = "nothing_overdue", "nothing is in flight or overdue";
    /// A person's hold stands.
    Held { by: String, why: String, since: Timestamp } = "held", "held by {by} since {since}: {why}";
    /// A person let it go on.
    HoldReleased { place: String, by: String } = "hold_released", "{by} released the hold on {place}";
    /// The hold was told after the release that ended it.
    OlderHold { released: Timestamp } = "older_hold", "that hold was placed before the release of {released}";
    /// A hold that is not older stands there.
    AlreadyHeld { by: String, since: Timestamp } = "already_held", "the hold of {by} since {since} stands there already";
    /// There is nothing to release.
    NotHeld { place: String } = "not_held", "no hold stands on {place}";
    /// The independent checker objects to the plan.
    ViolatesInvariant { invariant: String, detail: String } = "violates_invariant", "the plan breaks {invariant}: {detail}; nothing was done";
    /// AWS will not do it, however often it is asked.
    RejectedByAws { operation: String, cause: String } = "rejected_by_aws", "{operation} was refused: {cause}";

    // train
    /// A push to a watched branch.
    Commit { branch: String, commit: String } = "commit", "commit {commit} was pushed to {branch}";
    /// A retraining request.
    RetrainingRequested { cause: String } = "retraining_requested", "retraining was requested: {cause}";
    /// The branch is not in the policy.
    BranchNotMapped { branch: String } = "branch_not_mapped", "the policy does not watch branch {branch}";
    /// A tag was pushed.
    Tag { tag: String } = "tag", "{tag} is a tag; only branches train";
    /// The reference is neither branch nor tag.
    NotABranch { name: String } = "not_a_branch", "{name} is neither a branch nor a tag";
    /// The branch was deleted.
    BranchDeleted { branch: String } = "branch_deleted", "branch {branch} was deleted";
    /// The event carries no commit.
    NoCommit = "no_commit", "the event names no commit";
    /// This commit has started the pipeline before.
    AlreadyStarted { commit: String } = "already_started", "commit {commit} has started this pipeline already";
    /// This request has started the pipeline before.
    AlreadyRetrained { request: String } = "already_retrained", "request {request} has started this pipeline already";
    /// The branch has moved on.
    OlderCommit { commit: String, head: String } = "older_commit", "{commit} is no longer the head of its branch; {head} is";
    /// An execution is running.
    AlreadyRunning { execution: String } = "already_running", "{execution} is still running";
    /// The definition is not in the commit.
    DefinitionMissing { path: String, commit: String } = "definition_missing", "{path} is not in commit {commit}";
    /// The definition is no JSON object.
    DefinitionInvalid { path: String, error: String } = "definition_invalid", "{path} is no pipeline definition: {error}";
    /// The definition is over the API's limit.
    DefinitionTooLarge { bytes: usize } = "definition_too_large",
        "the definition has {bytes} bytes; from 102400 on SageMaker takes it only from S3, which is not supported yet";
    /// The pipeline does not exist and nothing says how to make it.
    PipelineMissing { pipeline: String } = "pipeline_missing", "pipeline {pipeline} does not exist";

    // promote
    /// The version was approved.
    Approved { version: u64 } = "approved", "version {version} was approved";
    /// The environment before reported success.
    PreviousSucceeded { previous: String } = "previous_succeeded", "{previous} reported success";
    /// The soak is over.
    SoakEnded { previous: String } = "soak_ended", "the version has spent its soak in {previous} without a failure";
    /// The update did not touch the approval.
    MetadataOnly { fields: String } = "metadata_only", "only {fields} changed, not the approval";
    /// The update was the progress note that promotion writes itself.
    LifecycleOnly = "lifecycle_only", "only the life cycle stage changed, which promotion itself writes";
    /// The package has no version.
    Unversioned = "unversioned", "the package belongs to no group and has no version";
    /// The package is not completed.
    NotCompleted { status: String } = "not_completed", "the package is {status}";
    /// Nobody has approved it yet.
    AwaitingApproval { version: u64 } = "awaiting_approval", "version {version} waits for approval in the registry";
    /// The approval status is none that we know.
    UnknownApproval { status: String } = "unknown_approval", "the approval status {status} is unknown";
    /// The registry no longer says approved.
    ApprovalWithdrawn { version: u64, status: String } = "approval_withdrawn", "the registry says {status} for version {version} now";
    /// The registry does not have the package.
    PackageMissing { arn: String } = "package_missing", "{arn} is not in the registry";
    /// This approval has been acted on.
    AlreadyPromoting { version: u64 } = "already_promoting", "version {version} is being promoted for this approval already";
    /// A later approval has been acted on.
    OlderApproval { version: u64, current: u64 } = "older_approval", "version {version} was approved before version {current}, which is being promoted";
    /// A version that was promoted before, and an event that does not say whether its approval changed.
    ChangedFieldsUnknown { version: u64 } = "changed_fields_unknown",
        "the event does not say what changed, and version {version} is not newer than all that were promoted: it may be its metadata";
    /// A person rejected it.
    Rejected { version: u64 } = "rejected", "version {version} was rejected";
    /// A rejected version that is nowhere.
    RejectedElsewhere { version: u64 } = "rejected_not_promoting", "version {version} was rejected and is not being promoted";
    /// The version was approved after it was rejected.
    OlderRejection { version: u64 } = "older_rejection", "version {version} was rejected before it was approved";
    /// The soak runs.
    Soaking { until: Timestamp } = "soaking", "the version soaks until {until}";
    /// People must agree first.
    ApprovalRequired { environment: String, required: u32 } = "approval_required", "{environment} needs {required} approval(s)";
    /// Enough people agreed.
    ApprovalsComplete { environment: String, people: String } = "approvals_complete", "{environment} was approved by {people}";
    /// The same person has approved before.
    DuplicateApproval { by: String, environment: String } = "duplicate_approval", "{by} has approved {environment} before; each person counts once";
    /// The environment needs nobody's approval, or has been asked already.
    ApprovalNotRequired { environment: String } = "approval_not_required", "{environment} does not wait for an approval";
    /// The approval was meant for an earlier promotion of the version.
    OlderThanPromotion { version: u64, since: Timestamp } = "older_than_promotion", "the promotion of version {version} began after that, at {since}";
    /// It is said of a version that is not on its way.
    NotPromoting { version: u64 } = "not_promoting", "version {version} is not being promoted";
    /// The environment before has not succeeded yet.
    AwaitingPrevious { previous: String } = "awaiting_previous", "{previous} has not reported success yet";
    /// The last environment succeeded.
    LastEnvironment { environment: String } = "last_environment", "{environment} was the last environment";
    /// An environment could not deploy.
    EnvironmentFailed { environment: String, cause: String } = "environment_failed", "{environment} failed: {cause}";
    /// An environment rolled back silently.
    EnvironmentRolledBack { environment: String, cause: String } = "environment_rolled_back", "{environment} rolled back silently: {cause}";
    /// The report is for a promotion that is over or replaced.
    Superseded = "superseded", "another promotion has taken its place";
    /// The report was taken note of before.
    AlreadyReported = "already_reported", "this outcome is known already";
    /// The request has had no answer.
    NoReport { environment: String } = "no_report", "{environment} has not answered; the request is sent again";
    /// The policy no longer has the environment.
    EnvironmentNotInPolicy { environment: String } = "environment_not_in_policy", "the policy has no environment {environment}";

    // deploy
    /// A request or a person's word that only the hub may give came from elsewhere.
    NotFromHub { account: String } = "not_from_hub", "it came from account {account}, which is not the hub";
    /// The requested version must be put in place.
    Requested { version: u64 } = "requested", "version {version} was requested";
    /// The next stage of the same deployment.
    EndpointReady { endpoint: String } = "endpoint_ready", "{endpoint} is ready for its component";
    /// The hub has requested another version since.
    OlderRequest { version: u64, newest: u64 } = "older_request", "version {version} was requested before version {newest}, which is the newest request";
    /// The package belongs to another model, or is another version.
    OtherPackage { arn: String, wanted: String } = "other_package", "{arn} is not the requested {wanted}";
    /// The endpoint is changing.
    EndpointBusy { endpoint: String, status: String } = "endpoint_busy", "{endpoint} is {status}";
    /// The component is changing.
    ComponentBusy { component: String, status: String } = "component_busy", "component {component} is {status}";
    /// The wanted configuration runs and answered.
    Answered { endpoint: String } = "answered", "{endpoint} runs the requested configuration and answered the sample";
    /// The wanted configuration runs; the policy has no sample.
    RunningUnverified { endpoint: String } = "running_unverified", "{endpoint} runs the requested configuration; the policy has no sample to ask it";
    /// The sample was not answered.
    SampleFailed { endpoint: String, error: String } = "sample_failed", "{endpoint} did not answer the sample: {error}";
    /// The sample has had no answer yet.
    AwaitingSample { endpoint: String, until: Timestamp } = "awaiting_sample", "{endpoint} has not answered the sample yet; it has time until {until}";
    /// The sample never had an answer.
    SampleTimedOut { endpoint: String, since: Timestamp } = "sample_timed_out", "{endpoint} has been silent since {since} when it is asked the sample";
    /// The old configuration is back.
    OldConfigRunning { requested: String, running: String } = "old_config_running", "requested was {requested}, running is {running}";
    /// SageMaker failed.
    EndpointFailed { endpoint: String, status: String, cause: String } = "endpoint_failed", "{endpoint} is {status}: {cause}";
    /// The component failed.
    ComponentFailed { component: String, cause: String } = "component_failed", "component {component} failed: {cause}";
    /// The package is not approved.
    NotApproved { arn: String, status: String } = "not_approved", "{arn} is {status}, not approved";
    /// No deployment waits for this.
    NothingInFlight { endpoint: String } = "nothing_in_flight", "no deployment of {endpoint} is in flight";
    /// The deployment that was asked about is over.
    DeploymentOver = "deployment_over", "that deployment has ended";

    // respond
    /// A drift alarm.
    DriftAlarm { alarm: String } = "drift_alarm", "alarm {alarm} reports drift";
    /// A report with violations.
    Violations { count: usize, first: String } = "violations", "the monitoring report has {count} violation(s), first: {first}";
    /// Our own measurement.
    DriftObserved { metric: String } = "drift_observed", "{metric} has drifted";
    /// Not an alarm of ours.
    NotADriftAlarm { alarm: String } = "not_a_drift_alarm", "alarm {alarm} does not measure drift";
    /// All is well.
    AlarmOk { alarm: String } = "alarm_ok", "alarm {alarm} is OK";
    /// It was in alarm before.
    StillInAlarm { alarm: String } = "still_in_alarm", "alarm {alarm} was in ALARM before";
    /// Muted.
    AlarmMuted { alarm: String } = "alarm_muted", "alarm {alarm} is muted or suppressed";
    /// It was in alarm when drift was suppressed.
    NoLongerInAlarm { alarm: String } = "no_longer_in_alarm", "alarm {alarm} is not in ALARM any more";
    /// Too little data to say.
    InsufficientData { source: String } = "insufficient_data", "{source} has too little data to tell";
    /// The state is none that we know.
    UnknownState { state: String } = "unknown_state", "the state {state} is unknown";
    /// The source could not be read.
    SourceFailed { source: String, error: String } = "source_failed", "{source} could not be read: {error}";
    /// The same source has spoken since.
    OlderObservation { source: String, newest: Timestamp } = "older_observation", "{source} has said something newer since, at {newest}";
    /// No drift.
    NoViolations = "no_violations", "the report has no violations";
    /// The policy has no response.
    NoResponse = "no_response", "the policy has no drift section";
    /// The policy says to tell a person.
    ResponseIsAlert { cause: String } = "response_is_alert", "{cause}; the policy says to alert";
    /// The last retraining is too recent.
    Cooldown { until: Timestamp } = "cooldown", "the last retraining was too recent; cooldown until {until}";
    /// One is under way.
    RetrainingInFlight { until: Timestamp } = "retraining_in_flight", "a retraining is under way; the next one is possible from {until}";
    /// The budget is spent.
    BudgetSpent { spent: u32, until: Timestamp } = "budget_spent", "{spent} retrainings have spent the budget until {until}";
    /// Retraining does not help.
    Escalated { attempts: u32 } = "escalated", "{attempts} retrainings brought no improvement; a person must look";

    // scale
    /// Nobody asked.
    Idle { seconds: u32 } = "idle", "no invocation for {seconds} seconds";
    /// Somebody asks.
    Traffic { invocations: u64 } = "traffic", "{invocations} invocation(s) in the window";
    /// There is nothing to tell from.
    NoMetrics = "no_metrics", "there are no invocation metrics since the deployment";
    /// Too young.
    InGracePeriod { until: Timestamp } = "in_grace_period", "left alone until {until}";
    /// Never deployed by us.
    NeverDeployed = "never_deployed", "nothing was deployed here yet";
    /// It changes right now.
    DeploymentInFlight = "deployment_in_flight", "a deployment is in flight";
    /// It sleeps.
    AlreadyAtZero { since: Timestamp } = "already_at_zero", "at zero since {since}";
    /// Classic endpoints cannot.
    RealTimeMinimumIsOne { endpoint: String } = "real_time_minimum_is_one",
        "{endpoint} is a classic real-time endpoint: SageMaker keeps at least one instance; use an inference component, or delete and recreate the endpoint";
    /// Serverless does by itself.
    ServerlessScalesItself { endpoint: String } = "serverless_scales_itself", "{endpoint} is serverless and costs nothing while idle";
    /// A request found no capacity.
    NoCapacity { component: String } = "no_capacity", "a request found {component} without capacity";
    /// The alarm is over.
    CapacityRestored { component: String } = "capacity_restored", "no request finds {component} without capacity any more";
    /// Not a wake alarm.
    NotACapacityAlarm { alarm: String } = "not_a_capacity_alarm", "alarm {alarm} does not ask for capacity";
    /// Nothing is configured.
    NoScalePolicy = "no_scale_policy", "the policy does not send this endpoint to zero";
}

impl Reason {
    /// Until when it holds, where it says so.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Soaking { until }
            | Self::AwaitingSample { until, .. }
            | Self::Cooldown { until }
            | Self::RetrainingInFlight { until }
            | Self::BudgetSpent { until, .. }
            | Self::InGracePeriod { until } => Some(*until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_snake_case() {
        let mut codes = Reason::CODES.to_vec();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    /// A reason with a field `until` says until when it holds.
    #[test]
    fn every_field_until_is_returned_by_until() {
        let source = include_str!("reason.rs");
        let (table, _) = source.split_once("impl Reason {\n    /// Until when").unwrap();
        let (_, method) = source.split_once("pub fn until").unwrap();
        let (method, _) = method.split_once("_ => None").unwrap();
        let with_until = table.lines().filter(|line| line.contains("until: Timestamp"));
        let names = with_until.map(|line| line.split_whitespace().next().unwrap());
        for name in names {
            assert!(method.contains(&format!("Self::{name} ")), "{name}");
        }
    }
}
