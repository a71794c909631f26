//! Safety invariants of promote.

mod gates;

use jiff::civil::Time;
use jiff::tz::TimeZoneDatabase;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use tidegate_events::{
    ApprovalStatus, DeploymentFinished, DeploymentOutcome, DeploymentRequested, EndpointHealth,
    EndpointHealthChanged, ModelPackageChanged, PackageStatus,
};

use super::{Action, EnvironmentStatus, NAME, Promote, Promotion, Rollback, Snapshot, State, Trigger};
use crate::check::{
    Effect, HasEffect, HoldCommand, Invariant, Scope, Violation, Violations, effect, is_version, long_ago,
};
use crate::clock::TimeOfDay;
use crate::controller::Context;
use crate::decision::Verdict;
use crate::file::{Approvals, Environment, Policy, Window};
use crate::hold::{self, Hold};
use crate::principal::Principal;

impl HasEffect for Action {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::UpdateModelLifeCycle { package_arn, .. } => Effect::Annotate { resource: package_arn },
        }
    }
}

/// Every invariant that a decision violates.
pub(super) fn violations(
    cx: &Context<'_>,
    state: &State,
    trigger: &Trigger,
    seen: &Snapshot,
    decision: &Promote,
) -> Vec<Violation> {
    let mut violations = Violations::default();
    let next = decision.state.as_ref().unwrap_or(state);
    gates::freezes(&mut violations, state, next, Some(trigger), cx.now);
    let Some(policy) = cx.policy else { return violations.found() };
    violations.plan(decision, &scope(cx, next));
    if let Trigger::UnauthorizedSender { from, .. } = trigger {
        violations.ignores_sender(from, state, decision);
    }
    let command = match trigger {
        Trigger::Hold(hold) => HoldCommand::Hold(hold),
        Trigger::Release(release) => HoldCommand::Release(release),
        Trigger::Rollback(asked) if decision.verdict == Verdict::RollBack => HoldCommand::Keep {
            place: &asked.environment,
            version: next.promotion.as_ref().map_or(0, |promotion| promotion.version),
        },
        Trigger::Package(change) if is_older(change, state) => {
            HoldCommand::Keep { place: hold::ALL, version: change.version.unwrap_or_default() }
        }
        _ => HoldCommand::Nothing,
    };
    violations.holds((&state.holds, &state.released), (&next.holds, &next.released), command, cx.now);
    let after = next.promotion.as_ref();
    let is_same = |before: &&Promotion| {
        after.is_some_and(|after| {
            before.approved_at == after.approved_at
                && before.version == after.version
                && before.package_arn.eq_ignore_ascii_case(&after.package_arn)
        })
    };
    let before = state.promotion.as_ref().filter(is_same);
    let mut checker = Checker { cx, policy, state, next, trigger, seen, before, after, violations };
    checker.promotion();
    checker.denied();
    for step in &decision.plan {
        match effect(step) {
            Effect::RequestDeployment(request) => checker.request(request),
            Effect::ScheduleCheck { check, .. } => {
                let ours = after.is_some_and(|after| after.version.to_string() == check.subject);
                checker.violations.require(ours, Invariant::OutOfScope, || format!("{step:?}"));
            }
            _ => {}
        }
    }
    checker.follow_up(decision);
    checker.violations.found()
}

/// Every invariant that the decision after a rejection violates.
pub(super) fn after_rejection(cx: &Context<'_>, state: &State, decision: &Promote) -> Vec<Violation> {
    let mut violations = Violations::default();
    let next = decision.state.as_ref().unwrap_or(state);
    violations.plan_after_rejection(decision, &scope(cx, state));
    violations.holds(
        (&state.holds, &state.released),
        (&next.holds, &next.released),
        HoldCommand::Nothing,
        cx.now,
    );
    gates::freezes(&mut violations, state, next, None, cx.now);
    let stopped = next.promotion.as_ref().is_some_and(|promotion| promotion.stopped);
    violations.require(stopped, Invariant::ContinuesAfterFailure, || format!("{:?} goes on", next.promotion));
    violations.found()
}

fn scope<'a>(cx: &'a Context<'a>, state: &'a State) -> Scope<'a> {
    let promotion = state.promotion.as_ref();
    let resource = promotion.map_or("", |promotion| promotion.package_arn.as_str());
    let replaced = promotion.and_then(|promotion| promotion.rollback.as_ref());
    let component = replaced.map_or(resource, |rollback| rollback.from_arn.as_str());
    Scope { cx, function: NAME, resource, component }
}

struct Checker<'a> {
    cx: &'a Context<'a>,
    policy: &'a Policy,
    state: &'a State,
    next: &'a State,
    trigger: &'a Trigger,
    seen: &'a Snapshot,
    /// The promotion before the decision, if the same one continues.
    before: Option<&'a Promotion>,
    after: Option<&'a Promotion>,
    violations: Violations,
}

impl<'a> Checker<'a> {
    /// The conditions for a promotion that begins or continues.
    fn promotion(&mut self) {
        let Some(after) = self.after else { return };
        match self.before {
            Some(before) => {
                let goes_on = before.stopped && !after.stopped;
                self.violations.require(!goes_on, Invariant::ContinuesAfterFailure, || {
                    format!("version {} was stopped and goes on", after.version)
                });
            }
            None => match &after.rollback {
                Some(rollback) => self.rolled_back(after, rollback),
                None => self.begun(after),
            },
        }
        self.forced(after);
        self.successes(after);
        self.approvals(after);
    }

    /// A promotion begins with an approval that the registry confirms and that is not older than the previous one.
    fn begun(&mut self, after: &Promotion) {
        let right = self.is_package(&after.package_arn, after.version);
        self.violations
            .require(right, Invariant::WrongPackage, || format!("{} is promoted", after.package_arn));
        let confirmed = self.seen.package.as_ref().is_some_and(|package| {
            package.approval == ApprovalStatus::Approved
                && package.status == PackageStatus::Completed
                && package.artifacts == after.artifacts
        }) && matches!(self.trigger, Trigger::Package(change)
                if change.approval == ApprovalStatus::Approved
                    && change.arn == after.package_arn
                    && change.last_modified.is_none_or(|at| at == after.approved_at));
        self.violations.require(confirmed, Invariant::NotApproved, || {
            format!("version {} is promoted because of {:?}", after.version, self.trigger)
        });
        let replaced = self.state.promotion.as_ref().map(|before| before.approved_at);
        let newer = replaced.is_none_or(|replaced| replaced <= after.approved_at);
        self.violations.require(newer, Invariant::OlderReplacesNewer, || {
            format!("{} replaces {replaced:?}", after.approved_at)
        });
    }

    /// Environments go back with a cause, to an approved version that succeeded there, and not to the one that must go.
    fn rolled_back(&mut self, after: &Promotion, rollback: &Rollback) {
        let caused = match self.trigger {
            Trigger::Report(report) => {
                report.outcome != DeploymentOutcome::Succeeded
                    && report.version == rollback.from
                    && rollback.command.is_none()
                    && self.answers(self.state.promotion.as_ref(), report)
            }
            Trigger::Package(change) => {
                change.approval == ApprovalStatus::Rejected
                    && change.arn.eq_ignore_ascii_case(&rollback.from_arn)
                    && rollback.command.is_none()
            }
            Trigger::Rollback(asked) => {
                rollback.environments.iter().eq([&asked.environment])
                    && rollback.command.as_ref().is_some_and(|command| {
                        command.at == asked.at && people([&command.by]) == people([&asked.by])
                    })
            }
            _ => false,
        };
        let back = |name: &String| {
            self.state.verified.get(name).into_iter().flatten().any(|v| v.package_arn == after.package_arn)
                || self.state.promotion.as_ref().is_some_and(|before| {
                    before.package_arn == after.package_arn && succeeded(Some(before), name).is_some()
                })
        };
        let approved = self.seen.ways_back.get(&after.package_arn).is_some_and(|package| {
            package.approval == ApprovalStatus::Approved && package.status == PackageStatus::Completed
        });
        let right = caused
            && approved
            && rollback.environments.iter().all(back)
            && !after.package_arn.eq_ignore_ascii_case(&rollback.from_arn);
        self.violations.require(right, Invariant::RolledBackWithoutCause, || {
            format!("{rollback:?} to version {} because of {:?}", after.version, self.trigger)
        });
    }

    /// Only a person's command lets a version past the gates of an environment.
    fn forced(&mut self, after: &Promotion) {
        for (environment, command) in &after.forced {
            let known = self.before.is_some_and(|before| before.forced.get(environment) == Some(command));
            let asked = matches!(self.trigger, Trigger::Force(said)
                if said.environment == *environment
                    && said.version == after.version
                    && said.at == command.at
                    && people([&said.by]) == people([&command.by]));
            self.violations.require(known || asked, Invariant::ForcedByNobody, || {
                format!("{environment} is forced because of {:?}", self.trigger)
            });
        }
    }

    /// A success requires a report for the exact request, from the exact environment.
    fn successes(&mut self, after: &Promotion) {
        for environment in self.newly_succeeded() {
            let proven = matches!(self.trigger, Trigger::Report(report)
                if report.outcome == DeploymentOutcome::Succeeded
                    && report.environment == *environment
                    && report.version == after.version
                    && self.answers(self.before, report));
            self.violations.require(proven, Invariant::UnverifiedSuccess, || {
                format!("{environment} succeeded because of {:?}", self.trigger)
            });
        }
    }

    /// The environments whose success this decision records.
    fn newly_succeeded(&self) -> Vec<&'a String> {
        let names = self.after.into_iter().flat_map(|after| after.environments.keys());
        names
            .filter(|name| succeeded(self.after, name).is_some() && succeeded(self.before, name).is_none())
            .collect()
    }

    /// Only a person adds an approval, and only to the promotion that it concerns.
    fn approvals(&mut self, after: &Promotion) {
        for (environment, given) in &after.approvals {
            let known = self.before.and_then(|before| before.approvals.get(environment));
            for (by, at) in given.iter().filter(|(by, _)| known.is_none_or(|known| !known.contains_key(*by)))
            {
                let asked = matches!(self.trigger, Trigger::Approval(said)
                    if said.environment == *environment
                        && said.version == after.version
                        && said.at == *at
                        && said.at >= after.approved_at
                        && people([&said.by]) == people([by]));
                self.violations.require(asked, Invariant::ApprovalsMissing, || {
                    format!("{by} approved {environment} because of {:?}", self.trigger)
                });
            }
        }
    }

    /// A failure, a rollback and a rejection stop the promotion that they concern.
    fn denied(&mut self) {
        let was = self.state.promotion.as_ref().filter(|was| !was.stopped);
        let denied = was.is_some_and(|was| match self.trigger {
            Trigger::Report(report) => {
                report.outcome != DeploymentOutcome::Succeeded
                    && report.version == was.version
                    && self.answers(Some(was), report)
            }
            Trigger::Package(change) => rejects(change, was),
            Trigger::Health(changed) => self.breaks_soak(changed, was),
            _ => false,
        });
        let stopped = self.before.is_some() && self.after.is_some_and(|after| after.stopped);
        let undone = self.after.and_then(|after| after.rollback.as_ref()).is_some_and(|rollback| {
            was.is_some_and(|was| was.package_arn.eq_ignore_ascii_case(&rollback.from_arn))
        });
        self.violations.require(!denied || stopped || undone, Invariant::ContinuesAfterFailure, || {
            format!("it goes on after {:?}", self.trigger)
        });
    }

    /// Whether the live version of the last environment that succeeded is unhealthy since before the end of the soak there,
    /// and the next environment was not asked yet.
    fn breaks_soak(&self, changed: &EndpointHealthChanged, was: &Promotion) -> bool {
        let mut environments =
            self.policy.environments.iter().skip_while(|e| e.name.as_str() != changed.environment);
        let (Some(here), Some(next)) = (environments.next(), environments.next()) else { return false };
        let ended = succeeded(Some(was), here.name.as_str())
            .zip(next.gates.soak)
            .map(|(at, soak)| at.checked_add(soak.signed()).unwrap_or(Timestamp::MAX));
        let before = self.policy.environments.iter().take_while(|e| e.name != here.name);
        changed.health != EndpointHealth::Healthy
            && was.rollback.is_none()
            && here.account.as_str() == changed.environment_account
            && changed.version == was.version
            && changed.package_arn.eq_ignore_ascii_case(&was.package_arn)
            && changed.observed_at >= was.approved_at
            && before.into_iter().all(|e| succeeded(Some(was), e.name.as_str()).is_some())
            && !was.environments.contains_key(next.name.as_str())
            && ended.is_some_and(|ended| changed.since < ended)
    }

    /// The conditions for requesting a deployment in an environment.
    fn request(&mut self, request: &DeploymentRequested) {
        let Some(promotion) = self.after else {
            return self.violations.require(false, Invariant::NotApproved, || "no promotion".to_owned());
        };
        let right = request.version == promotion.version
            && request.package_arn == promotion.package_arn
            && request.approved_at == Some(promotion.approved_at)
            && self.is_package(&request.package_arn, request.version);
        self.violations.require(right, Invariant::WrongPackage, || {
            format!("{request:?}, promoted is {}", promotion.package_arn)
        });
        let forced_at = promotion.forced.get(&request.environment).map(|command| command.at);
        let rollback = promotion.rollback.as_ref();
        let rolled_back_at = rollback.and_then(|back| back.command.as_ref()).map(|command| command.at);
        let commanded_at = forced_at.max(rolled_back_at);
        let holds = [request.environment.as_str(), hold::ALL].map(|place| self.next.holds.get(place));
        let stands = |hold: &&Hold| {
            hold.keeps != Some(promotion.version) && commanded_at.is_none_or(|at| at < hold.at)
        };
        self.violations.not_held(holds.into_iter().flatten().find(stands));
        if let Some(environment) = self.policy.environment(&request.environment)
            && rollback.is_none()
            && forced_at.is_none()
        {
            self.not_frozen(environment);
        }
        let failed =
            promotion.environments.values().any(|status| matches!(status, EnvironmentStatus::Failed { .. }));
        self.violations.require(!failed && !promotion.stopped, Invariant::ContinuesAfterFailure, || {
            format!("{} is asked for {promotion:?}", request.environment)
        });
        match self.before.and_then(|before| before.environments.get(&request.environment)) {
            // A request that was admitted under an earlier policy may be sent again under this one: it is the same
            // request.
            Some(EnvironmentStatus::Requested { request_id, .. }) => {
                self.violations.require(*request_id == request.request_id, Invariant::StartedTwice, || {
                    format!("first it was asked as {request_id}, now as {}", request.request_id)
                });
            }
            _ => {
                if let Some(environment) = self.policy.environment(&request.environment)
                    && promotion.rollback.is_none()
                {
                    self.entry(environment, promotion);
                }
            }
        }
    }

    /// No environment is skipped, the soak in the preceding one is over, and enough people have approved.
    fn entry(&mut self, environment: &Environment, promotion: &Promotion) {
        let name = environment.name.as_str();
        let earlier = self.policy.environments.iter().take_while(|e| e.name != environment.name);
        let skipped = earlier.clone().find(|e| succeeded(Some(promotion), e.name.as_str()).is_none());
        self.violations.require(skipped.is_none(), Invariant::EnvironmentSkipped, || {
            format!("{name} is asked, and {:?} has not succeeded", skipped.map(|e| &e.name))
        });
        if promotion.forced.contains_key(name) {
            return;
        }
        let soaks = earlier.last().zip(environment.gates.soak).and_then(|(before, soak)| {
            let at = succeeded(Some(promotion), before.name.as_str())?;
            (!long_ago(at, soak.signed(), self.cx.now)).then_some((at, soak))
        });
        self.violations.require(soaks.is_none(), Invariant::SoakCutShort, || {
            format!("{name} is asked, and the soak before it is {soaks:?}")
        });
        self.qualified(environment, promotion);
        let windows = environment.gates.windows.as_deref().unwrap_or_default();
        let open = windows.is_empty() || windows.iter().any(|window| is_open(window, self.cx.now));
        self.violations.require(open, Invariant::OutsideWindow, || {
            format!("{name} is asked at {}, and its windows are {windows:?}", self.cx.now)
        });
        if let Some(approvals) = &environment.gates.approvals {
            let given = promotion.approvals.get(name).into_iter().flatten().map(|(by, _)| by);
            let given = people(given.filter(|by| self.may_approve(approvals, by)));
            let enough = given.len() >= approvals.required as usize;
            self.violations.require(enough, Invariant::ApprovalsMissing, || {
                format!("{name} needs {approvals:?}, and {given:?} approved")
            });
        }
    }

    /// Whether somebody is in one of the groups and, if the author may not approve, is not the known author.
    fn may_approve(&self, approvals: &Approvals, by: &str) -> bool {
        let mut members =
            approvals.groups.iter().flat_map(|group| self.policy.groups.get(group.as_str())).flatten();
        let principal = by.parse::<Principal>().ok();
        let is_member = approvals.groups.is_empty()
            || principal.is_some_and(|principal| members.any(|member| member.admits(&principal)));
        let authors = people(self.seen.gates.authors.iter());
        let is_other = !authors.is_empty() && authors.is_disjoint(&people([&by.to_owned()]));
        is_member && (!approvals.not_author || is_other)
    }

    /// People are requested to approve, and a gate that opens at a known time has a scheduled check.
    fn follow_up(&mut self, decision: &Promote) {
        let blocked_by = self.after.and_then(|after| after.blocked_by.as_ref());
        let asked_before = blocked_by.is_some_and(|blocker| {
            self.before.is_some_and(|before| before.approvals_requested.contains(&blocker.environment))
        });
        if decision.verdict == Verdict::Wait && decision.reason.code() == "approval_required" && !asked_before
        {
            self.violations.notified(decision);
        }
        let was = self.before.and_then(|before| before.blocked_by.as_ref());
        let opens = blocked_by.filter(|blocker| Some(*blocker) != was).and_then(|blocker| blocker.until);
        let soaked = self.soak_end().filter(|_| !self.newly_succeeded().is_empty());
        for until in opens.into_iter().chain(soaked) {
            let checks = |step| matches!(effect(step), Effect::ScheduleCheck { at, .. } if at == until);
            self.violations.require(decision.plan.iter().any(checks), Invariant::NoFollowUpScheduled, || {
                format!("it waits until {until}, and the plan is {:?}", decision.plan)
            });
        }
    }

    /// When the soak before the first missing environment ends, if that is in the future.
    fn soak_end(&self) -> Option<Timestamp> {
        let mut at = None;
        if self.after?.rollback.is_some() {
            return None;
        }
        for environment in &self.policy.environments {
            let name = environment.name.as_str();
            if let Some(succeeded) = succeeded(self.after, name) {
                at = Some(succeeded);
                continue;
            }
            let asked = self.after?.environments.contains_key(name);
            let soak = environment.gates.soak.filter(|_| !asked)?;
            return Some(at?.checked_add(soak.signed()).unwrap_or(Timestamp::MAX))
                .filter(|until| *until > self.cx.now);
        }
        None
    }

    /// Whether a report from the environment's own account matches the request that waits for it.
    fn answers(&self, promotion: Option<&Promotion>, report: &DeploymentFinished) -> bool {
        let status = promotion.and_then(|promotion| promotion.environments.get(&report.environment));
        let of_account = |e: &Environment| e.account.as_str() == report.environment_account;
        self.policy.environment(&report.environment).is_some_and(of_account)
            && matches!(status, Some(EnvironmentStatus::Requested { request_id, .. })
                if *request_id == report.request_id)
    }

    fn is_package(&self, arn: &str, version: u64) -> bool {
        let site = self.cx.site;
        is_version(arn, &site.account, &site.region, self.policy.registry.group.as_str(), version)
    }
}

/// Whether a package is older than the one that is being promoted, and the ledger knows another.
fn is_older(change: &ModelPackageChanged, state: &State) -> bool {
    change.approval == ApprovalStatus::Approved
        && state
            .promotion
            .as_ref()
            .zip(change.version)
            .is_some_and(|(before, version)| version < before.version)
}

/// When a promotion succeeded in an environment.
fn succeeded(promotion: Option<&Promotion>, environment: &str) -> Option<Timestamp> {
    match promotion?.environments.get(environment) {
        Some(EnvironmentStatus::Succeeded { at }) => Some(*at),
        _ => None,
    }
}

/// Whether today is one of the window's days in its time zone, and the current time is between its times.
fn is_open(window: &Window, now: Timestamp) -> bool {
    let Ok(zone) = TimeZoneDatabase::bundled().get(window.time_zone.as_str()) else { return false };
    let today = zone.to_datetime(now).date();
    let begins = |time: TimeOfDay| {
        let midnight = today.to_datetime(Time::midnight());
        let there = midnight.checked_add(SignedDuration::from_mins(i64::from(time.minutes()))).ok()?;
        zone.to_timestamp(there).ok()
    };
    let is_day = window.days.iter().any(|day| *day as i8 == today.weekday().to_monday_zero_offset());
    is_day
        && begins(window.from).is_some_and(|opens| opens <= now)
        && begins(window.to).is_some_and(|closes| now < closes)
}

/// Two spellings of a name identify the same person, and so do all permission sets of a user of IAM Identity Center.
fn people<'p>(names: impl IntoIterator<Item = &'p String>) -> BTreeSet<String> {
    let person = |name: &String| {
        let name = name.trim().to_lowercase();
        let user = name.strip_prefix("sso:").and_then(|rest| rest.split_once('/')).map(|(_, user)| user);
        user.map_or(name.clone(), |user| format!("sso:{user}"))
    };
    names.into_iter().map(person).filter(|name| !name.is_empty()).collect()
}

/// Whether the change rejects the version that is being promoted, or withdraws its approval, and is not older than
/// the approval. An update of other fields repeats the old status, and a new version waits for approval from the
/// beginning.
fn rejects(change: &ModelPackageChanged, promotion: &Promotion) -> bool {
    let of_approval =
        change.updated_fields.as_ref().map(|fields| fields.iter().any(|f| f == "ModelApprovalStatus"));
    let denies = match change.approval {
        ApprovalStatus::Rejected => {
            of_approval.unwrap_or(true) && change.last_modified.is_none_or(|at| at >= promotion.approved_at)
        }
        ApprovalStatus::PendingManualApproval => {
            of_approval == Some(true) && change.last_modified > Some(promotion.approved_at)
        }
        ApprovalStatus::Approved | ApprovalStatus::Absent | ApprovalStatus::Unknown(_) => false,
    };
    denies
        && change.version == Some(promotion.version)
        && change.arn.eq_ignore_ascii_case(&promotion.package_arn)
}
