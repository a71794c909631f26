//! Rules about groups of people, and about who approves.

use std::collections::BTreeSet;

use super::super::problem::{Finding, under};
use super::super::words::listed;
use super::Policy;
use crate::names::PeopleGroup;

const IDENTITIES: &str =
    "https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html";

pub(super) fn broken(policy: &Policy) -> Vec<Finding> {
    let mut found = members(policy);
    found.extend(unknown(policy, "operators", &policy.operators));
    for (index, environment) in policy.environments.iter().enumerate() {
        let Some(approvals) = &environment.gates.approvals else { continue };
        let at = format!("environments/{index}/gates/approvals");
        let unknown = unknown(policy, &format!("{at}/groups"), &approvals.groups);
        if unknown.is_empty() && !approvals.groups.is_empty() {
            found.extend(too_few(policy, &at, approvals.required, &approvals.groups));
        }
        found.extend(unknown);
        if approvals.not_author && policy.source.repository.codecommit().is_none() {
            let message = format!(
                "only CodeCommit says which principal of AWS pushed; the author of a version from {} is never known, and the \
                 gate would never open",
                policy.source.repository
            );
            let finding = Finding::new(format!("{at}/notAuthor"), message);
            found.push(finding.because("source/repository"));
        }
    }
    found
}

/// Groups without members, and members that change by themselves.
fn members(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for (group, members) in &policy.groups {
        if !PeopleGroup::fits(group) {
            found.push(Finding::new(under("groups", group), format!("not {}", PeopleGroup::EXPECTED)));
        }
        if members.is_empty() {
            found
                .push(Finding::new(under("groups", group), "a group without members; remove it, or add one"));
        }
        for (index, member) in members.iter().enumerate() {
            let Some(set) = member.permission_set() else { continue };
            let message = format!(
                "IAM Identity Center makes this role, and its digits change when the permission set is provisioned again; \
                 write sso:{}:{set} ({IDENTITIES})",
                member.account()
            );
            found.push(Finding::new(format!("{}/{index}", under("groups", group)), message));
        }
    }
    found
}

fn unknown(policy: &Policy, at: &str, groups: &[PeopleGroup]) -> Vec<Finding> {
    let missing = groups.iter().enumerate().filter(|(_, group)| !policy.groups.contains_key(group.as_str()));
    missing
        .map(|(index, group)| {
            let known = match policy.groups.len() {
                0 => "the policy has no `groups`".to_owned(),
                _ => format!("`groups` has {}", listed(policy.groups.keys().map(String::as_str), "and")),
            };
            Finding::new(format!("{at}/{index}"), format!("there is no group `{group}`; {known}"))
                .because("groups")
        })
        .collect()
}

/// More approvals than the groups have people. A role counts once, whoever assumes it.
fn too_few(policy: &Policy, at: &str, required: u32, groups: &[PeopleGroup]) -> Option<Finding> {
    let members = groups.iter().filter_map(|group| policy.groups.get(group.as_str())).flatten();
    let people: Option<BTreeSet<String>> = members.map(crate::names::GroupMember::person).collect();
    let count = people.map(|people| people.len()).filter(|count| *count < required as usize)?;
    let message = format!(
        "{required} approvals are needed, and the groups have {count}; a role counts once, whoever assumes it, so name \
         users or permission sets"
    );
    Some(Finding::new(format!("{at}/required"), message).because(format!("{at}/groups")).because("groups"))
}
