//! Decisions to pass on a command that must not be.

use std::collections::BTreeSet;

use tidegate_events::{ApprovalGiven, Caller, Command, HoldPlaced, Order, VersionRejected};
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Approvals;
use tidegate_policy::operate::{Action, OperateController, Snapshot, State};
use tidegate_policy::promote::Promotion;
use tidegate_policy::step::Step;

use super::{Break, broken};
use crate::any;
use crate::decide::{self, Decided};

type Scene = Decided<OperateController>;

impl Scene {
    fn order(&mut self) -> &mut Order {
        let Some(Step::PublishCommand { order }) = self.decision.plan.last_mut() else { unreachable!() };
        order
    }
}

fn command(order: Order) -> Command {
    let caller = Caller {
        account: any::HUB.to_owned(),
        arn: format!("arn:aws:sts::{}:assumed-role/ml-ops/ana", any::HUB),
        unique_id: "AROAEXAMPLE:ana".to_owned(),
    };
    let order = order.given_by(&caller.arn);
    Command { caller, request_id: "r".to_owned(), sent_at: any::at(10), received_at: any::at(10), order }
}

fn decided(order: Order) -> Scene {
    let mut policy = any::policy();
    policy.environments[1].gates.approvals =
        Some(Approvals { required: 1, groups: Vec::new(), not_author: true });
    let promotion: Promotion = serde_json::from_value(serde_json::json!({
        "version": 7, "package_arn": "p", "approved_at": any::at(0), "environments": {}, "newest_version": 7,
        "stopped": false,
    }))
    .unwrap();
    let authors = BTreeSet::from(["arn:aws:iam::111122223333:user/bo".to_owned()]);
    let seen = Snapshot { promotion: Some(promotion), authors };
    let scene = Decided::by(policy, decide::hub(), State {}, command(order), seen, any::at(10));
    assert_eq!(scene.decision.verdict, Verdict::Accept, "{}", scene.decision.reason);
    scene
}

fn held() -> Scene {
    decided(Order::Hold(HoldPlaced {
        model: "churn".to_owned(),
        environment: Some("production".to_owned()),
        by: String::new(),
        reason: "r".to_owned(),
        at: any::at(10),
    }))
}

fn approved() -> Scene {
    decided(Order::Approve(ApprovalGiven {
        model: "churn".to_owned(),
        environment: "production".to_owned(),
        version: 7,
        by: String::new(),
        at: any::at(10),
        comment: None,
    }))
}

fn rejected() -> Scene {
    decided(Order::Reject(VersionRejected {
        model: "churn".to_owned(),
        version: 7,
        by: String::new(),
        reason: "r".to_owned(),
        at: any::at(10),
    }))
}

pub(super) fn all() -> BTreeSet<Invariant> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    broken(&[
        on(I::CommandNotProven, "another command", held, |s: &mut Scene| {
            let Order::Hold(hold) = s.order() else { unreachable!() };
            hold.environment = None;
        }),
        on(I::CommandNotProven, "another time", held, |s| {
            let Order::Hold(hold) = s.order() else { unreachable!() };
            hold.at = any::at(11);
        }),
        on(I::CommandNotProven, "another name", held, |s| {
            *s.order() = s.order().clone().given_by("arn:aws:iam::444455556666:role/ml-ops");
        }),
        on(I::CommandNotProven, "a name that nobody proves", held, |s| {
            *s.order() = s.order().clone().given_by("ana");
        }),
        on(I::CommandNotProven, "six minutes ago", held, |s| s.trigger.sent_at = any::at(4)),
        on(I::CommandNotProven, "from another account", held, |s| {
            s.trigger.caller.account = "444455556666".to_owned();
        }),
        on(I::CommandNotProven, "no role is admitted", held, |s| s.site.operators.clear()),
        on(I::CommandNotProven, "a group is asked for", held, |s| {
            let policy = s.policy.as_mut().unwrap();
            policy.operators = vec!["risk".parse().unwrap()];
            policy.groups.insert("risk".to_owned(), vec!["sso:111122223333:Risk".parse().unwrap()]);
        }),
        on(I::CommandNotProven, "a rejection that nobody commanded", rejected, |s| {
            let at = any::at(10);
            let placed = HoldPlaced {
                model: "churn".to_owned(),
                environment: None,
                by: String::new(),
                reason: "r".to_owned(),
                at,
            };
            s.trigger = command(Order::Hold(placed));
        }),
        on(I::OutOfScope, "another package", rejected, |s| {
            let Some(Step::Call(Action::RejectPackage { package_arn, .. })) = s.decision.plan.first_mut()
            else {
                unreachable!()
            };
            package_arn.push('1');
        }),
        on(I::OutOfScope, "another model", held, |s| {
            let Order::Hold(hold) = s.order() else { unreachable!() };
            hold.model = "fraud".to_owned();
        }),
        on(I::ApprovalsMissing, "nobody knows the author", approved, |s| s.seen.authors.clear()),
        on(I::ApprovalsMissing, "the author approves", approved, |s| {
            s.seen.authors.insert("arn:aws:iam::111122223333:role/ml-ops".to_owned());
        }),
    ])
}
