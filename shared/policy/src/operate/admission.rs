//! Who may command what.

use tidegate_events::{ApprovalGiven, Command, Order};

use super::Snapshot;
use crate::controller::Context;
use crate::file::Policy;
use crate::names::PeopleGroup;
use crate::principal::{Principal, person};
use crate::reason::Reason;

/// Why the command is refused, if it is.
pub(super) fn refusal(
    cx: &Context<'_>,
    command: &Command,
    by: &Principal,
    seen: &Snapshot,
) -> Option<Reason> {
    let order = &command.order;
    let not_allowed = |detail: String| {
        Some(Reason::CallerNotAllowed { by: by.to_string(), command: order.word().to_owned(), detail })
    };
    let Some(policy) = cx.policy else {
        let admitted = is_admitted(cx, &command.caller.arn, &command.caller.account);
        return if admitted { None } else { not_allowed(NOT_ADMITTED.to_owned()) };
    };
    if let Some(name) = order.environment().filter(|name| policy.environment(name).is_none()) {
        return Some(Reason::EnvironmentNotInPolicy { environment: name.to_owned() });
    }
    let groups = groups(policy, order);
    if groups.is_empty() {
        if !is_admitted(cx, &command.caller.arn, &command.caller.account) {
            return not_allowed(NOT_ADMITTED.to_owned());
        }
    } else if !policy.is_member(groups, by) {
        let names = groups.iter().map(PeopleGroup::as_str).collect::<Vec<_>>().join(" or ");
        return not_allowed(format!("the policy of {} asks for {names}", policy.model));
    }
    match order {
        Order::Approve(given) => approval(policy, given, by, seen),
        _ => None,
    }
}

const NOT_ADMITTED: &str = "the policy names no group for it, and the role is not in OperatorRoles of the hub's stack; name \
                            groups in the policy, or add the role to `operators` of the installation file";

/// The groups whose members may give the command; none if the policy names none.
fn groups<'p>(policy: &'p Policy, order: &Order) -> &'p [PeopleGroup] {
    let approvals = match order {
        Order::Approve(given) => policy.environment(&given.environment),
        _ => None,
    };
    let approvals = approvals.and_then(|environment| environment.gates.approvals.as_ref());
    match approvals.map(|approvals| approvals.groups.as_slice()) {
        Some(groups) if !groups.is_empty() => groups,
        _ => &policy.operators,
    }
}

/// Why an approval would not count.
fn approval(policy: &Policy, given: &ApprovalGiven, by: &Principal, seen: &Snapshot) -> Option<Reason> {
    let (version, name) = (given.version, &given.environment);
    let promotion = seen.promotion.as_ref().filter(|p| p.version == version && !p.stopped);
    let Some(promotion) = promotion else { return Some(Reason::NotPromoting { version }) };
    let gate = policy.environment(name).and_then(|environment| environment.gates.approvals.as_ref());
    let Some(gate) = gate.filter(|_| !promotion.environments.contains_key(name)) else {
        return Some(Reason::ApprovalNotRequired { environment: name.clone() });
    };
    let text = by.to_string();
    let before = promotion.approvals.get(name);
    if before.is_some_and(|people| people.keys().any(|other| other.eq_ignore_ascii_case(&text))) {
        return Some(Reason::DuplicateApproval { by: text, environment: name.clone() });
    }
    if !gate.not_author {
        return None;
    }
    if seen.authors.is_empty() {
        return Some(Reason::AuthorUnknown { version });
    }
    let is_author = seen.authors.iter().any(|author| person(author) == by.person());
    is_author.then_some(Reason::ApproverIsAuthor { by: text, version })
}

/// Whether a session's role is one that the stack admits: a role of the hub's account. The ARN of a session lacks the path
/// of the role, so a pattern that names only a path admits nobody.
fn is_admitted(cx: &Context<'_>, arn: &str, account: &str) -> bool {
    let role = arn.split(':').nth(5).and_then(|resource| resource.strip_prefix("assumed-role/"));
    let Some((role, _)) = role.and_then(|rest| rest.split_once('/')) else { return false };
    account == cx.site.account && cx.site.operators.iter().any(|pattern| names(pattern, role))
}

/// Whether a pattern, a name with its path, names a role.
fn names(pattern: &str, role: &str) -> bool {
    let (path, name) = pattern.rsplit_once('/').map_or((None, pattern), |(path, name)| (Some(path), name));
    let only_path = path.is_some() && name.bytes().all(|b| matches!(b, b'*' | b'?'));
    !only_path && matches(name.as_bytes(), role.as_bytes())
}

/// Whether a text matches a pattern, in which `*` stands for any characters and `?` for one.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            (0..=text.len()).any(|at| matches(rest, text.get(at..).unwrap_or_default()))
        }
        (Some((b'?', rest)), Some((_, after))) => matches(rest, after),
        (Some((one, rest)), Some((other, after))) if one == other => matches(rest, after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_role_is_named_by_its_last_part() {
        for (pattern, role) in [
            ("ml-ops", "ml-ops"),
            ("teams/ml/ml-ops", "ml-ops"),
            ("ml-*", "ml-ops"),
            ("*", "anything"),
            ("aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Ops_*", "AWSReservedSSO_Ops_0123456789abcdef"),
            ("op?", "ops"),
        ] {
            assert!(names(pattern, role), "{pattern} {role}");
        }
        for (pattern, role) in [
            ("ml-ops", "ml-ops2"),
            ("ml-ops", "ML-OPS"),
            ("teams/*", "ml-ops"),
            ("teams/**", "x"),
            ("op?", "op"),
            ("", "x"),
        ] {
            assert!(!names(pattern, role), "{pattern} {role}");
        }
    }
}
