//! Decisions to train that must not be.

use std::collections::BTreeSet;

use tidegate_events::{CommitPushed, RefChange, RefKind, RetrainingRequested};
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::StepRole;
use tidegate_policy::hold::Hold;
use tidegate_policy::reason::Reason;
use tidegate_policy::step::Step;
use tidegate_policy::train::{Action, Definition, Pipeline, Snapshot, State, TrainController, Trigger};

use super::{Break, broken};
use crate::any;
use crate::decide::{self, Decided};

type Scene = Decided<TrainController>;

impl Scene {
    fn start(&mut self) -> &mut Step<Action> {
        self.decision.plan.last_mut().unwrap()
    }

    fn push(&mut self) -> &mut CommitPushed {
        let Trigger::Commit(push) = &mut self.trigger else { unreachable!() };
        push
    }

    fn request(&mut self) -> &mut RetrainingRequested {
        let Trigger::Retraining(request) = &mut self.trigger else { unreachable!() };
        request
    }
}

const DEFINITION: &str = r#"{"Version": "2020-12-01", "Steps": []}"#;

fn request() -> RetrainingRequested {
    RetrainingRequested {
        request_id: "churn-staging-1".to_owned(),
        model: "churn".to_owned(),
        environment: "staging".to_owned(),
        environment_account: "444455556666".to_owned(),
        cause: "drift_observed".to_owned(),
        detail: "d".to_owned(),
        requested_at: any::at(0),
    }
}

fn commit() -> Scene {
    let push = CommitPushed {
        repository: "codecommit:churn-model".to_owned(),
        ref_kind: RefKind::Branch,
        branch: "main".to_owned(),
        full_ref: "refs/heads/main".to_owned(),
        change: RefChange::Updated,
        commit: Some("9f1d3c5b7a8e6042c1d4f3a2b5968770e1f2a3c4".to_owned()),
        old_commit: None,
        actor: None,
        changed_paths: None,
    };
    let state = State {
        commits: [("refs/heads/release/1".to_owned(), "aaaa".to_owned())].into(),
        ..State::default()
    };
    let seen = Snapshot {
        definition: Definition::File { path: "pipeline.json".to_owned(), text: DEFINITION.to_owned() },
        pipeline: Some(Pipeline {
            arn: String::new(),
            definition: r#"{"Steps": [1]}"#.to_owned(),
            role: None,
        }),
        pipeline_tags: Some(tidegate_policy::owner::tags("churn", None).into_iter().collect()),
        ..Snapshot::default()
    };
    let scene = decided(state, Trigger::Commit(push), seen);
    assert_eq!((scene.decision.verdict, scene.decision.plan.len()), (Verdict::Start, 2));
    scene
}

fn decided(state: State, trigger: Trigger, seen: Snapshot) -> Scene {
    Decided::by(any::policy(), decide::hub(), state, trigger, seen, any::at(0))
}

fn retraining() -> Scene {
    let seen = Snapshot {
        pipeline: Some(Pipeline { arn: String::new(), definition: DEFINITION.to_owned(), role: None }),
        pipeline_tags: Some(tidegate_policy::owner::tags("churn", None).into_iter().collect()),
        ..Snapshot::default()
    };
    let scene = decided(State::default(), Trigger::Retraining(request()), seen);
    assert_eq!(scene.decision.verdict, Verdict::Start);
    scene
}

fn breaks() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    let mut all = vec![
        on(I::DuplicateAction, "the same start again", commit, |s| {
            let start = s.start().clone();
            s.decision.plan.push(start);
        }),
        on(I::ActsOnUnknown, "the reason is a missing pipeline", retraining, |s| {
            s.decision.reason = Reason::PipelineMissing { pipeline: "churn-train".to_owned() };
        }),
        on(I::ActsWhileHeld, "a retraining under a hold", retraining, |s| {
            let hold = Hold { at: any::at(-5), by: "ana".to_owned(), reason: "r".to_owned(), keeps: None };
            s.seen.hold = Some(hold);
        }),
        on(I::NotOurs, "the pipeline is another model's", commit, |s| {
            s.seen.pipeline_tags = Some(tidegate_policy::owner::tags("upsell", None).into_iter().collect());
        }),
        on(I::NotOurs, "nobody tagged the pipeline", commit, |s| s.seen.pipeline_tags = None),
        on(I::NotOurs, "a retraining starts another model's pipeline", retraining, |s| {
            s.seen.pipeline_tags = Some(tidegate_policy::owner::tags("upsell", None).into_iter().collect());
        }),
        on(I::NotOurs, "a retraining starts what nobody tagged", retraining, |s| s.seen.pipeline_tags = None),
        on(I::SettingChanged, "a pipeline without the role of the policy", commit, |s| {
            let role = "arn:aws:iam::111122223333:role/churn".parse().unwrap();
            s.policy.as_mut().unwrap().pipeline.execution_role = Some(role);
        }),
        on(I::SettingChanged, "steps that keep their roles", commit, |s| {
            s.policy.as_mut().unwrap().pipeline.definition.role = Some(StepRole::Pipeline);
        }),
        on(I::NotTagged, "a pipeline without the tags of the policy", commit, |s| {
            s.policy.as_mut().unwrap().tags.insert("team".to_owned(), "growth".to_owned());
        }),
        on(I::OutOfScope, "another pipeline", commit, |s| {
            let Step::Call(Action::StartExecution { pipeline, .. }) = s.start() else { unreachable!() };
            *pipeline = "other".to_owned();
        }),
    ];
    all.extend(causes());
    all.extend(definitions());
    all
}

fn causes() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::UnauthorizedSender, "a retraining for a stranger", retraining, |s| {
            s.trigger = Trigger::UnauthorizedSender {
                from: "123456789012".to_owned(),
                why: Reason::UnsupportedEvent,
            };
        }),
        on(I::StartedWithoutCause, "a branch that is not watched", commit, |s| {
            s.push().branch = "feature/x".to_owned();
        }),
        on(I::StartedWithoutCause, "another repository", commit, |s| {
            s.push().repository = "codecommit:other".to_owned();
        }),
        on(I::StartedWithoutCause, "a tag", commit, |s| s.push().ref_kind = RefKind::Tag),
        on(I::StartedWithoutCause, "a branch that is gone", commit, |s| {
            s.push().change = RefChange::Deleted;
        }),
        on(I::StartedWithoutCause, "a push without a commit", commit, |s| s.push().commit = None),
        on(I::StartedWithoutCause, "a request for another model", retraining, |s| {
            s.request().model = "other".to_owned()
        }),
        on(I::StartedWithoutCause, "a request of an environment that is not there", retraining, |s| {
            s.request().environment = "qa".to_owned();
        }),
        on(I::StartedWithoutCause, "a request of another account", retraining, |s| {
            s.request().environment_account = "123456789012".to_owned();
        }),
        on(I::StartedTwice, "a commit that has trained", commit, |s| {
            let commit = s.push().commit.clone().unwrap();
            s.state.commits.insert("refs/heads/main".to_owned(), commit);
        }),
        on(I::StartedTwice, "the cause of the last start", retraining, |s| {
            s.state.last_start = s.next().last_start.clone();
        }),
        on(I::StartedTwice, "two starts", commit, |s| {
            let mut other = s.start().clone();
            let Step::Call(Action::StartExecution { description, .. }) = &mut other else { unreachable!() };
            description.push_str(" again");
            s.decision.plan.push(other);
        }),
        on(I::ResourceBusy, "an execution runs", retraining, |s| {
            s.seen.running.push("arn:x".to_owned());
        }),
    ]
}

fn definitions() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActsOnUnknown, "the file is not in the commit", commit, |s| {
            s.seen.definition = Definition::Missing { path: "pipeline.json".to_owned() };
        }),
        on(I::ActsOnUnknown, "a retraining of a pipeline that is not there", retraining, |s| {
            s.seen.pipeline = None;
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}
