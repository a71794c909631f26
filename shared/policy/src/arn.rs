//! Amazon Resource Names, with the parts that decisions need.

use crate::reason::Reason;

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
        self.partition == self.partition_of_region()
    }

    fn partition_of_region(&self) -> &'static str {
        partition_of(&self.region)
    }
}

/// The partition of a region.
#[must_use]
pub fn partition_of(region: &str) -> &'static str {
    let of_region = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    of_region.map_or("aws", |(_, partition)| partition)
}

/// The first part of an ARN that differs from what it must be, as a reason. `None` if it fits.
#[must_use]
pub fn foreign(text: &str, account: &str, region: &str) -> Option<Reason> {
    let differs = |part: &str, found: &str, expected: &str| {
        (found != expected).then(|| Reason::ForeignArn {
            arn: text.to_owned(),
            part: part.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        })
    };
    let Some(arn) = Arn::parse(text) else { return differs("form", text, "that of an ARN") };
    let fits = Arn { region: region.to_owned(), ..arn.clone() };
    differs("service", &arn.service, "sagemaker")
        .or_else(|| differs("account", &arn.account, account))
        .or_else(|| differs("region", &arn.region, region))
        .or_else(|| differs("partition", &arn.partition, fits.partition_of_region()))
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
    fn the_part_that_is_wrong_is_named() {
        let part = |text: &str| match foreign(text, "111122223333", "us-east-1") {
            Some(Reason::ForeignArn { part, found, expected, .. }) => Some((part, found, expected)),
            _ => None,
        };
        let own = |parts: [&str; 3]| Some((parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned()));
        let arn = |place: &str| format!("arn:{place}:model-package/churn/7");
        assert_eq!(part(&arn("aws:sagemaker:us-east-1:111122223333")), None);
        let region = own(["region", "eu-west-1", "us-east-1"]);
        assert_eq!(part(&arn("aws:sagemaker:eu-west-1:111122223333")), region);
        let account = own(["account", "444455556666", "111122223333"]);
        assert_eq!(part(&arn("aws:sagemaker:eu-west-1:444455556666")), account);
        assert_eq!(
            part(&arn("aws-cn:sagemaker:us-east-1:111122223333")),
            own(["partition", "aws-cn", "aws"])
        );
        assert_eq!(part(&arn("aws:s3:us-east-1:111122223333")), own(["service", "s3", "sagemaker"]));
        assert_eq!(part("churn/7"), own(["form", "churn/7", "that of an ARN"]));
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
