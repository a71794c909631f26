//! operate: takes the commands of people, and passes on only what the caller may command.
//!
//! Lambda has authenticated the caller before the function runs. The rules here decide who may do what: the members of the
//! groups that the policy names, or, where it names none, the roles that the hub's stack admits.

mod admission;
mod controller;
mod invariants;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tidegate_events::{Command, Order};

use crate::check::{Change, Effect, HasEffect};
use crate::controller::Context;
use crate::decision::{Decision, Verdict};
use crate::principal::Principal;
use crate::promote::Promotion;
use crate::reason::Reason;
use crate::step::Step;

pub use controller::{Need, OperateController};

/// The function's name.
pub const NAME: &str = "operate";

/// The subject of commands that concern every model.
pub const EVERY_MODEL: &str = "*";

/// How far the time of a request may be from the time at which AWS received it. AWS refuses signatures that are older than
/// 15 minutes; a shorter time leaves less to repeat.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
pub const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// operate's decisions.
pub type Operate = Decision<State, Action>;

/// The state of operate: it remembers nothing but the claims of requests, which the ledger keeps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {}

/// The calls of operate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Set the approval status of a package to `Rejected`.
    RejectPackage {
        /// The ARN of the package.
        package_arn: String,
        /// Who rejected it and why, for `ApprovalDescription`.
        description: String,
    },
}

impl HasEffect for Action {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::RejectPackage { package_arn, .. } => {
                Effect::Change { resource: package_arn, change: Change::Reject }
            }
        }
    }
}

/// What operate reads before it decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The promotion of the model; only read for an approval.
    pub promotion: Option<Promotion>,
    /// Who made the version that is promoted, as principals. Empty if that is not known.
    pub authors: BTreeSet<String>,
}

/// Decides about a person's command.
pub fn decide(cx: &Context<'_>, command: &Command, seen: &Snapshot) -> Operate {
    let word = command.order.word();
    let refused = |reason| Decision::new(Verdict::Reject, reason).evidence("command", word);
    let caller = &command.caller;
    let by = match Principal::of_caller(&caller.account, &caller.arn, &caller.unique_id) {
        Ok(by) => by,
        Err(why) => return refused(Reason::CallerUnusable { detail: why.to_string() }),
    };
    let refused = |reason| refused(reason).evidence("by", &by);
    if let Some(reason) = not_current(command).or_else(|| admission::refusal(cx, command, &by, seen)) {
        return refused(reason);
    }
    let order = command.order.clone().given_by(&by.to_string());
    let step = match order {
        Order::Reject(rejected) => {
            let package_arn = package_arn(cx, rejected.version);
            let description = format!("rejected by {}: {}", rejected.by, rejected.reason);
            Step::Call(Action::RejectPackage { package_arn, description: cut(&description) })
        }
        order => Step::PublishCommand { order },
    };
    Decision::new(Verdict::Accept, Reason::CommandAccepted { command: word.to_owned(), by: by.to_string() })
        .evidence("command", word)
        .evidence("by", &by)
        .evidence("request", &command.request_id)
        .plan(vec![step])
}

/// Why the request is too old, or from the future.
fn not_current(command: &Command) -> Option<Reason> {
    let (sent, received) = (command.sent_at, command.received_at);
    let skew = received.duration_since(sent).abs();
    (skew > MAX_SKEW).then_some(Reason::RequestNotCurrent { sent, received })
}

/// The ARN of a version of the model's group in the registry of the hub.
fn package_arn(cx: &Context<'_>, version: u64) -> String {
    let group = cx.policy.map_or("", |policy| policy.registry.group.as_str());
    let (account, region) = (&cx.site.account, &cx.site.region);
    let partition = crate::arn::partition_of(region);
    format!("arn:{partition}:sagemaker:{region}:{account}:model-package/{group}/{version}")
}

/// The longest `ApprovalDescription`, in characters.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html>
const LONGEST_DESCRIPTION: usize = 1_024;

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_DESCRIPTION).collect()
}
