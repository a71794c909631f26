//! The gate `approvals`: enough people have approved the version for this environment.

use std::collections::{BTreeMap, BTreeSet};

use super::{GateInput, GateState};
use crate::file::{Approvals, Environment, Policy};
use crate::names::PeopleGroup;
use crate::people::subject;
use crate::principal::{Principal, person};
use crate::promote::{Action, Promotion};
use crate::reason::Reason;
use crate::step::Step;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let Some(approvals) = &input.environment.gates.approvals else { return GateState::Open };
    let tally = Tally::of(input.policy, input.promotion, input.environment, &input.facts.authors);
    if tally.counted.len() >= approvals.required as usize {
        return GateState::Open;
    }
    let name = input.environment.name.as_str();
    let required = approvals.required;
    let detail = tally.detail(approvals, input);
    let reason = Reason::ApprovalRequired { environment: name.to_owned(), required, detail };
    let ask = ask(input, &tally, &reason);
    GateState::ClosedForPeople { reason, ask }
}

/// Who approved a version for an environment.
#[derive(Debug, Default)]
pub(in crate::promote) struct Tally {
    /// The approvals that count: the name of the approval by person.
    counted: BTreeMap<String, String>,
    /// The others, each with the reason.
    left_out: Vec<(String, String)>,
}

impl Tally {
    /// `authors` made the version; empty if that is not known.
    pub(in crate::promote) fn of(
        policy: &Policy,
        promotion: &Promotion,
        environment: &Environment,
        authors: &BTreeSet<String>,
    ) -> Self {
        let mut tally = Self::default();
        let Some(approvals) = &environment.gates.approvals else { return tally };
        let given = promotion.approvals.get(environment.name.as_str());
        for by in given.into_iter().flat_map(BTreeMap::keys) {
            match left_out(policy, authors, approvals, by) {
                Some(why) => tally.left_out.push((by.clone(), why)),
                None => drop(tally.counted.insert(person(by), by.clone())),
            }
        }
        tally
    }

    /// How many different people count.
    pub(in crate::promote) fn count(&self) -> usize {
        self.counted.len()
    }

    /// The names of those who count.
    pub(in crate::promote) fn names(&self) -> String {
        self.counted.values().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// What is there and what is missing, to continue "needs 2 approval(s)".
    fn detail(&self, approvals: &Approvals, input: &GateInput<'_>) -> String {
        let mut detail = String::new();
        if !approvals.groups.is_empty() {
            detail.push_str(&format!(" from {}", names(&approvals.groups)));
        }
        match self.counted.len() {
            0 => detail.push_str("; nobody approved yet"),
            given => detail.push_str(&format!("; {given} given: {}", self.names())),
        }
        if !self.left_out.is_empty() {
            let out = self.left_out.iter().map(|(by, why)| format!("{by} ({why})")).collect::<Vec<_>>();
            detail.push_str(&format!("; not counted: {}", out.join(", ")));
        }
        if approvals.not_author && input.facts.authors.is_empty() {
            detail.push_str(&format!(
                "; the author of version {} is unknown, so that nobody counts: promote a version of a pipeline that a push \
                 to CodeCommit started, or remove `notAuthor` from the policy",
                input.promotion.version
            ));
        }
        detail
    }
}

/// Why an approval does not count, if it does not.
fn left_out(policy: &Policy, authors: &BTreeSet<String>, approvals: &Approvals, by: &str) -> Option<String> {
    let is_member = || by.parse::<Principal>().is_ok_and(|by| policy.is_member(&approvals.groups, &by));
    if !approvals.groups.is_empty() && !is_member() {
        return Some(format!("not in {}", names(&approvals.groups)));
    }
    if !approvals.not_author {
        return None;
    }
    if authors.is_empty() {
        return Some("the author is unknown".to_owned());
    }
    let is_author = authors.iter().any(|author| person(author) == person(by));
    is_author.then(|| "the author".to_owned())
}

fn names(groups: &[PeopleGroup]) -> String {
    groups.iter().map(PeopleGroup::as_str).collect::<Vec<_>>().join(" or ")
}

fn ask(input: &GateInput<'_>, tally: &Tally, reason: &Reason) -> Step<Action> {
    let (policy, promotion, name) = (input.policy, input.promotion, &input.environment.name);
    let (model, version) = (&policy.model, promotion.version);
    let given = if tally.counted.is_empty() { "nobody yet".to_owned() } else { tally.names() };
    let message = format!(
        "{reason}.\nModel: {model}\nVersion: {version}\nPackage: {}\nApproved by: {given}\nNothing is deployed to {name} \
         until then.\nTo approve: tidegate approve {model} {version} {name}\nTo refuse: tidegate reject {model} {version} --reason REASON",
        promotion.package_arn,
    );
    let subject = subject(&format!("{model} {version} waits for approval for {name}"));
    Step::Notify { subject, message }
}
