//! Which requests are accepted, and which one is the newest.

use jiff::Timestamp;
use tidegate_events::{DeploymentOutcome, DeploymentRequested, is_ahead};

use super::end::report_without_configs;
use super::{Deploy, InFlight, NewestRequest, Site, State};
use crate::arn::{Arn, foreign};
use crate::decision::{Decision, Verdict};
use crate::file::Policy;
use crate::reason::Reason;
use crate::step::Step;

/// Whether a request may be accepted. `from` is the sending account as EventBridge reports it. A request of the hub that
/// cannot be accepted is answered, so that the hub does not send it again.
#[must_use]
pub fn reject_unauthorized(
    site: &Site,
    policy: Option<&Policy>,
    from: &str,
    request: &DeploymentRequested,
    now: Timestamp,
) -> Option<Deploy> {
    let reject =
        |reason| Decision::new(Verdict::Reject, reason).evidence_vs("from_account", from, &site.hub_account);
    let refuse = |reason| {
        let finished = report_without_configs(request, (DeploymentOutcome::Failed, &reason), now);
        Some(reject(reason).plan(vec![Step::ReportDeployment { finished }]))
    };
    if from != site.hub_account {
        return Some(reject(Reason::NotFromHub { account: from.to_owned() }));
    }
    if request.environment != site.environment || request.environment_account != site.account {
        let wanted = format!("{} in {} {}", request.environment, request.environment_account, request.region);
        return Some(Decision::new(Verdict::Ignore, Reason::OtherEnvironment { wanted }));
    }
    if request.region != site.region {
        let (found, expected) = (request.region.clone(), site.region.clone());
        return refuse(Reason::WrongRegion { environment: request.environment.clone(), found, expected });
    }
    if let Some(foreign) = foreign(&request.package_arn, &site.hub_account, &site.region) {
        return refuse(foreign);
    }
    let Some(policy) = policy.filter(|policy| site.environment_of(policy).is_some()) else {
        return refuse(Reason::Unmanaged { what: format!("{} in {}", request.model, request.environment) });
    };
    // AWS is not consistent about letter case in the names in events.
    let wanted = format!("model-package/{}/{}", policy.registry.group, request.version);
    let resource = Arn::parse(&request.package_arn).map(|arn| arn.resource).unwrap_or_default();
    if !resource.eq_ignore_ascii_case(&wanted) {
        return refuse(Reason::OtherPackage { arn: request.package_arn.clone(), wanted });
    }
    None
}

/// Accepts a request: returns the state in which [`converge`](super::converge()) starts, or a decision that is
/// already known.
///
/// # Errors
/// The decision, if nothing remains to converge.
pub fn accept_request(
    state: &State,
    request: &DeploymentRequested,
    now: Timestamp,
) -> Result<State, Box<Deploy>> {
    if let Some(in_flight) = &state.in_flight
        && in_flight.request.request_id == request.request_id
    {
        return Ok(state.clone());
    }
    if let Some(report) = &state.last_report
        && report.finished.request_id == request.request_id
    {
        let again = Step::ReportDeployment { finished: report.finished.clone() };
        let decision = Decision::new(Verdict::Ignore, Reason::AlreadyReported);
        return Err(Box::new(
            decision.evidence("reported_before", &report.finished.reason).plan(vec![again]),
        ));
    }
    if let Some(newest) = newest_of(state, now)
        && let Some((name, asked, of_newest)) = older(request, &newest)
    {
        let older = Reason::OlderRequest { version: request.version, newest: newest.version };
        return Err(Box::new(Decision::new(Verdict::Ignore, older).evidence_vs(name, asked, of_newest)));
    }
    let in_flight = InFlight {
        request: request.clone(),
        accepted_at: now,
        endpoint_update_requested_at: None,
        endpoint_modified_before: None,
        component_update_requested_at: None,
        component_modified_before: None,
        endpoint_failure_before: None,
        component_failure_before: None,
        unresponsive_since: None,
        sample: None,
        samples_answered: 0,
        not_visible: None,
        told_overdue: None,
        checks: 0,
    };
    let newest = newest_by(request);
    Ok(State {
        in_flight: Some(in_flight),
        newest_request: Some(newest),
        copies_set_at: state.last_told(),
        ..state.clone()
    })
}

/// The newest known request, also for a state that an earlier version of Tidegate wrote. A time in the future, which
/// such a version accepted, is not known: otherwise no later request would ever be newer.
fn newest_of(state: &State, now: Timestamp) -> Option<NewestRequest> {
    let in_flight = state.in_flight.as_ref().map(|in_flight| newest_by(&in_flight.request));
    let known = [state.newest_request.clone(), in_flight].into_iter().flatten();
    known
        .filter(|newest| !is_ahead(newest.requested_at, now))
        .map(|newest| NewestRequest {
            approved_at: newest.approved_at.filter(|at| !is_ahead(*at, now)),
            ..newest
        })
        .max_by_key(|newest| newest.requested_at)
}

fn newest_by(request: &DeploymentRequested) -> NewestRequest {
    let DeploymentRequested { version, requested_at, approved_at, .. } = *request;
    NewestRequest { version, requested_at, approved_at }
}

/// Whether a request is older than the newest one: returns the kind of comparison and the two times. A request may be
/// sent again long after a newer version replaced it, so approval times are compared before request times, where both
/// are known.
fn older(
    request: &DeploymentRequested,
    newest: &NewestRequest,
) -> Option<(&'static str, Timestamp, Timestamp)> {
    let approvals = request.approved_at.zip(newest.approved_at).filter(|(asked, newest)| asked != newest);
    let (name, asked, newest) = match approvals {
        Some((asked, newest)) => ("approved_at", asked, newest),
        None => ("requested_at", request.requested_at, newest.requested_at),
    };
    (asked < newest).then_some((name, asked, newest))
}
