//! What people can do about a denial that is not about the permissions of a role.

/// The parts of messages that name a policy of the organization, in lower case. The last one is about the value of a tag, with
/// an error code that depends on the service.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
/// <https://github.com/aws/amazon-sagemaker-feedback/issues/193>
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
const BY_ORGANIZATION: [&str; 3] = ["service control policy", "resource control policy", "tag policy"];

/// What people can do about the rejection of a call by a policy of the organization; `None` if its message names none.
#[must_use]
pub fn advice(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    BY_ORGANIZATION.iter().any(|text| message.contains(text)).then_some(
        "A policy of your organization denies it, whatever the role may do. If it requires tags, write them in `tags` of the \
         policy file and apply it: a deployment then continues with the next sweep, and a training with the next push. \
         Otherwise ask who manages the organization.",
    )
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn a_policy_of_the_organization_is_not_a_missing_permission() {
        let denied = |why: &str| format!("User: u is not authorized to perform: sagemaker:CreateModel {why}");
        let by_organization = denied("with an explicit deny in a service control policy");
        assert!(advice(&by_organization).is_some_and(|advice| advice.contains("`tags`")));
        assert!(
            advice("The tag policy does not allow the specified value for the tag key: 'team'.").is_some()
        );
        let missing = denied("because no identity-based policy allows the sagemaker:CreateModel action");
        assert_eq!(advice(&missing), None);
    }
}
