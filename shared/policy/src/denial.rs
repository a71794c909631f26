//! What people can do about a rejection whose message does not say it.

/// The parts of messages that name a policy of the organization, in lower case. The last one is about the value of a tag, with
/// an error code that depends on the service.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
/// <https://github.com/aws/amazon-sagemaker-feedback/issues/193>
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
const BY_ORGANIZATION: [&str; 3] = ["service control policy", "resource control policy", "tag policy"];

/// SageMaker's message if the role of a model cannot read what it serves, in lower case. The causes have the same message: no
/// permission for the object or its key, a role that SageMaker may not assume, a missing object, a bucket of another region.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html> says which keys other accounts can use.
const NO_MODEL_DATA: &str = "could not access model data";

/// What people can do about the rejection of a call; `None` if its message says enough.
#[must_use]
pub fn advice(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    if message.contains(NO_MODEL_DATA) {
        return Some(
            "The role of the model cannot read the model. If the model is of another account, a KMS key of your own must encrypt \
             it: name the key as `KmsKeyId` in the pipeline's `OutputDataConfig` and in `artifacts.keys` of the installation \
             file. `tidegate access` prints what the bucket and the key must allow. Also check that the object exists, in the \
             region of the endpoint.",
        );
    }
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

    #[test]
    fn a_model_that_cannot_be_read_may_need_a_key() {
        let message = "ValidationException: Could not access model data at s3://models/m.tar.gz. Please ensure that the role";
        assert!(
            advice(message)
                .is_some_and(|advice| advice.contains("KmsKeyId") && advice.contains("tidegate access"))
        );
    }
}
