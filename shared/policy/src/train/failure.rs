//! The class of a failure: what SageMaker's `FailureReason` means for people.

/// What kind of cause a failure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// SageMaker had no instance.
    Capacity,
    /// A service quota is used up.
    Quota,
    /// A role may not do what the step needs.
    Permission,
    /// A fault of AWS.
    Service,
    /// The input data is missing or cannot be read.
    Data,
    /// The team's code failed.
    Code,
    /// None of these.
    Unknown,
}

use FailureClass::{Capacity, Code, Data, Permission, Quota, Service};

/// A text in a failure reason and the class that it means. The first one that occurs decides, so that a code that fails
/// because its role is denied something counts as denied.
///
/// Sources: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html> (prefixes
/// `AlgorithmError`, `ClientError`, `InternalServerError`),
/// <https://github.com/DIAGNijmegen/rse-grand-challenge/issues/2631> (`CapacityError`),
/// <https://github.com/data-science-on-aws/data-science-on-aws/issues/223> (the role of the pipeline),
/// <https://github.com/aws/sagemaker-python-sdk/issues/43> (a role that cannot be assumed).
const TEXTS: &[(&str, FailureClass)] = &[
    ("capacityerror", Capacity),
    ("insufficient capacity", Capacity),
    ("insufficientinstancecapacity", Capacity),
    ("unable to provision requested ml compute capacity", Capacity),
    ("resourcelimitexceeded", Quota),
    ("service limit", Quota),
    ("accessdenied", Permission),
    ("access denied", Permission),
    ("not authorized to perform", Permission),
    ("does not have sufficient permissions", Permission),
    ("unable to assume the role", Permission),
    ("internalservererror", Service),
    ("internal error", Service),
    ("internalfailure", Service),
    ("serviceunavailable", Service),
    ("throttlingexception", Service),
    ("rate exceeded", Service),
    ("nosuchkey", Data),
    ("nosuchbucket", Data),
    ("no s3 objects found", Data),
    ("data download failed", Data),
    ("algorithmerror", Code),
    ("exit code", Code),
    ("exitcode", Code),
    ("traceback", Code),
];

impl FailureClass {
    /// The class of a failure reason.
    #[must_use]
    pub fn of(reason: &str) -> Self {
        let reason = reason.to_lowercase();
        TEXTS.iter().find(|(text, _)| reason.contains(text)).map_or(Self::Unknown, |(_, class)| *class)
    }

    /// The name of the class.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Quota => "quota",
            Self::Permission => "permission",
            Self::Service => "service",
            Self::Data => "data",
            Self::Code => "code",
            Self::Unknown => "unknown",
        }
    }

    /// What happened and what to do, in one line.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Capacity => {
                "SageMaker had no free instance of the type that the step asks for. Retrying later may help; another \
                 instance type or region helps if it does not."
            }
            Self::Quota => {
                "a service quota of the account is used up. Retrying helps only after other jobs have ended; otherwise ask \
                 for a higher quota in Service Quotas."
            }
            Self::Permission => {
                "a role may not do what the step needs. Retrying does not help: add the permission (infra/README.md lists \
                 what the pipeline's role may do), then retry."
            }
            Self::Service => "AWS had a fault. Retrying helps.",
            Self::Data => {
                "the input data is missing or cannot be read. Retrying helps only after the data is there."
            }
            Self::Code => {
                "the code of the step failed. Retrying does not help: read the job's log, mend the code and push again."
            }
            Self::Unknown => {
                "the cause is not one that Tidegate knows. Read the failure reason and the job's log."
            }
        }
    }
}

impl std::fmt::Display for FailureClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_real_text_has_its_class() {
        for (text, class) in [
            (
                "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML \
                 instance type.",
                Capacity,
            ),
            ("InternalServerError: We encountered an internal error.  Please try again.", Service),
            (
                "ClientError: the pipeline execution role does not have sufficient permissions to the job.",
                Permission,
            ),
            (
                "ClientError: SageMaker was unable to assume the role 'arn:aws:iam::111122223333:role/ROLE'",
                Permission,
            ),
            ("AlgorithmError: ExecuteUserScriptError: ExitCode 1", Code),
            ("ResourceLimitExceeded: The account-level service limit is 0 Instances", Quota),
            ("ClientError: Data download failed: NoSuchKey", Data),
            ("ClientError: something else", FailureClass::Unknown),
        ] {
            assert_eq!(FailureClass::of(text), class, "{text}");
        }
    }
}
