//! Decisions about a promotion that must not be.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_events::{ApprovalStatus, DeploymentOutcome, PackageStatus};
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Approvals;
use tidegate_policy::freeze::{Freeze, Freezes};
use tidegate_policy::hold::Hold;
use tidegate_policy::promote::{Action, EnvironmentStatus, Promote, Trigger};
use tidegate_policy::reason::Reason;

use super::promotions::*;
use super::{Break, broken};
use crate::any;
use tidegate_policy::step::Step;

fn breaks() -> Vec<Break<Scene>> {
    let mut all = shape();
    all.extend(requests());
    all.extend(order());
    all.extend(people());
    all.extend(denials());
    all.extend(commands());
    all
}

fn shape() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsOnUnknown, "the reason is an unknown approval", approved, |s| {
            s.decision.reason = Reason::UnknownApproval { status: "Maybe".to_owned() };
        }),
        on(I::OutOfScope, "a note on another package", approved, |s| {
            let Step::Call(Action::UpdateModelLifeCycle { package_arn, .. }) = &mut s.decision.plan[1] else {
                unreachable!()
            };
            *package_arn = any::arn(6);
        }),
        on(I::NoFollowUpScheduled, "the check is early", soaking, |s| {
            let Step::ScheduleCheck { at, .. } = &mut s.decision.plan[0] else { unreachable!() };
            *at = any::at(11);
        }),
        on(I::OutOfScope, "the wake-up of another version", soaking, |s| {
            let Step::ScheduleCheck { check, .. } = &mut s.decision.plan[0] else { unreachable!() };
            check.subject = "6".to_owned();
        }),
        on(I::NoFollowUpScheduled, "a soak without a wake-up", soaking, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::NotificationMissing, "a stop that nobody hears of", failed, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::NotificationMissing, "people who are not asked", waits_for_people, |s| s.decision.plan.clear()),
    ]
}

fn requests() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::OutOfScope, "another account", approved, |s| {
            s.request().environment_account = "123456789012".to_owned();
        }),
        on(I::OutOfScope, "another region", approved, |s| s.request().region = "eu-west-1".to_owned()),
        on(I::OutOfScope, "another model", approved, |s| s.request().model = "other".to_owned()),
        on(I::OutOfScope, "another policy", approved, |s| s.request().policy_version = "p".to_owned()),
        on(I::OutOfScope, "an environment that is not there", approved, |s| {
            s.request().environment = "qa".to_owned();
        }),
        on(I::WrongPackage, "another package", approved, |s| s.request().package_arn = any::arn(6)),
        on(I::WrongPackage, "another version of it", approved, |s| s.request().version = 6),
        on(I::WrongPackage, "the package of another group", approved, |s| {
            s.policy().registry.group = "fraud".parse().unwrap();
        }),
        on(I::WrongPackage, "the package of another group, that waits", begun_and_waiting, |s| {
            s.policy().registry.group = "fraud".parse().unwrap();
        }),
        on(I::WrongPackage, "without the approval that it stands on", approved, |s| {
            s.request().approved_at = None;
        }),
        on(I::StartedTwice, "asked again under another name", asked_again, |s| {
            s.request().request_id = "r".to_owned();
        }),
    ]
}

fn order() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::EnvironmentSkipped, "staging never succeeded", on_to_production, |s| {
            s.both(|promotion| {
                promotion.environments.remove("staging");
            });
        }),
        on(I::EnvironmentSkipped, "staging is still at it", on_to_production, |s| {
            s.both(|promotion| {
                let step = EnvironmentStatus::Requested {
                    request_id: "r".to_owned(),
                    at: any::at(0),
                    retries: 0,
                    waits_for: None,
                };
                promotion.environments.insert("staging".to_owned(), step);
            });
        }),
        on(I::EnvironmentSkipped, "an environment has come between", on_to_production, |s| {
            let mut between = s.policy().environments[0].clone();
            between.name = "qa".parse().unwrap();
            s.policy().environments.insert(1, between);
        }),
        on(I::SoakCutShort, "a minute early", on_to_production, |s| {
            s.both(|promotion| {
                promotion
                    .environments
                    .insert("staging".to_owned(), EnvironmentStatus::Succeeded { at: any::at(11) });
            });
        }),
        on(I::SoakCutShort, "the policy asks for more now", on_to_production, |s| {
            s.policy().environments[1].gates.soak = Some("1h".to_owned().try_into().unwrap());
        }),
        on(I::OutsideWindow, "its windows were over at 08:00", on_to_production, |s| {
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let window = json!({ "days": days, "from": "00:00", "to": "08:00", "timeZone": "UTC" });
            s.policy().environments[1].gates.windows = Some(vec![serde_json::from_value(window).unwrap()]);
        }),
        on(I::GateIgnored, "a metric that was not read", on_to_production, |s| {
            s.gate("metrics", json!([{ "name": "auc", "atLeast": 0.8 }]));
        }),
        on(I::GateIgnored, "a metric that is too low", on_to_production, |s| {
            s.gate("metrics", json!([{ "name": "auc", "atLeast": 0.8 }]));
            s.metrics(r#"{"auc": 0.7}"#);
        }),
        on(I::GateIgnored, "a metric that is not a number", on_to_production, |s| {
            s.gate("metrics", json!([{ "name": "auc", "atMost": 0.8 }]));
            s.metrics(r#"{"auc": NaN}"#);
        }),
        on(I::GateIgnored, "a metric that is missing", on_to_production, |s| {
            s.gate("metrics", json!([{ "name": "auc", "atLeast": 0.8 }]));
            s.metrics(r#"{"accuracy": 0.9}"#);
        }),
        on(I::GateIgnored, "nothing to compare with", on_to_production, |s| {
            s.gate("metrics", json!([{ "name": "auc", "betterThanLive": { "by": 0, "better": "higher" } }]));
            s.metrics(r#"{"auc": 0.9}"#);
        }),
        on(I::GateIgnored, "no bias report", on_to_production, |s| {
            s.gate("requires", json!(["biasReport"]));
            s.metrics("{}");
        }),
        on(I::GateIgnored, "a feature group that was not read", on_to_production, |s| {
            s.gate("features", json!({ "groups": ["customers"] }));
        }),
        on(I::GateIgnored, "an alarm that was not read", on_to_production, |s| {
            s.gate("alarms", json!({ "names": ["shop-slo"] }));
        }),
        on(I::GateIgnored, "a check that nobody reported", on_to_production, |s| {
            s.gate("reports", json!(["load-test"]));
        }),
        on(I::FreezeIgnored, "a freeze of the model", on_to_production, |s| {
            s.state.freezes = frozen("production", 70);
            s.next().freezes = frozen("production", 70);
        }),
        on(I::FreezeIgnored, "a freeze of every model", on_to_production, |s| {
            s.seen.gates.fleet = Some(frozen("*", 70));
        }),
        on(I::FreezeIgnored, "the freezes were not read", on_to_production, |s| s.seen.gates.fleet = None),
        on(I::FreezeIgnored, "a freeze of the policy", on_to_production, |s| {
            let day = any::at(0).strftime("%Y-%m-%d").to_string();
            let period = json!({ "from": day, "to": day, "timeZone": "UTC", "reason": "r" });
            s.policy().environments[1].gates.freeze = vec![serde_json::from_value(period).unwrap()];
        }),
        on(I::FreezeIgnored, "asked again during a freeze", asked_again, |s| {
            s.seen.gates.fleet = Some(frozen("staging", 70));
        }),
        on(I::FreezeChanged, "a freeze comes by itself", soaking, |s| {
            s.next().freezes = frozen("staging", 70)
        }),
        on(I::FreezeChanged, "a freeze ends by itself", soaking, |s| s.state.freezes = frozen("staging", 70)),
        on(I::ContinuesAfterFailure, "it was stopped", on_to_production, |s| s.both(|p| p.stopped = true)),
        on(I::ContinuesAfterFailure, "it failed somewhere", on_to_production, |s| {
            s.both(|promotion| {
                let step = EnvironmentStatus::Failed { at: any::at(5), cause: "c".to_owned() };
                promotion.environments.insert("qa".to_owned(), step);
            });
        }),
        on(I::UnverifiedSuccess, "no report", soaking, |s| s.trigger = Trigger::Sweep),
        on(I::UnverifiedSuccess, "a report of a failure", soaking, |s| {
            s.report().outcome = DeploymentOutcome::Failed;
        }),
        on(I::UnverifiedSuccess, "a report for another request", soaking, |s| {
            s.report().request_id = "r".to_owned();
        }),
        on(I::UnverifiedSuccess, "a report of another environment", soaking, |s| {
            s.report().environment = "production".to_owned();
            s.report().environment_account = "444455556666".to_owned();
        }),
        on(I::UnverifiedSuccess, "a report of another version", soaking, |s| s.report().version = 6),
        on(I::UnverifiedSuccess, "a report from another account", soaking, |s| {
            s.report().environment_account = "123456789012".to_owned();
        }),
    ]
}

fn people() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ApprovalsMissing, "three must agree", both_agreed, |s| {
            s.policy().environments[1].gates.approvals =
                Some(Approvals { required: 3, groups: Vec::new(), not_author: false });
        }),
        on(I::ApprovalsMissing, "somebody is in no group", both_agreed, |s| {
            let bo = "arn:aws:iam::111122223333:user/bo".parse().unwrap();
            s.policy().groups.insert("risk".to_owned(), vec![bo]);
            s.policy().environments[1].gates.approvals =
                Some(Approvals { required: 1, groups: vec!["risk".parse().unwrap()], not_author: false });
        }),
        on(I::ApprovalsMissing, "the author is unknown", both_agreed, |s| {
            s.policy().environments[1].gates.approvals =
                Some(Approvals { required: 1, groups: Vec::new(), not_author: true });
        }),
        on(I::ApprovalsMissing, "one of two is the author", both_agreed, |s| {
            s.seen.gates.authors.insert("BO".to_owned());
            s.policy().environments[1].gates.approvals =
                Some(Approvals { required: 2, groups: Vec::new(), not_author: true });
        }),
        on(I::ApprovalsMissing, "one user with two permission sets", both_agreed, |s| {
            for promotion in [0, 1] {
                let promotion = if promotion == 0 { s.was() } else { s.promotion() };
                let given = promotion.approvals.get_mut("production").unwrap();
                for (old, new) in [("ana", "Risk"), ("bo", "Owner")] {
                    if let Some(at) = given.remove(old) {
                        given.insert(format!("sso:111122223333:{new}/ana@example.com"), at);
                    }
                }
            }
        }),
        on(I::ApprovalsMissing, "one person in two spellings", both_agreed, |s| {
            for promotion in [0, 1] {
                let promotion = if promotion == 0 { s.was() } else { s.promotion() };
                let given = promotion.approvals.get_mut("production").unwrap();
                let at = given.remove("ana").unwrap();
                given.insert(" BO".to_owned(), at);
            }
        }),
        on(I::ApprovalsMissing, "nobody said so", both_agreed, |s| s.trigger = Trigger::Sweep),
        on(I::ApprovalsMissing, "somebody else said so", both_agreed, |s| {
            let Trigger::Approval(given) = &mut s.trigger else { unreachable!() };
            given.by = "cy".to_owned();
        }),
        on(I::ApprovalsMissing, "it was said of another version", both_agreed, |s| {
            let Trigger::Approval(given) = &mut s.trigger else { unreachable!() };
            given.version = 6;
        }),
        on(I::ApprovalsMissing, "it was said at another time", both_agreed, |s| {
            let Trigger::Approval(given) = &mut s.trigger else { unreachable!() };
            given.at = any::at(40);
        }),
        on(I::ApprovalsMissing, "it was said before the promotion began", both_agreed, |s| {
            s.both(|promotion| promotion.approved_at = any::at(45));
        }),
        on(I::ActsWhileHeld, "production is held", on_to_production, |s| hold_both(s, "production")),
        on(I::ActsWhileHeld, "everything is held", on_to_production, |s| hold_both(s, "*")),
        on(I::HoldChanged, "a hold goes by itself", on_to_production, |s| {
            let hold = Hold { at: any::at(0), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.state.holds.insert("production".to_owned(), hold);
        }),
        on(I::HoldChanged, "a hold comes by itself", soaking, |s| {
            let hold = Hold { at: any::at(0), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.next().holds.insert("staging".to_owned(), hold);
        }),
        on(I::HoldChanged, "a hold on another place than was said", held, |s| {
            let Trigger::Hold(placed) = &mut s.trigger else { unreachable!() };
            placed.environment = Some("staging".to_owned());
        }),
        on(I::HoldChanged, "a release of another place", released, |s| {
            let Trigger::Release(release) = &mut s.trigger else { unreachable!() };
            release.environment = Some("staging".to_owned());
        }),
        on(I::HoldChanged, "a release that is older than the hold", released, |s| {
            let Trigger::Release(release) = &mut s.trigger else { unreachable!() };
            release.at = any::at(19);
        }),
        on(I::HoldChanged, "a release that is not remembered", released, |s| {
            s.next().released.clear();
            s.state.released.insert("staging".to_owned(), any::at(0));
        }),
    ]
}

/// A freeze of a place until a minute.
fn frozen(place: &str, until: i64) -> Freezes {
    let freeze =
        Freeze { at: any::at(0), until: any::at(until), by: "ana".to_owned(), reason: "r".to_owned() };
    Freezes { placed: [(place.to_owned(), freeze)].into(), ..Freezes::default() }
}

fn unauthorized() -> Trigger {
    Trigger::UnauthorizedSender { from: "123456789012".to_owned(), why: Reason::UnsupportedEvent }
}

fn hold_both(scene: &mut Scene, place: &str) {
    let hold = Hold { at: any::at(0), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
    scene.state.holds.insert(place.to_owned(), hold.clone());
    scene.next().holds.insert(place.to_owned(), hold);
}

fn denials() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::NotApproved, "the registry was not asked", approved, |s| {
            s.seen.package = None;
        }),
        on(I::NotApproved, "the registry says rejected", approved, |s| {
            s.seen.package.as_mut().unwrap().approval = ApprovalStatus::Rejected;
        }),
        on(I::NotApproved, "the package is not complete", approved, |s| {
            s.seen.package.as_mut().unwrap().status = PackageStatus::InProgress;
        }),
        on(I::NotApproved, "it was said of another package", approved, |s| {
            let Trigger::Package(change) = &mut s.trigger else { unreachable!() };
            change.arn = any::arn(6);
        }),
        on(I::NotApproved, "it was approved at another time", approved, |s| {
            let Trigger::Package(change) = &mut s.trigger else { unreachable!() };
            change.last_modified = Some(any::at(-1));
        }),
        on(I::NotApproved, "another package slips in", on_to_production, |s| {
            s.promotion().package_arn = any::arn(8);
            s.request().package_arn = any::arn(8);
        }),
        on(I::NotApproved, "another version slips in", on_to_production, |s| {
            s.promotion().version = 8;
            s.request().version = 8;
        }),
        on(I::NotApproved, "nobody said so", approved, |s| s.trigger = Trigger::Sweep),
        on(I::OlderReplacesNewer, "a later one was on its way", approved, |s| {
            let mut later = in_staging();
            later.promotion.as_mut().unwrap().package_arn = any::arn(8);
            later.promotion.as_mut().unwrap().approved_at = any::at(1);
            s.state = later;
        }),
        on(I::UnauthorizedSender, "a request because of a stranger", on_to_production, |s| {
            s.trigger = unauthorized()
        }),
        on(I::UnauthorizedSender, "a stranger who stops", failed, |s| s.trigger = unauthorized()),
        on(I::ContinuesAfterFailure, "a rollback, and it goes on", failed, |s| s.promotion().stopped = false),
        on(I::ContinuesAfterFailure, "a failure, and nothing happens", failed, |s| {
            s.report().outcome = DeploymentOutcome::Failed;
            s.decision = Promote::new(Verdict::Ignore, Reason::Superseded);
        }),
        on(I::ContinuesAfterFailure, "a broken soak, and nothing happens", soak_broken, |s| {
            s.decision = Promote::new(Verdict::Ignore, Reason::LifecycleOnly);
        }),
        on(I::NotificationMissing, "a broken soak without a message", soak_broken, |s| {
            s.decision.plan.clear()
        }),
        on(I::ContinuesAfterFailure, "a rejection, and nothing happens", rejected, |s| {
            s.decision = Promote::new(Verdict::Ignore, Reason::LifecycleOnly);
        }),
    ]
}

fn commands() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::RolledBackWithoutCause, "nobody asked", went_back, |s| s.trigger = Trigger::Sweep),
        on(I::RolledBackWithoutCause, "somebody else asked", went_back, |s| {
            let Trigger::Rollback(asked) = &mut s.trigger else { unreachable!() };
            asked.by = "eve".to_owned();
        }),
        on(I::RolledBackWithoutCause, "it was asked of another environment", went_back, |s| {
            let Trigger::Rollback(asked) = &mut s.trigger else { unreachable!() };
            asked.environment = "production".to_owned();
        }),
        on(I::RolledBackWithoutCause, "the earlier version is not approved", went_back, |s| {
            s.seen.ways_back.values_mut().for_each(|package| package.approval = ApprovalStatus::Rejected);
        }),
        on(I::RolledBackWithoutCause, "the earlier version never succeeded there", went_back, |s| {
            s.state.verified.clear();
        }),
        on(I::HoldChanged, "the hold keeps another version", went_back, |s| {
            s.next().holds.get_mut("staging").unwrap().keeps = Some(7);
        }),
        on(I::ForcedByNobody, "nobody forced it", forced, |s| s.trigger = Trigger::Sweep),
        on(I::ForcedByNobody, "it was forced into another environment", forced, |s| {
            let Trigger::Force(said) = &mut s.trigger else { unreachable!() };
            said.environment = "staging".to_owned();
        }),
        on(I::ForcedByNobody, "another version was forced", forced, |s| {
            let Trigger::Force(said) = &mut s.trigger else { unreachable!() };
            said.version = 6;
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}
