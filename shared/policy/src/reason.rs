//! The reasons of decisions. Each has a stable code for programs and a message for people.

use jiff::Timestamp;
use tidegate_events::clean;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $({ $($field:ident: $type:ty),+ })? = $code:literal, $message:literal;)+) => {
        /// A reason of a decision, of any function.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Reason {
            $($(#[$doc])* $variant $({
                $(#[doc = concat!("The `", stringify!($field), "` in the message.")] $field: $type),+
            })?,)+
        }

        impl Reason {
            /// Every code, in the order of this file.
            pub const CODES: &[&str] = &[$($code),+];

            /// The stable code, in snake_case.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _),+ })? => $code,)+ }
            }
        }

        impl std::fmt::Display for Reason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Some parts are texts of AWS, of containers and of people.
                let message = match self { $(Self::$variant $({ $($field),+ })? => format!($message),)+ };
                f.write_str(&clean(&message))
            }
        }
    };
}

reasons! {
    // every function
    /// The function does not handle this kind of event.
    UnsupportedEvent = "unsupported_event", "this function does not handle this kind of event";
    /// No applied policy mentions what the event names.
    Unmanaged { what: String } = "unmanaged", "no applied policy mentions {what}";
    /// The event concerns another environment of the model.
    OtherEnvironment { wanted: String } = "other_environment", "the event is for {wanted}, not for this environment";
    /// The ARN is of another account, region or partition than it must be.
    ForeignArn { arn: String, part: String, found: String, expected: String } = "foreign_arn",
        "{arn} is not usable here: its {part} is {found}, and must be {expected}";
    /// The sweep found nothing that is in flight or overdue.
    NothingOverdue = "nothing_overdue", "nothing is in flight or overdue";
    /// A person placed a hold, and it is not released.
    Held { by: String, why: String, since: Timestamp } = "held", "held by {by} since {since}: {why}";
    /// A person released a hold.
    HoldReleased { place: String, by: String } = "hold_released", "{by} released the hold on {place}";
    /// The hold is older than a release that the function already knows.
    OlderHold { released: Timestamp } = "older_hold", "the hold was placed before the release of {released}";
    /// The function already knows a hold that is at least as new.
    AlreadyHeld { by: String, since: Timestamp } = "already_held", "{by} has already placed a hold, at {since}";
    /// There is no hold to release.
    NotHeld { place: String } = "not_held", "there is no hold on {place}";
    /// The independent checker found that the decision violates an invariant.
    ViolatesInvariant { invariant: String, detail: String } = "violates_invariant", "the decision violates {invariant}: {detail}; nothing was done";
    /// AWS rejected a call with an error that a retry does not change.
    RejectedByAws { operation: String, cause: String } = "rejected_by_aws", "AWS rejected {operation}: {cause}";

    /// AWS does not find what a call refers to. What was just created becomes visible after seconds or minutes.
    NotVisibleYet { operation: String, cause: String } = "not_visible_yet",
        "AWS does not find what {operation} refers to, which may not be visible yet: {cause}";
    /// AWS rejects a call while another change of the resource is under way.
    OtherChange { operation: String, cause: String } = "other_change", "AWS rejected {operation} while another change is under way: {cause}";
    /// AWS has not found what a call refers to for longer than anything stays invisible.
    NeverVisible { operation: String, since: Timestamp, cause: String } = "never_visible",
        "AWS has not found what {operation} refers to since {since}, so it does not exist: {cause}";

    // train
    /// A commit was pushed to a branch that the policy watches.
    Commit { branch: String, commit: String } = "commit", "commit {commit} was pushed to {branch}";
    /// A retraining was requested.
    RetrainingRequested { cause: String } = "retraining_requested", "retraining was requested: {cause}";
    /// The policy does not watch the branch.
    BranchNotMapped { branch: String } = "branch_not_mapped", "the policy does not watch branch {branch}";
    /// A tag was pushed.
    Tag { tag: String } = "tag", "{tag} is a tag; only a push to a branch starts a training";
    /// The reference is neither a branch nor a tag.
    NotABranch { name: String } = "not_a_branch", "{name} is neither a branch nor a tag";
    /// The branch is a temporary branch of GitHub's merge queue.
    MergeQueueBranch { branch: String } = "merge_queue_branch",
        "{branch} is a temporary branch of a merge queue; the merge is a push to its target branch";
    /// The branch was deleted.
    BranchDeleted { branch: String } = "branch_deleted", "branch {branch} was deleted";
    /// The event contains no commit id.
    NoCommit = "no_commit", "the event contains no commit id";
    /// The commit has already started the pipeline.
    AlreadyStarted { commit: String } = "already_started", "commit {commit} has already started this pipeline";
    /// The retraining request has already started the pipeline.
    AlreadyRetrained { request: String } = "already_retrained", "request {request} has already started this pipeline";
    /// The branch has a newer head.
    OlderCommit { commit: String, head: String } = "older_commit", "{commit} is no longer the head of its branch; the head is {head}";
    /// An execution of the pipeline is running.
    AlreadyRunning { execution: String } = "already_running", "{execution} is still running";
    /// The commit does not contain the definition file.
    DefinitionMissing { path: String, commit: String } = "definition_missing", "{path} is not in commit {commit}";
    /// The definition file is not a valid pipeline definition.
    DefinitionInvalid { path: String, error: String } = "definition_invalid", "{path} is not a valid pipeline definition: {error}";
    /// The definition is larger than the API accepts in a request.
    DefinitionTooLarge { characters: usize } = "definition_too_large",
        "the definition has {characters} characters; SageMaker accepts at most 1048576";
    /// The pipeline's role may not pass the roles of its jobs.
    RolesNotPassable { roles: String, by: String } = "roles_not_passable",
        "the pipeline's role {by} may not pass {roles} to its jobs; add them to the parameter PassableJobRoleArns of the hub's stack, or give these steps the pipeline's role";
    /// train may not pass the pipeline's role.
    PipelineRoleNotPassable { role: String } = "pipeline_role_not_passable",
        "train may not pass the role {role} to SageMaker as the role of the pipeline; add it to the parameter PassablePipelineRoleArns of the hub's stack";
    /// SageMaker does not say which role the pipeline has.
    PipelineRoleUnknown { pipeline: String } = "pipeline_role_unknown",
        "the role of pipeline {pipeline} is not known, so it cannot replace the roles of the steps; write `pipeline.executionRole` in the policy";
    /// The pipeline does not exist, and the event has no definition from which to create it.
    PipelineMissing { pipeline: String } = "pipeline_missing", "pipeline {pipeline} does not exist";

    /// Another person or program started the execution.
    NotStartedHere { execution: String } = "not_started_here", "{execution} was not started by Tidegate";
    /// The end of the execution is known already.
    EndKnown { execution: String } = "end_known", "the end of {execution} is known already";
    /// The execution failed.
    ExecutionFailed { execution: String, cause: String } = "execution_failed", "{execution} failed: {cause}";
    /// Steps of the execution failed, and its definition provides for that.
    ExecutionPartlyFailed { execution: String, cause: String } = "execution_completed_with_failures",
        "{execution} completed with failures: {cause}";
    /// The execution was stopped.
    ExecutionStopped { execution: String } = "execution_stopped", "{execution} was stopped";
    /// The execution succeeded and registered a version.
    VersionRegistered { execution: String, package: String } = "version_registered", "{execution} registered {package}";
    /// The execution ran another definition than the one of its decision.
    OtherDefinitionRan { execution: String } = "other_definition_ran",
        "{execution} ran another definition than the one that was decided; somebody changed the pipeline in between";
    /// The execution succeeded, and its definition has no step that registers a version.
    ExecutionSucceeded { execution: String } = "execution_succeeded",
        "{execution} succeeded; its definition has no step that registers a version";
    /// The execution succeeded without registering a version.
    NoVersionRegistered { execution: String } = "no_version_registered",
        "{execution} succeeded, but it registered no version: a condition of its definition was not met";

    // promote
    /// The version was approved.
    Approved { version: u64 } = "approved", "version {version} was approved";
    /// The previous environment reported success.
    PreviousSucceeded { previous: String } = "previous_succeeded", "{previous} reported success";
    /// The soak in the previous environment is over.
    SoakEnded { previous: String } = "soak_ended", "the version completed its soak in {previous} without a failure";
    /// The version failed, vanished or was changed while it soaked.
    SoakBroken { environment: String, version: u64, cause: String } = "soak_broken",
        "version {version} did not complete its soak in {environment}: {cause}";
    /// The report about a live version concerns no soak.
    NotSoaking { environment: String, version: u64, cause: String } = "not_soaking",
        "version {version} does not soak in {environment}, so no promotion stops: {cause}";
    /// The update did not change the approval.
    MetadataOnly { fields: String } = "metadata_only", "only {fields} changed, not the approval";
    /// The update changed only the life cycle, which promote writes itself.
    LifecycleOnly = "lifecycle_only", "only the life cycle changed, which promote writes itself";
    /// The package has no version.
    Unversioned = "unversioned", "the package belongs to no group and has no version";
    /// The status of the package is not `Completed`.
    NotCompleted { status: String } = "not_completed", "the package is {status}";
    /// The registry has no approval for the version yet.
    AwaitingApproval { version: u64 } = "awaiting_approval", "version {version} is waiting for approval in the registry";
    /// This version of Tidegate does not know the approval status.
    UnknownApproval { status: String } = "unknown_approval", "the approval status {status} is unknown";
    /// The version was approved, and the registry has another status now.
    ApprovalWithdrawn { version: u64, status: String } = "approval_withdrawn",
        "the approval of version {version} was withdrawn; its status in the registry is {status} now";
    /// The registry does not have the package.
    PackageMissing { arn: String } = "package_missing", "{arn} is not in the registry";
    /// The promotion for this approval has already begun.
    AlreadyPromoting { version: u64 } = "already_promoting", "version {version} is already being promoted for this approval";
    /// A later approval is already being promoted.
    OlderApproval { version: u64, current: u64 } = "older_approval",
        "version {version} was approved before version {current}, which is being promoted";
    /// The event does not list the changed fields, and the version may have been promoted before.
    ChangedFieldsUnknown { version: u64 } = "changed_fields_unknown",
        "the event does not say which fields changed, and version {version} is not newer than every promoted version: perhaps only its metadata changed";
    /// A person rejected the version in the registry.
    Rejected { version: u64 } = "rejected", "version {version} was rejected";
    /// A version was rejected that is not being promoted.
    RejectedElsewhere { version: u64 } = "rejected_not_promoting", "version {version} was rejected and is not being promoted";
    /// The version lost its approval, and still serves while another one is being promoted.
    StillServes { version: u64, what: String, environments: String } = "still_serves", "version {version} was {what} and still serves in {environments}";
    /// The registry does not have the version any more.
    PackageDeleted { version: u64 } = "package_deleted", "version {version} was deleted from the registry";
    /// Environments go back to a version that they served before.
    RollsBack { from: u64, to: u64, cause: String } = "rolls_back", "version {to} takes the place of version {from}: {cause}";
    /// The environments that went back serve the earlier version.
    RollbackComplete { from: u64, environments: String } = "rollback_complete", "{environments} went back from version {from}";
    /// No version that succeeded in the environment before can be deployed.
    NoWayBack { environment: String } = "no_way_back", "no other version that succeeded in {environment} is approved and unchanged in the registry";
    /// A person forced the version into the environment.
    Forced { environment: String, by: String, why: String } = "forced", "{by} forced the version into {environment}: {why}";
    /// The version was approved after it was rejected.
    OlderRejection { version: u64 } = "older_rejection", "version {version} was rejected before it was approved";
    /// The soak in the previous environment is not over.
    Soaking { until: Timestamp } = "soaking", "the version soaks until {until}";
    /// The environment needs the approval of people.
    ApprovalRequired { environment: String, required: u32, detail: String } = "approval_required",
        "{environment} needs {required} approval(s){detail}";
    /// No deployment window of the environment is open.
    OutsideWindow { environment: String, until: Timestamp } = "outside_window",
        "{environment} is outside its deployment windows; the next one opens at {until}";
    /// People or the policy stop deployments until a time.
    Frozen { scope: String, until: Timestamp, by: String, why: String } = "frozen", "{scope} is frozen until {until} by {by}: {why}";
    /// A person ended a freeze before its end.
    FreezeLifted { scope: String, by: String } = "freeze_lifted", "{by} ended the freezes of {scope}";
    /// The freeze is older than the end of the freezes of its place.
    OlderFreeze { lifted: Timestamp } = "older_freeze", "the freezes of this place were ended at {lifted}, after this one was placed";
    /// A freeze of the same place was placed later.
    NewerFreeze { by: String, since: Timestamp } = "newer_freeze", "{by} placed another freeze of this place at {since}";
    /// The freeze ended before it arrived.
    FreezeEnded { ended: Timestamp } = "freeze_ended", "the freeze ended at {ended}";
    /// There is no freeze that a person could end.
    NotFrozen { scope: String } = "not_frozen", "there is no freeze of {scope}";
    /// A gate is closed because what it needs was not read.
    GateNotRead { gate: &'static str, what: String } = "gate_not_read", "the gate {gate} needs {what}, which was not read";
    /// The metrics of a version cannot be read.
    MetricsUnreadable { version: u64, cause: String } = "metrics_unreadable", "the metrics of version {version} cannot be read: {cause}";
    /// The file with the metrics does not have the metric of the policy.
    MetricMissing { metric: String, file: String, hint: String } = "metric_missing", "{file} has no metric {metric}{hint}";
    /// The value of a metric is not a finite number.
    MetricNotANumber { metric: String, file: String, value: String } = "metric_not_a_number", "{metric} is {value} in {file}, which is not a number";
    /// A metric is not good enough.
    MetricNotMet { metric: String, version: u64, value: f64, required: String } = "metric_not_met",
        "{metric} of version {version} is {value}; it must be {required}";
    /// A metric is compared with the live version, and no version is live.
    NothingLive { environment: String, metric: String } = "nothing_live",
        "no version is live in {environment} to compare {metric} with; write `ifNothingLive: pass` beside it, or `atLeast` instead";
    /// The description of a version cannot be read.
    VersionUnreadable { version: u64, cause: String } = "version_unreadable", "the registry cannot be read for version {version}: {cause}";
    /// Reports or the model card that the policy requires are not registered with the version.
    NotRegistered { version: u64, missing: String } = "not_registered", "version {version} is registered with {missing}";
    /// A feature group is not that of the training.
    FeatureGroupDiffers { group: String, cause: String } = "feature_group_differs", "feature group {group}: {cause}";
    /// No tool reported the result of a check.
    CheckNotReported { check: String, version: u64 } = "check_not_reported", "no `Gate Reported` says whether version {version} passed {check}";
    /// The version did not pass a check of another tool.
    CheckFailed { check: String, version: u64, detail: String } = "check_failed", "version {version} did not pass {check}: {detail}";
    /// A tool reported the result of a check.
    CheckReported { check: String, version: u64, result: &'static str } = "check_reported", "{check} of version {version}: {result}";
    /// The report is older than one that is stored.
    OlderCheck { check: String, newer: Timestamp } = "older_check", "a report of {check} from {newer} is stored already";
    /// No environment of the policy has the check among its gates.
    CheckNotInPolicy { check: String } = "check_not_in_policy", "no environment of the policy lists {check} in `gates.reports`";
    /// The alarms cannot be read.
    AlarmsUnreadable { cause: String } = "alarms_unreadable", "the alarms cannot be read: {cause}";
    /// An alarm does not exist.
    AlarmMissing { alarm: String } = "alarm_missing", "alarm {alarm} does not exist in the hub's account and region";
    /// An alarm is not in the state OK.
    AlarmNotOk { alarm: String, state: String } = "alarm_not_ok", "alarm {alarm} is {state}; it must be OK";
    /// An alarm has not been in the state OK for long enough.
    AlarmOkTooShort { alarm: String, since: Timestamp, until: Timestamp } = "alarm_ok_too_short", "alarm {alarm} is OK only since {since}; it is OK for long enough at {until}";
    /// The environment has the required number of approvals.
    ApprovalsComplete { environment: String, people: String } = "approvals_complete", "{environment} was approved by {people}";
    /// The same person has already approved the version for the environment.
    DuplicateApproval { by: String, environment: String } = "duplicate_approval", "{by} has already approved {environment}; each person counts once";
    /// The environment needs no approval, or the version was already requested from it.
    ApprovalNotRequired { environment: String } = "approval_not_required", "{environment} does not wait for an approval";
    /// The approval was given for an earlier promotion of the version.
    OlderThanPromotion { version: u64, since: Timestamp } = "older_than_promotion",
        "the approval is older than the promotion of version {version}, which began at {since}";
    /// The approval is for a version that is not being promoted.
    NotPromoting { version: u64 } = "not_promoting", "version {version} is not being promoted";
    /// The previous environment has not reported success yet.
    AwaitingPrevious { previous: String } = "awaiting_previous", "{previous} has not reported success yet";
    /// The last environment succeeded.
    LastEnvironment { environment: String } = "last_environment", "{environment} was the last environment";
    /// The deployment in the environment failed.
    EnvironmentFailed { environment: String, cause: String } = "environment_failed", "{environment} failed: {cause}";
    /// An alarm of the rollout rolled the deployment in the environment back.
    EnvironmentRolledBackByAlarm { environment: String, cause: String } = "environment_rolled_back_by_alarm",
        "an alarm rolled {environment} back: {cause}";
    /// The environment deployed the version, which did not pass the verification.
    EnvironmentNotVerified { environment: String, cause: String } = "environment_not_verified",
        "the version did not pass the verification in {environment}: {cause}";
    /// SageMaker rolled the deployment in the environment back silently.
    EnvironmentRolledBack { environment: String, cause: String } = "environment_rolled_back", "{environment} rolled back silently: {cause}";
    /// The report is for a promotion that has ended or was superseded.
    Superseded = "superseded", "the promotion has ended or was superseded by another one";
    /// The environment has already reported this outcome.
    AlreadyReported = "already_reported", "the environment has already reported this outcome";
    /// The environment received the request, and its deployment has not ended.
    EnvironmentWaits { environment: String, cause: String } = "environment_waits", "{environment} received the request and waits: {cause}";
    /// The environment has not reported an outcome in time.
    NoReport { environment: String } = "no_report", "{environment} has not reported an outcome; the request is sent again";
    /// The policy no longer has the environment.
    EnvironmentNotInPolicy { environment: String } = "environment_not_in_policy", "the policy has no environment {environment}";

    // operate
    /// The command of a person is passed on.
    CommandAccepted { command: String, by: String } = "command_accepted", "{command} by {by} was accepted";
    /// AWS does not prove who the caller is.
    CallerUnusable { detail: String } = "caller_unusable", "{detail}";
    /// The caller may not give this command.
    CallerNotAllowed { by: String, command: String, detail: String } = "caller_not_allowed", "{by} may not {command}: {detail}";
    /// The request was sent too long before, or after, AWS received it.
    RequestNotCurrent { sent: Timestamp, received: Timestamp } = "request_not_current",
        "the request was sent at {sent} and received at {received}, more than 5 minutes apart; correct the clock, and give the command again";
    /// The author of a version may not approve it.
    ApproverIsAuthor { by: String, version: u64 } = "approver_is_author",
        "{by} is the author of version {version}, and the policy does not count the author; somebody else must approve";
    /// It is unknown who made the version, and the author may not approve it.
    AuthorUnknown { version: u64 } = "author_unknown",
        "the author of version {version} is unknown, and the policy does not count the author; promote a version of a pipeline that a push to CodeCommit started, or remove `notAuthor` from the policy";

    // deploy
    /// The policy has the environment in another region than the stack that received the request.
    WrongRegion { environment: String, found: String, expected: String } = "wrong_region",
        "{environment} was requested in region {found}, and the stack that received the request is in {expected}; SageMaker deploys a model package only in its own region";
    /// Only the hub may send this event, and another account sent it.
    NotFromHub { account: String } = "not_from_hub", "the event came from account {account}, which is not the hub";
    /// The hub requested the version.
    Requested { version: u64 } = "requested", "version {version} was requested";
    /// The endpoint is ready for the next stage of the deployment.
    EndpointReady { endpoint: String } = "endpoint_ready", "{endpoint} is ready for its inference component";
    /// The hub has requested another version since.
    OlderRequest { version: u64, newest: u64 } = "older_request",
        "version {version} was requested before version {newest}, which is the newest request";
    /// The package is of another model group, or is another version.
    OtherPackage { arn: String, wanted: String } = "other_package", "{arn} is not the requested {wanted}";
    /// SageMaker is changing the endpoint.
    EndpointBusy { endpoint: String, status: String } = "endpoint_busy", "{endpoint} is {status}";
    /// SageMaker is changing the inference component.
    ComponentBusy { component: String, status: String } = "component_busy", "component {component} is {status}";
    /// SageMaker has been changing a resource for longer than expected.
    StillChanging { resource: String, status: String, since: Timestamp, minutes: i64 } = "still_changing",
        "{resource} has been {status} since {since}, longer than the expected {minutes} minutes";
    /// The requested configuration runs and answered the sample request.
    Answered { endpoint: String } = "answered", "{endpoint} runs the requested configuration and answered the sample request";
    /// The requested configuration runs, and the policy has no sample request.
    RunningUnverified { endpoint: String } = "running_unverified",
        "{endpoint} runs the requested configuration; the policy has no sample request to verify it";
    /// The endpoint is in service, and is not made of what the version consists of.
    RunsAnother { endpoint: String, version: u64, parts: String, what: String } = "runs_another",
        "{endpoint} is in service, but differs from version {version} in {parts}: {what}";
    /// The endpoint answered the sample request with an error.
    SampleFailed { endpoint: String, sample: String, error: String } = "sample_failed", "the {sample} request to {endpoint} failed: {error}";
    /// The endpoint answered the sample request, and not as the policy expects.
    SampleUnexpected { endpoint: String, sample: String, what: String } = "sample_unexpected",
        "{endpoint} answered the {sample} request, but {what}";
    /// The endpoint has not answered the sample request yet.
    AwaitingSample { endpoint: String, until: Timestamp } = "awaiting_sample",
        "{endpoint} has not answered the sample request yet; it has time until {until}";
    /// The endpoint did not answer the sample request in time.
    SampleTimedOut { endpoint: String, sample: String, since: Timestamp, last: String } = "sample_timed_out",
        "{endpoint} has not answered the {sample} request since {since}; the last attempt: {last}";
    /// The endpoint runs the previous configuration again.
    OldConfigRunning { requested: String, running: String, cause: String } = "old_config_running",
        "{requested} was requested, but {running} is running: {cause}";
    /// The same, because an alarm of the rollout was in the state ALARM.
    RolledBackByAlarm { requested: String, running: String, alarms: String, cause: String } = "rolled_back_by_alarm",
        "{requested} was requested, but {running} is running: alarm {alarms} rolled it back ({cause})";
    /// The endpoint has failed.
    EndpointFailed { endpoint: String, status: String, cause: String } = "endpoint_failed", "{endpoint} is {status}: {cause}";
    /// The inference component has failed.
    ComponentFailed { component: String, cause: String } = "component_failed", "component {component} failed: {cause}";
    /// The endpoint had failed before this deployment asked for anything.
    EndpointFailedBefore { endpoint: String, status: String, since: String, cause: Box<str>, remedy: Box<str> } = "endpoint_failed_before",
        "{endpoint} has been {status} since {since}, before this request (cause: {cause}); {remedy}";
    /// The inference component had failed before this deployment asked for anything.
    ComponentFailedBefore { component: String, since: String, cause: String, command: String } = "component_failed_before",
        "component {component} has been Failed since {since}, before this request (cause: {cause}); SageMaker can only delete it: run `{command}`";
    /// The inference component is not on this endpoint.
    ComponentElsewhere { component: String, of: String, command: String } = "component_elsewhere",
        "component {component} belongs to {of} and serves nothing here; if nobody needs it, run `{command}`";
    /// A failed resource of this environment that never served is deleted, and then created again.
    RecreatesFailed { resource: String, since: String, cause: String } = "recreates_failed",
        "{resource} has been Failed since {since}, before this request (cause: {cause}); it never served, and is deleted and created again";
    /// A component of a deleted endpoint is deleted, and then created again on the endpoint that exists.
    RecreatesOrphan { component: String, of: String } = "recreates_orphan",
        "component {component} belongs to {of}; it is deleted and created again";
    /// The registry does not have the package as approved.
    NotApproved { arn: String, status: String } = "not_approved", "{arn} is {status}, not approved";
    /// The images or the model data of the package are not those that were approved.
    ArtifactChanged { arn: String } = "artifact_changed", "{arn} was changed after its approval: its images or its model data are others";
    /// No deployment is in flight that the event could concern.
    NothingInFlight { endpoint: String } = "nothing_in_flight", "no deployment of {endpoint} is in flight";
    /// The deployment that was to be checked has ended.
    DeploymentOver = "deployment_over", "the deployment has already ended";

    /// What serves the live version failed, or accepts no requests.
    LiveFailed { version: u64, resource: String, status: String, cause: String } = "live_failed",
        "version {version} no longer serves as it was deployed: {resource} is {status}: {cause}";
    /// What served the live version does not exist any more.
    LiveGone { version: u64, what: String } = "live_gone", "version {version} no longer serves: {what}";
    /// What serves the live version was changed by somebody else.
    LiveChanged { version: u64, resource: String, running: String, deployed: String } = "live_changed",
        "version {version} no longer serves as it was deployed: somebody changed {resource}, which runs {running} instead of {deployed}";
    /// The live version serves again as it was deployed.
    LiveRecovered { version: u64, condition: String } = "live_recovered", "version {version} serves again as it was deployed; it was {condition}";

    /// AWS Health names the endpoint or its component.
    AwsHealth { resource: String, category: String, status: String, code: String } = "aws_health",
        "AWS Health reports about {resource}: {category} {code}, {status}";
    /// The event is the copy that AWS Health sends to its backup region.
    HealthBackup { code: String } = "health_backup", "this is the backup copy of the AWS Health event {code}";
    /// The event names no endpoint and no component.
    HealthWithoutEndpoint { code: String, region: String } = "health_without_endpoint",
        "the AWS Health event {code} names no endpoint: it concerns SageMaker in {region}, or other resources";

    /// What would be changed was not made by Tidegate, and the policy does not adopt it.
    NotOurs { what: String, lost: String } = "not_ours",
        "{what} was not made by Tidegate: it has no tag tidegate:model; an update would lose {lost}; write `adopt: true` in the policy to take it over, or give another name";
    /// What would be changed belongs to another model or environment.
    OwnedByAnother { what: String, owner: String } = "owned_by_another",
        "{what} belongs to {owner}, according to its tags; give another name in the policy";
    /// Somebody gave our endpoint another configuration, whose settings an update would lose.
    ChangedByOthers { what: String, lost: String } = "changed_by_others",
        "{what} runs a configuration that Tidegate did not make; an update would lose {lost}; write these settings in the policy, or `adopt: true` to lose them";
    /// The endpoint captures data, and the policy does not.
    CaptureWouldEnd { endpoint: String, capture: String } = "capture_would_end",
        "{endpoint} captures data ({capture}), and an update would end that; write `capture` in the policy, or end the data capture first";
    /// The endpoint has several variants, a shadow variant, or a variant with a name of its own.
    OtherVariants { endpoint: String, variants: String } = "other_variants",
        "{endpoint} has the variants {variants}; Tidegate updates an endpoint whose one variant is AllTraffic; give another endpoint name in the policy";
    /// SageMaker does not change an endpoint between synchronous and asynchronous requests.
    OtherInvocation { endpoint: String, found: String, wanted: String } = "other_invocation",
        "{endpoint} is {found}, and the policy wants one that is {wanted}; SageMaker does not change one into the other: give another endpoint name in the policy, or delete the endpoint first";
    /// The kind of the endpoint cannot run a model of several containers.
    SeveralContainers { endpoint: String, package: String, count: u32, page: String } = "several_containers",
        "{package} has {count} containers (an inference pipeline), which the kind of {endpoint} cannot run ({page}); use the kind realTime, or register a version with one container";
    /// The instance type of a variant with a scalable target cannot change.
    ScaledInstanceType { endpoint: String, instance_type: String } = "scaled_instance_type",
        "{endpoint} is registered with Application Auto Scaling, so SageMaker refuses the instance type {instance_type}; deregister it with aws application-autoscaling deregister-scalable-target, approve the version again, and register it again afterwards";

    // respond
    /// A drift alarm is in ALARM.
    DriftAlarm { alarm: String } = "drift_alarm", "alarm {alarm} reports drift";
    /// A monitoring report has violations.
    Violations { count: usize, first: String, besides: String } = "violations",
        "the monitoring report has {count} violation(s), first: {first}{besides}";
    /// A monitoring report has only violations that the policy does not call drift.
    BrokenFeed { count: usize, first: String } = "broken_feed",
        "the monitoring report has {count} violation(s) and none of them means drift, first: {first}; the data feed may be broken";
    /// An alarm reports that values are missing.
    BrokenFeedAlarm { alarm: String } = "broken_feed_alarm", "alarm {alarm} reports missing values; the data feed may be broken";
    /// People were notified of the broken feed recently.
    BrokenFeedReported { since: Timestamp, until: Timestamp } = "broken_feed_reported",
        "people were notified of the broken data feed at {since} and are notified again from {until}";
    /// A monitoring report has fewer violations than the policy requires.
    TooFewViolations { count: usize, required: usize, first: String } = "too_few_violations",
        "the monitoring report has {count} violation(s) that mean drift, first: {first}; the policy requires {required}";
    /// The policy ignores every violation of a monitoring report.
    ViolationsIgnored { count: usize } = "violations_ignored", "the policy ignores all {count} violation(s) of the report";
    /// An object has the name of a monitoring report, and no monitoring schedule wrote it.
    NotAScheduledReport { key: String } = "not_a_scheduled_report",
        "{key} is not the report of a monitoring schedule, whose key ends in ENDPOINT/SCHEDULE/YYYY/MM/DD/HH: a check in a pipeline (QualityCheck, ClarifyCheck, MonitorBatchTransform) or another job wrote it, and it says nothing about an endpoint; if it means drift, send `Drift Observed`";
    /// A `Drift Observed` event reports drift.
    DriftObserved { metric: String } = "drift_observed", "{metric} has drifted";
    /// The policy does not list the alarm as a drift source.
    NotADriftAlarm { alarm: String } = "not_a_drift_alarm", "alarm {alarm} does not measure drift";
    /// The alarm is OK.
    AlarmOk { alarm: String } = "alarm_ok", "alarm {alarm} is OK";
    /// The alarm was already in ALARM.
    StillInAlarm { alarm: String } = "still_in_alarm", "alarm {alarm} was already in ALARM";
    /// The alarm is muted or suppressed.
    AlarmMuted { alarm: String } = "alarm_muted", "alarm {alarm} is muted or suppressed";
    /// The alarm that had reported drift has left the ALARM state.
    NoLongerInAlarm { alarm: String } = "no_longer_in_alarm", "alarm {alarm} is no longer in ALARM";
    /// The source has too little data to detect drift.
    InsufficientData { source: String } = "insufficient_data", "{source} has too little data";
    /// This version of Tidegate does not know the state.
    UnknownState { state: String } = "unknown_state", "the state {state} is unknown";
    /// The source could not be read.
    SourceFailed { source: String, error: String } = "source_failed", "{source} could not be read: {error}";
    /// The source has a newer observation.
    OlderObservation { source: String, newest: Timestamp } = "older_observation", "{source} has a newer observation, of {newest}";
    /// The monitoring report has no violations.
    NoViolations = "no_violations", "the report has no violations";
    /// The policy has no response to drift.
    NoResponse = "no_response", "the policy has no drift section";
    /// The policy's response to drift is to notify people.
    ResponseIsAlert { cause: String } = "response_is_alert", "{cause}; the policy's response is to alert";
    /// The cooldown after the last retraining is not over.
    Cooldown { until: Timestamp } = "cooldown", "the last retraining was too recent; the cooldown ends at {until}";
    /// A retraining is in flight.
    RetrainingInFlight { until: Timestamp } = "retraining_in_flight", "a retraining is in flight; the next one is possible from {until}";
    /// The budget of retrainings is used up.
    BudgetSpent { spent: u32, until: Timestamp } = "budget_spent", "{spent} retrainings have used up the budget until {until}";
    /// The retraining of this environment ended in success.
    RetrainingSucceeded { request: String } = "retraining_succeeded", "the retraining of request {request} succeeded";
    /// The retraining of this environment registered no version.
    RetrainingWithoutVersion { request: String } = "retraining_without_version",
        "the retraining of request {request} registered no version";
    /// The retraining of this environment failed.
    RetrainingFailed { request: String, cause: String } = "retraining_failed", "the retraining of request {request} failed: {cause}";
    /// The hub did not start the retraining of this environment.
    RetrainingNotStarted { request: String, cause: String } = "retraining_not_started",
        "the hub did not start the retraining of request {request}: {cause}";
    /// This environment knows no such request.
    UnknownRetraining { request: String } = "unknown_retraining", "this environment has no open request {request}";
    /// The pause after a failed retraining is not over.
    FailurePause { failures: u32, until: Timestamp } = "failure_pause",
        "{failures} retraining(s) in a row failed, without a version; the next one is possible from {until}";
    /// Retrainings failed, one after the other.
    RetrainingsFailed { failures: u32 } = "retrainings_failed",
        "{failures} retrainings in a row failed, without a version; a person must mend the cause";
    /// Retraining has not removed the drift.
    Escalated { attempts: u32 } = "escalated", "{attempts} retrainings brought no improvement; a person must investigate";

    // scale
    /// There was no invocation for the idle time of the policy.
    Idle { seconds: u32 } = "idle", "there was no invocation for {seconds} seconds";
    /// The endpoint was invoked within the idle time of the policy.
    Traffic { invocations: u64 } = "traffic", "{invocations} invocation(s) in the window";
    /// CloudWatch has no invocation metrics since the deployment.
    NoMetrics = "no_metrics", "there are no invocation metrics since the deployment";
    /// The endpoint was deployed or changed recently.
    InGracePeriod { until: Timestamp } = "in_grace_period", "the endpoint is not scaled to zero before {until}";
    /// Tidegate has not deployed the model here.
    NeverDeployed = "never_deployed", "no deployment has succeeded here yet";
    /// The endpoint or the component of the live version failed or does not exist any more.
    LiveNotServing { cause: String } = "live_not_serving", "the capacity stays as it is: {cause}";
    /// A deployment is in flight.
    DeploymentInFlight = "deployment_in_flight", "a deployment is in flight";
    /// The endpoint is already scaled to zero.
    AlreadyAtZero { since: Timestamp } = "already_at_zero", "the endpoint has been at zero since {since}";
    /// A classic real-time endpoint cannot scale to zero.
    RealTimeMinimumIsOne { endpoint: String } = "real_time_minimum_is_one",
        "{endpoint} is a classic real-time endpoint: SageMaker keeps at least one instance; use an inference component or an asynchronous endpoint, or delete and recreate the endpoint";
    /// A serverless endpoint scales to zero by itself.
    ServerlessScalesItself { endpoint: String } = "serverless_scales_itself", "{endpoint} is serverless and costs nothing while idle";
    /// Requests arrive and the endpoint has no capacity.
    NoCapacity { component: String } = "no_capacity", "requests arrive for {component}, which has no capacity";
    /// Requests wait in the queue of an asynchronous endpoint that has no instance.
    ScaledFromZeroByPolicy { endpoint: String } = "scaled_from_zero_by_policy",
        "requests wait in the queue of {endpoint}, which has no instance; its scaling policy starts the first one";
    /// The alarm for missing capacity is OK again.
    CapacityRestored { component: String } = "capacity_restored", "{component} has capacity for its requests again";
    /// The alarm does not report missing capacity.
    NotACapacityAlarm { alarm: String } = "not_a_capacity_alarm", "alarm {alarm} does not report missing capacity";
    /// Application Auto Scaling lets the capacity follow the traffic, as the policy says.
    FollowsTraffic { resource: String } = "follows_traffic", "the capacity of {resource} follows its traffic";
    /// The policy no longer has a target.
    NoLongerFollowsTraffic { resource: String } = "no_longer_follows_traffic",
        "the policy has no target for {resource} any more, so its target tracking is removed";
    /// Somebody else registered a scalable target.
    ScaledByOthers { resource: String } = "scaled_by_others",
        "{resource} has a scalable target that Tidegate did not register, and it stays as it is; remove `scale.target` from the policy, deregister the scalable target, or write `adopt: true`";
    /// The policy does not scale the endpoint to zero.
    NoScalePolicy = "no_scale_policy", "the policy does not scale this endpoint to zero";
}

impl Reason {
    /// The time until which the reason applies, if it has one.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Soaking { until }
            | Self::OutsideWindow { until, .. }
            | Self::Frozen { until, .. }
            | Self::AlarmOkTooShort { until, .. }
            | Self::AwaitingSample { until, .. }
            | Self::Cooldown { until }
            | Self::RetrainingInFlight { until }
            | Self::BudgetSpent { until, .. }
            | Self::FailurePause { until, .. }
            | Self::BrokenFeedReported { until, .. }
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

    /// A new reason with a field `until` must be added to `Reason::until`.
    #[test]
    fn every_field_until_is_returned_by_until() {
        let source = include_str!("reason.rs");
        let (table, _) = source.split_once("impl Reason {\n    /// The time until which").unwrap();
        let (_, method) = source.split_once("pub fn until").unwrap();
        let (method, _) = method.split_once("_ => None").unwrap();
        let with_until = table.lines().filter(|line| line.contains("until: Timestamp"));
        let names = with_until.map(|line| line.split_whitespace().next().unwrap());
        for name in names {
            assert!(method.contains(&format!("Self::{name} ")), "{name}");
        }
    }
}
