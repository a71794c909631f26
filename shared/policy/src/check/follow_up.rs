//! What holds for what follows from a refusal.
//!
//! When AWS, or the last look, refuses an action of a plan, the rest of that plan is left and a second decision says what
//! follows. It was not made from a snapshot, so it may only take back what the state claimed of the plan, tell people and
//! the hub, look again, and lift a bound. It begins nothing.

use jiff::Timestamp;
use tidegate_events::{DeploymentFinished, DeploymentOutcome};

use super::{Invariant, Notes, Violation};
use crate::decision::{Decision, Verdict};
use crate::file::Environment;
use crate::promote::{self, Promote, Promotion, Step};
use crate::respond::{self, Respond};
use crate::scale::{self, ScaleDecision};
use crate::train::{self, Train};
use crate::{deploy, deploy::Deploy};

/// The longest `StageDescription`, in characters.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelLifeCycle.html>
const NOTE: usize = 1_024;

/// What follows when a start of the pipeline was refused.
#[must_use]
pub fn train(state: &train::State, decision: &Train) -> Vec<Violation> {
    use train::Action;
    let mut notes = Notes::default();
    notes.follows(decision, &[Verdict::Refuse], |action| !matches!(action, Action::Alert { .. }));
    let mut told = false;
    for action in &decision.plan {
        if let Action::Alert { subject, message } = action {
            told = true;
            notes.message(subject, message);
        }
    }
    notes.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let new = after.commits.iter().find(|(at, commit)| state.commits.get(*at) != Some(*commit));
    notes.must(new.is_none(), Invariant::ClaimedNotDone, || format!("{new:?} is said to have trained"));
    let started = after.last_start.is_none() || after.last_start == state.last_start;
    notes
        .must(started, Invariant::ClaimedNotDone, || format!("{:?} is said to be started", after.last_start));
    // A commit that was refused is remembered as such, or the sweep would try it for ever.
    let lost = state
        .commits
        .iter()
        .find(|(at, commit)| !after.commits.contains_key(*at) && after.refused.get(*at) != Some(*commit));
    notes.must(lost.is_none(), Invariant::Forgotten, || format!("nothing is known of {lost:?}"));
    notes.0
}

/// What follows when a request to an environment was refused or prevented.
#[must_use]
pub fn promote(state: &promote::State, decision: &Promote) -> Vec<Violation> {
    use promote::Action;
    let mut notes = Notes::default();
    notes.follows(decision, &[Verdict::Stop], |action| {
        matches!(action, Action::RequestDeployment { .. } | Action::WakeAt { .. })
    });
    let mut told = false;
    for action in &decision.plan {
        match action {
            Action::Alert { subject, message } => {
                told = true;
                notes.message(subject, message);
            }
            Action::NoteProgress { package_arn, description, .. } => {
                let ours = state.promotion.as_ref().is_some_and(|now| now.package_arn == *package_arn);
                notes.must(ours, Invariant::Elsewhere, || format!("a note on {package_arn}"));
                let fits = description.chars().count() <= NOTE;
                notes.must(fits, Invariant::BeyondLimits, || format!("the note is `{description}`"));
            }
            Action::RequestDeployment { .. } | Action::WakeAt { .. } => {}
        }
    }
    notes.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let same = (&after.holds, &after.released) == (&state.holds, &state.released);
    notes.must(same, Invariant::HoldChanged, || format!("{:?} became {:?}", state.holds, after.holds));
    stopped(&mut notes, state.promotion.as_ref(), after.promotion.as_ref());
    notes.0
}

/// The same promotion, stopped, and no step is further than it was.
fn stopped(notes: &mut Notes, before: Option<&Promotion>, after: Option<&Promotion>) {
    let (Some(before), Some(after)) = (before, after) else {
        return notes.must(false, Invariant::Forgotten, || format!("{before:?} became {after:?}"));
    };
    notes.must(after.stopped, Invariant::GoesOnAfterFailure, || format!("version {} goes on", after.version));
    let rest = Promotion { steps: before.steps.clone(), stopped: before.stopped, ..after.clone() };
    notes.must(rest == *before, Invariant::Forgotten, || format!("{before:?} became {after:?}"));
    let lost = before.steps.keys().find(|name| !after.steps.contains_key(*name));
    notes.must(lost.is_none(), Invariant::Forgotten, || format!("nothing is known of {lost:?}"));
    let further = after
        .steps
        .iter()
        .find(|(name, step)| before.steps.get(*name) != Some(*step) && !matches!(step, Step::Failed { .. }));
    notes.must(further.is_none(), Invariant::ClaimedNotDone, || format!("{further:?} was not done"));
}

/// What follows when a call of a deployment, or its report, was refused or prevented.
#[must_use]
pub fn deploy(environment: &str, state: &deploy::State, decision: &Deploy, now: Timestamp) -> Vec<Violation> {
    let mut notes = Notes::default();
    notes.follows(decision, &[Verdict::Wait, Verdict::Failed, Verdict::Refuse], |action| {
        use deploy::Action;
        !matches!(action, Action::CheckAt { .. } | Action::Report { .. } | Action::Alert { .. })
    });
    let after = decision.state.as_ref().unwrap_or(state);
    let mut judge = AfterDeploy { environment, state, after, now, notes };
    judge.plan(decision);
    judge.memory(decision.verdict);
    judge.notes.0
}

struct AfterDeploy<'a> {
    environment: &'a str,
    state: &'a deploy::State,
    after: &'a deploy::State,
    now: Timestamp,
    notes: Notes,
}

impl AfterDeploy<'_> {
    fn plan(&mut self, decision: &Deploy) {
        use deploy::Action;
        let (mut told, mut reported, mut looks) = (false, false, false);
        for action in &decision.plan {
            match action {
                Action::Alert { subject, message } => {
                    told = true;
                    self.notes.message(subject, message);
                }
                Action::Report { finished } => {
                    reported = true;
                    self.report(finished);
                }
                Action::CheckAt { at, environment, request_id, .. } => {
                    looks = true;
                    let ahead = *at > self.now || *at == Timestamp::MAX;
                    self.notes.must(ahead, Invariant::WrongTime, || format!("the next look is at {at}"));
                    let flies = self.state.in_flight.as_ref();
                    let ours = flies.is_some_and(|flies| flies.request.request_id == *request_id)
                        && environment == self.environment;
                    self.notes.must(ours, Invariant::Elsewhere, || format!("{action:?}"));
                }
                Action::CreateModel { .. }
                | Action::CreateEndpointConfig { .. }
                | Action::CreateEndpoint { .. }
                | Action::UpdateEndpoint { .. }
                | Action::CreateComponent { .. }
                | Action::UpdateComponent { .. } => {}
            }
        }
        match decision.verdict {
            // The release of a hold calls.
            Verdict::Wait => {
                self.notes.must(looks || !self.state.holds.is_empty(), Invariant::NobodyCallsAgain, || {
                    "no look".to_owned()
                })
            }
            // The hub tells people of a failure.
            Verdict::Failed => self.notes.are_told(decision.verdict, told || reported),
            verdict => self.notes.are_told(verdict, told),
        }
    }

    /// It says of the deployment in flight that it failed, and nothing else.
    fn report(&mut self, said: &DeploymentFinished) {
        let of = self.state.in_flight.as_ref().map(|flies| &flies.request);
        let is_true = of.is_some_and(|request| {
            said.outcome == DeploymentOutcome::Failed
                && said.request_id == request.request_id
                && said.model == request.model
                && said.environment == request.environment
                && said.environment_account == request.environment_account
                && said.version == request.version
                && said.package_arn == request.package_arn
        });
        self.notes.must(is_true, Invariant::ReportUntrue, || format!("{said:?} of {of:?}"));
        self.notes.is_now("the report", said.finished_at, self.now);
        let kept = self.after.last_report.as_ref().map(|report| &report.finished) == Some(said);
        self.notes.must(kept, Invariant::NotRemembered, || {
            format!("the last report is {:?}", self.after.last_report)
        });
    }

    fn memory(&mut self, verdict: Verdict) {
        let (before, after) = (self.state, self.after);
        let ran = (&before.live, &before.previous, &before.newest);
        let runs = (&after.live, &after.previous, &after.newest);
        self.notes.must(ran == runs, Invariant::Forgotten, || format!("{ran:?} became {runs:?}"));
        let same = (&before.holds, &before.released) == (&after.holds, &after.released);
        self.notes
            .must(same, Invariant::HoldChanged, || format!("{:?} became {:?}", before.holds, after.holds));
        let request = |state: &deploy::State| state.in_flight.as_ref().map(|flies| flies.request.clone());
        let kept = if verdict == Verdict::Failed {
            after.in_flight.is_none()
        } else {
            request(after) == request(before)
        };
        self.notes.must(kept, Invariant::ClaimedNotDone, || {
            format!("{verdict}, and {:?} is in flight", request(after))
        });
    }
}

/// What follows when a request to retrain was refused.
#[must_use]
pub fn respond(state: &respond::State, decision: &Respond) -> Vec<Violation> {
    use respond::Action;
    let mut notes = Notes::default();
    notes.follows(decision, &[Verdict::Alert], |action| matches!(action, Action::RequestRetraining { .. }));
    let mut told = false;
    for action in &decision.plan {
        if let Action::Alert { subject, message } = action {
            told = true;
            notes.message(subject, message);
        }
    }
    notes.are_told(decision.verdict, told);
    let after = decision.state.as_ref().unwrap_or(state);
    let new = after.requested.iter().find(|at| !state.requested.contains(at));
    notes.must(new.is_none() && after.attempts <= state.attempts, Invariant::ClaimedNotDone, || {
        format!("{state:?} became {after:?}")
    });
    let heard = (&after.drifting, &after.heard) == (&state.drifting, &state.heard);
    notes.must(heard, Invariant::Forgotten, || format!("{state:?} became {after:?}"));
    notes.0
}

/// What follows when a change of capacity was refused or prevented.
#[must_use]
pub fn scale(
    environment: &Environment,
    state: &scale::State,
    decision: &ScaleDecision,
    now: Timestamp,
) -> Vec<Violation> {
    use scale::Action;
    let mut notes = Notes::default();
    notes.follows(decision, &[Verdict::Keep], |action| match action {
        Action::SetBounds { min, .. } => *min == 0,
        Action::SetCopies { .. } | Action::ArmWake { .. } => true,
        Action::Alert { .. } => false,
    });
    let copies = environment.endpoint.copies.unwrap_or(1);
    for action in &decision.plan {
        match action {
            Action::SetBounds { component, min, max } => {
                let ours = component == environment.endpoint.name.as_str();
                notes.must(ours, Invariant::Elsewhere, || format!("the component is {component}"));
                let sound = (*min, *max) == (copies, copies);
                notes.must(sound, Invariant::BoundsUnsound, || {
                    format!("{min} to {max}, and the policy wants {copies} copies")
                });
            }
            Action::Alert { subject, message } => notes.message(subject, message),
            Action::SetCopies { .. } | Action::ArmWake { .. } => {}
        }
    }
    let after = decision.state.as_ref().unwrap_or(state);
    // A wake that was refused says that it is at zero still, and when that was seen.
    let zero = after.zero_since.is_none() || [state.zero_since, Some(now)].contains(&after.zero_since);
    notes.must(zero && after.woken_at == state.woken_at, Invariant::ClaimedNotDone, || {
        format!("{state:?} became {after:?}")
    });
    notes.0
}

impl Notes {
    /// What holds for the shape of everything that follows. `begins` says which actions do more than to tell, to look
    /// again and to lift a bound.
    fn follows<S, A: PartialEq + std::fmt::Debug>(
        &mut self,
        decision: &Decision<S, A>,
        verdicts: &[Verdict],
        begins: fn(&A) -> bool,
    ) {
        self.shape(decision, &[], verdicts, |_| false);
        let begun = decision.plan.iter().find(|action| begins(action));
        self.must(begun.is_none(), Invariant::BeginsAfterRefusal, || {
            format!("{} with {begun:?}", decision.verdict)
        });
    }

    fn are_told(&mut self, verdict: Verdict, told: bool) {
        self.must(told, Invariant::PeopleNotTold, || format!("{verdict}, and nobody hears of it"));
    }
}
