//! The checks. A new check is one entry here.

/// One thing that the local cloud assumes of AWS.
#[derive(Debug)]
pub(super) struct Check {
    /// A short name, which is also part of the names of the stacks.
    pub(super) name: &'static str,
    /// What the local cloud assumes.
    pub(super) assumption: &'static str,
    /// Where the assumption comes from.
    pub(super) source: &'static str,
    /// The stacks, deployed in this order. The outcome of the last is the answer.
    pub(super) templates: &'static [&'static str],
    /// What should come of the last stack.
    pub(super) expected: Expected,
    /// Tables that the stacks leave behind.
    pub(super) tables: &'static [&'static str],
}

/// What should come of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// CloudFormation creates it.
    Created,
    /// CloudFormation does not create it, and the reason contains this text.
    Refused(&'static str),
}

impl Expected {
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Created => "created".to_owned(),
            Self::Refused(words) => format!("refused with `{words}`"),
        }
    }
}

const BUS: &str = include_str!("templates/bus.yaml");

/// All checks.
pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "target-bus-missing",
        assumption: "a rule cannot have a bus as its target that does not exist in another region",
        source: "https://github.com/ministryofjustice/modernisation-platform-environments/pull/19002",
        templates: &[include_str!("templates/target-bus-missing.yaml")],
        expected: Expected::Refused("events:PutEvents"),
        tables: &[],
    },
    Check {
        name: "same-statement-id",
        assumption: "the id of a bus policy statement is unique in an account and region, whatever the bus",
        source: "https://github.com/aws/aws-cdk/pull/38655",
        templates: &[BUS, include_str!("templates/same-statement-id.yaml")],
        expected: Expected::Refused("already exists"),
        tables: &[],
    },
    Check {
        name: "denied-detail-type",
        assumption: "a bus policy may deny events by detail-type, by the caller's role and by the way in which they come",
        source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html",
        templates: &[include_str!("templates/denied-detail-type.yaml")],
        expected: Expected::Created,
        tables: &[],
    },
    Check {
        name: "retain-blocks-the-next",
        assumption: "a table with DeletionPolicy: Retain survives a failed creation and blocks the next",
        source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
        templates: &[include_str!("templates/retain.yaml"), include_str!("templates/retain-again.yaml")],
        expected: Expected::Refused("already exists"),
        tables: &["tidegate-live-retain"],
    },
    Check {
        name: "retain-except-on-create",
        assumption: "a table with DeletionPolicy: RetainExceptOnCreate does not survive a failed creation",
        source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
        templates: &[
            include_str!("templates/retain-except-on-create.yaml"),
            include_str!("templates/retain-except-again.yaml"),
        ],
        expected: Expected::Created,
        tables: &["tidegate-live-except"],
    },
    Check {
        name: "approval-condition",
        assumption: "IAM accepts the condition key sagemaker:ModelApprovalStatus, and Null on it",
        source: "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html",
        templates: &[include_str!("templates/approval-condition.yaml")],
        expected: Expected::Created,
        tables: &[],
    },
];
