//! Amazon Resource Names, with the parts that decisions need.

/// An ARN in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// Such as `sagemaker`.
    pub service: String,
    /// Such as `us-east-1`; empty for global services.
    pub region: String,
    /// 12 digits; empty for some services.
    pub account: String,
    /// The rest of the ARN.
    pub resource: String,
}

impl Arn {
    /// Splits an ARN; `None` if the text is not an ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':').map(str::to_owned);
        match (
            parts.next()?.as_str(),
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        ) {
            ("arn", partition, service, region, account, resource)
                if !partition.is_empty() && !resource.is_empty() =>
            {
                Some(Self { partition, service, region, account, resource })
            }
            _ => None,
        }
    }

    /// Whether the region is in the partition. If it is not, the ARN identifies nothing.
    /// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
    #[must_use]
    pub fn fits_its_partition(&self) -> bool {
        let of_region = PARTITIONS.iter().find(|(prefix, _)| self.region.starts_with(prefix));
        self.partition == of_region.map_or("aws", |(_, partition)| partition)
    }
}

/// The region prefixes of the partitions other than `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits() {
        let arn = Arn::parse("arn:aws-cn:sagemaker:cn-north-1:111122223333:model-package/churn/7").unwrap();
        assert_eq!((arn.partition.as_str(), arn.resource.as_str()), ("aws-cn", "model-package/churn/7"));
        assert!(Arn::parse("model-package/churn/7").is_none());
        assert!(Arn::parse("arn:aws:sagemaker").is_none());
    }

    #[test]
    fn a_region_is_in_one_partition() {
        let fits = |place: &str| {
            Arn::parse(&format!("arn:{place}:111122223333:model-package/churn/7"))
                .unwrap()
                .fits_its_partition()
        };
        assert!(fits("aws:sagemaker:eu-west-1") && fits("aws-cn:sagemaker:cn-north-1"));
        assert!(fits("aws-us-gov:sagemaker:us-gov-west-1") && fits("aws-iso-b:sagemaker:us-isob-east-1"));
        assert!(!fits("aws-cn:sagemaker:us-east-1") && !fits("aws:sagemaker:cn-north-1"));
    }
}
