//! The one package that may be requested and deployed.

use crate::arn::Arn;

/// Whether an ARN identifies the version of the group in the registry of that account and region. Events contain ARNs
/// in any letter case.
pub(crate) fn is_version(arn: &str, account: &str, region: &str, group: &str, version: u64) -> bool {
    let Some(arn) = Arn::parse(arn) else { return false };
    let resource = format!("model-package/{group}/{version}");
    arn.service == "sagemaker"
        && arn.account == account
        && arn.region == region
        && arn.fits_its_partition()
        && arn.resource.eq_ignore_ascii_case(&resource)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn every_part_counts() {
        let is = |arn: &str| is_version(arn, "111122223333", "us-east-1", "churn", 7);
        assert!(is("arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7"));
        assert!(is("arn:aws:sagemaker:us-east-1:111122223333:model-package/Churn/7"));
        for other in [
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/8",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn-2/7",
            "arn:aws:sagemaker:us-east-1:111122223333:model-package/7",
            "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/7",
            "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7",
            "arn:aws-cn:sagemaker:us-east-1:111122223333:model-package/churn/7",
            "arn:aws:s3:us-east-1:111122223333:model-package/churn/7",
            "churn/7",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
