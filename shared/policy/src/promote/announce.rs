//! The message to approvers about a new version that waits for approval in the registry.

use tidegate_events::{ApprovalStatus, ModelPackageChanged, PackageStatus};

use super::{Action, GateNeeds, Inputs, Promote, State, VersionFacts, VersionNeed};
use crate::evaluation::MetricValue;
use crate::file::Policy;
use crate::people::{set_approval, subject};
use crate::step::Step;

/// How many versions are remembered as announced, counted from the newest.
const REMEMBERED: usize = 20;
/// How many metrics a message lists.
const METRICS: usize = 20;

/// Whether people are told of a version: it is new, waits for approval, and has not been announced.
fn is_due(policy: &Policy, state: &State, change: &ModelPackageChanged) -> bool {
    let wanted = policy.registry.announce
        || policy.environments.iter().any(|environment| environment.gates.approvals.is_some());
    let is_new = change.approval == ApprovalStatus::PendingManualApproval
        && change.status == PackageStatus::Completed
        // The event of a new version lists no changed fields.
        && change.updated_fields.is_none();
    let version = change.version.unwrap_or_default();
    // A version that is older than all that are remembered was announced long ago.
    let forgotten = state.announced.len() >= REMEMBERED && state.announced.first() > Some(&version);
    // The event came late: a person has approved this version, or a later one.
    let is_late = state.promotion.as_ref().is_some_and(|promotion| version <= promotion.newest_version);
    wanted && is_new && !is_late && !forgotten && !state.announced.contains(&version)
}

/// What the message needs: the metrics of the version, and those of the live version.
pub(super) fn needs(policy: &Policy, state: &State, change: &ModelPackageChanged) -> GateNeeds {
    if !is_due(policy, state, change) {
        return GateNeeds::default();
    }
    let need = |arn: &str| VersionNeed { arn: arn.to_owned(), metrics: true };
    let live = live(policy, state).map(|(_, arn, _)| need(arn));
    GateNeeds { version: Some(need(&change.arn)), live, ..GateNeeds::default() }
}

/// Adds the message to a decision that does nothing else, once for each version.
pub(super) fn announce(inputs: &Inputs<'_>, change: &ModelPackageChanged, decision: Promote) -> Promote {
    if !is_due(inputs.policy, inputs.state, change) {
        return decision;
    }
    let mut next = inputs.state.clone();
    next.announced.insert(change.version.unwrap_or_default());
    while next.announced.len() > REMEMBERED {
        next.announced.pop_first();
    }
    decision.plan(vec![message(inputs, change)]).state(next)
}

/// The version that is live in the last environment that has one: its number, its ARN and the environment.
fn live<'s>(policy: &'s Policy, state: &'s State) -> Option<(u64, &'s str, &'s str)> {
    policy.environments.iter().rev().find_map(|environment| {
        let name = environment.name.as_str();
        state.live(name).map(|live| (live.version, live.package_arn.as_str(), name))
    })
}

fn message(inputs: &Inputs<'_>, change: &ModelPackageChanged) -> Step<Action> {
    let Inputs { policy, state, seen, .. } = *inputs;
    let (model, version, arn) = (&policy.model, change.version.unwrap_or_default(), &change.arn);
    let facts = seen.gates.version.as_ref();
    let details = facts.and_then(|facts| facts.details.as_ref().ok()?.as_ref());
    let or_unknown = |text: Option<&String>| text.map_or("not recorded", String::as_str).to_owned();
    let for_environments: Vec<String> = policy
        .environments
        .iter()
        .filter(|environment| environment.gates.approvals.is_some())
        .map(|environment| format!("\n  tidegate approve {model} {version} {}", environment.name))
        .collect();
    let for_environments = match for_environments.as_slice() {
        [] => String::new(),
        commands => format!("\nThen, to approve it for an environment:{}", commands.concat()),
    };
    let message = format!(
        "Version {version} of {model} is new in the registry and waits for approval.\nPackage: {arn}\nCommit: {}\nRegistered \
         by: {}\n{}\nTo approve it in the registry, which starts its promotion:\n{}{for_environments}\nTo reject it:\n  \
         tidegate reject {model} {version}",
        or_unknown(details.and_then(|details| details.commit.as_ref())),
        or_unknown(details.and_then(|details| details.created_by.as_ref())),
        metrics(facts, seen.gates.live.as_ref(), live(policy, state)),
        set_approval(arn, "Approved"),
    );
    Step::Notify { subject: subject(&format!("{model} {version} waits for approval")), message }
}

/// The metrics of the version beside those of the live version.
fn metrics(
    version: Option<&VersionFacts>,
    live: Option<&VersionFacts>,
    serves: Option<(u64, &str, &str)>,
) -> String {
    let found = match version.map(VersionFacts::evaluation) {
        Some(Ok((found, _))) => found,
        Some(Err(why)) => return format!("Metrics: none can be shown: {why}"),
        None => return "Metrics: they were not read".to_owned(),
    };
    let (heading, before) = match (serves, live.map(VersionFacts::evaluation)) {
        (None, _) => ("Metrics; no version is live to compare with:".to_owned(), None),
        (Some((number, _, name)), Some(Ok((before, _)))) => (
            format!("Metrics, and in parentheses those of version {number}, which is live in {name}:"),
            Some(before),
        ),
        (Some((number, _, name)), other) => {
            let why = other.and_then(Result::err).unwrap_or_else(|| "they were not read".to_owned());
            (
                format!(
                    "Metrics; those of version {number}, which is live in {name}, cannot be shown: {why}:"
                ),
                None,
            )
        }
    };
    let shown: Vec<_> = found.all().filter(|(path, _)| !path.ends_with("standard_deviation")).collect();
    let line = |(path, value): (&str, &MetricValue)| {
        let of_live = before.as_ref().map(|before| match before.all().find(|(known, _)| *known == path) {
            Some((_, value)) => format!(" ({value})"),
            None => " (not there)".to_owned(),
        });
        format!("\n  {path}: {value}{}", of_live.unwrap_or_default())
    };
    let count = shown.len();
    let lines: String = shown.into_iter().take(METRICS).map(line).collect();
    let more = if count > METRICS { format!("\n  and {} more", count - METRICS) } else { String::new() };
    format!("{heading}{lines}{more}")
}
