//! Common parts of notifications to people.

/// The subject of a notification. SNS allows 100 characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub(crate) fn subject(text: &str) -> String {
    format!("Tidegate: {text}").chars().take(100).collect()
}

/// The commands that approve a version again: an approval counts only if the status changes to it.
pub(crate) fn approve_again(package_arn: &str) -> String {
    format!("{}\n{}", set_approval(package_arn, "Rejected"), set_approval(package_arn, "Approved"))
}

/// The command that sets the approval status of a version in the registry.
pub(crate) fn set_approval(package_arn: &str, status: &str) -> String {
    format!(
        "  aws sagemaker update-model-package --model-package-arn {package_arn} --model-approval-status {status}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_never_too_long() {
        assert_eq!(subject("churn stopped"), "Tidegate: churn stopped");
        assert_eq!(subject(&"ü".repeat(200)).chars().count(), 100);
    }
}
