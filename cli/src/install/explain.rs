//! Says in a sentence why AWS refused a resource of a stack, and what to do. This module is pure.

use tidegate_aws::operate::Failed;

use super::plan::Planned;

/// Explains a failed resource. The last sentence is always what to do.
pub(crate) fn explain(planned: &Planned, failed: &Failed) -> String {
    let subject = format!("{} ({})", failed.resource, failed.kind);
    format!("{subject}: {}\n    fix: {}", failed.reason, fix(planned, failed))
}

fn fix(planned: &Planned, failed: &Failed) -> String {
    let reason = failed.reason.as_str();
    let profile = planned.profile.as_deref().map(|name| format!(" --profile {name}")).unwrap_or_default();
    let says = |words: &str| reason.to_lowercase().contains(&words.to_lowercase());
    if says("events:PutEvents on resource") {
        let bus = after(reason, "on resource: ");
        return format!(
            "the bus {bus} does not exist, or its policy does not admit this role; deploy the stack that has the bus first: run \
             tidegate install again, which deploys in that order"
        );
    }
    if says("is not authorized to perform") {
        let (action, resource) = (after(reason, "to perform: "), after(reason, "on resource: "));
        let denied_by = if says("service control policy") {
            "a service control policy of the organisation denies it"
        } else if says("explicit deny") {
            "a policy denies it explicitly"
        } else {
            "the caller has no permission for it"
        };
        return format!(
            "{denied_by}: allow {action} on {resource} to the identity of `aws sts get-caller-identity{profile}`, then run \
             tidegate install again"
        );
    }
    if says("already exists") {
        return match failed.kind.as_str() {
            "AWS::DynamoDB::Table" => format!(
                "the ledger of an earlier installation is there; keep it by another stack name in the installation file, or delete \
                 it with its records: aws dynamodb delete-table --table-name {}{profile}",
                planned.name
            ),
            "AWS::Events::EventBusPolicy" => {
                "another stack of this account and region has this statement id; write another stack name".to_owned()
            }
            _ => "something else has this name; delete it, or write another stack name in the installation file".to_owned(),
        };
    }
    if says("quota") || says("limit") {
        return format!(
            "ask for a higher quota in Service Quotas for account {}, then run tidegate install again",
            planned.account
        );
    }
    if says("cannot be assumed by Lambda") {
        return "IAM makes a new role known within seconds; run tidegate install again".to_owned();
    }
    if says("ReservedConcurrentExecutions") || says("UnreservedConcurrentExecution") {
        return "the account must keep 100 unreserved executions: lower ReservedConcurrency, or ask for a higher concurrency".to_owned();
    }
    format!(
        "read the events: aws cloudformation describe-stack-events --stack-name {} --region {}{profile}; then run tidegate install again",
        planned.name, planned.region
    )
}

/// The word after a phrase.
fn after<'t>(text: &'t str, phrase: &str) -> &'t str {
    let rest = text.split_once(phrase).map(|(_, rest)| rest).unwrap_or_default();
    rest.split([' ', ';', ',']).next().unwrap_or_default().trim_end_matches('.')
}
