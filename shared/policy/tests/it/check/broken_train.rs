//! Decisions to train that must not be.

use std::collections::BTreeSet;

use tidegate_events::{CommitPushed, RefChange, RefKind, RetrainingRequested};
use tidegate_policy::check::Invariant;
use tidegate_policy::decision::Verdict;
use tidegate_policy::hold::Hold;
use tidegate_policy::reason::Reason;
use tidegate_policy::step::Step;
use tidegate_policy::train::{
    self, Action, Definition, Pipeline, Snapshot, Start, State, TrainController, Trigger,
};

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
        pipeline: Some(Pipeline { definition: r#"{"Steps": [1]}"#.to_owned() }),
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
    let seen =
        Snapshot { pipeline: Some(Pipeline { definition: DEFINITION.to_owned() }), ..Snapshot::default() };
    let scene = decided(State::default(), Trigger::Retraining(request()), seen);
    assert_eq!(scene.decision.verdict, Verdict::Start);
    scene
}

fn skipped() -> Scene {
    let mut scene = commit();
    scene.push().branch = "feature/x".to_owned();
    let scene = decided(scene.state, scene.trigger, scene.seen);
    assert_eq!(scene.decision.verdict, Verdict::Skip);
    scene
}

fn breaks() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    let mut all = vec![
        on(I::ForeignVerdict, "a verdict of scale's", commit, |s| s.decision.verdict = Verdict::ScaleToZero),
        on(I::QuietVerdictActs, "a skip that starts", skipped, |s| s.decision.plan = commit().decision.plan),
        on(I::ActsWithoutPlan, "a start of nothing", commit, |s| s.decision.plan.clear()),
        on(I::DuplicateAction, "the same start again", commit, |s| {
            let start = s.start().clone();
            s.decision.plan.push(start);
        }),
        on(I::ActsOnUnknown, "the reason is a missing pipeline", retraining, |s| {
            s.decision.reason = Reason::PipelineMissing { pipeline: "churn-train".to_owned() };
        }),
        on(I::ActsWhileHeld, "a retraining under a hold", retraining, |s| {
            let hold = Hold { at: any::at(-5), by: "ana".to_owned(), reason: "r".to_owned() };
            s.seen.hold = Some(hold);
        }),
        on(I::OutOfScope, "another pipeline", commit, |s| {
            let Step::Call(Action::StartExecution { pipeline, .. }) = s.start() else { unreachable!() };
            *pipeline = "other".to_owned();
        }),
        on(I::BeyondLimits, "a display name with a slash", commit, |s| {
            let Step::Call(Action::StartExecution { display_name, .. }) = s.start() else { unreachable!() };
            *display_name = "commit/1".to_owned();
        }),
        on(I::BeyondLimits, "a description of two lines", commit, |s| {
            let Step::Call(Action::StartExecution { description, .. }) = s.start() else { unreachable!() };
            description.push('\n');
        }),
        on(I::BeyondLimits, "a description of two characters", commit, |s| {
            let Step::Call(Action::StartExecution { description, .. }) = s.start() else { unreachable!() };
            *description = "by".to_owned();
        }),
        on(I::BeyondLimits, "a parameter over 1024 characters", commit, |s| {
            let Step::Call(Action::StartExecution { parameters, .. }) = s.start() else { unreachable!() };
            parameters.insert("Note".to_owned(), "x".repeat(1_025));
        }),
        on(I::ParametersChanged, "a parameter of nobody's", commit, |s| {
            let Step::Call(Action::StartExecution { parameters, .. }) = s.start() else { unreachable!() };
            parameters.insert("Epochs".to_owned(), "1".to_owned());
        }),
    ];
    all.extend(causes());
    all.extend(definitions());
    all.extend(memory());
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
        on(I::ClientTokenMismatch, "a token that was drawn", commit, |s| {
            let Step::Call(Action::StartExecution { token, .. }) = s.start() else { unreachable!() };
            *token = "0f".repeat(32);
        }),
        on(I::ClientTokenMismatch, "a token of another request", retraining, |s| {
            s.request().request_id = "churn-staging-2".to_owned();
        }),
        on(I::ClientTokenMismatch, "the token of an earlier push of the commit", commit, |s| {
            let earlier = train::Pushed { before: None, token: "0f".repeat(32) };
            s.state.pushes.insert("refs/heads/main".to_owned(), earlier);
        }),
        on(I::ConcurrentExecution, "an execution runs", retraining, |s| {
            s.seen.running.push("arn:x".to_owned());
        }),
    ]
}

fn definitions() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::DefinitionAfterStart, "start first", commit, |s| s.decision.plan.reverse()),
        on(I::DefinitionMismatch, "the changed definition is not installed", commit, |s| {
            s.decision.plan.remove(0);
        }),
        on(I::DefinitionMismatch, "another definition is on its way", commit, |s| {
            s.seen.pipeline = Some(Pipeline { definition: DEFINITION.to_owned() });
            s.state.definition_digest = Some("another's".to_owned());
            s.decision.plan.remove(0);
        }),
        on(I::DefinitionMismatch, "the file is not in the commit", commit, |s| {
            s.seen.definition = Definition::Missing { path: "pipeline.json".to_owned() };
        }),
        on(I::DefinitionMismatch, "the file was not looked at", commit, |s| {
            s.seen.definition = Definition::Kept;
            s.decision.plan.remove(0);
        }),
        on(I::DefinitionMismatch, "another text", commit, |s| {
            let text = r#"{"Steps": [2]}"#.to_owned();
            s.seen.definition = Definition::File { path: "pipeline.json".to_owned(), text };
        }),
        on(I::DefinitionMismatch, "another commit's file", commit, |s| {
            let Step::Call(Action::UpsertPipeline { commit, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *commit = "aaaa".to_owned();
        }),
        on(I::DefinitionMismatch, "another file", commit, |s| {
            let Step::Call(Action::UpsertPipeline { path, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *path = "other.json".to_owned();
        }),
        on(I::DefinitionMismatch, "another repository's file", commit, |s| {
            let Step::Call(Action::UpsertPipeline { repository, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *repository = "codecommit:other".to_owned();
        }),
        on(I::DefinitionMismatch, "a definition without steps", commit, |s| {
            installs(s, r#"{"Version": "2020-12-01"}"#.to_owned());
        }),
        on(I::DefinitionMismatch, "a definition that SageMaker takes only from S3", commit, |s| {
            installs(s, format!(r#"{{"Steps": ["{}"]}}"#, "x".repeat(102_400)));
        }),
        on(I::DefinitionMismatch, "create what is there", commit, |s| {
            let Step::Call(Action::UpsertPipeline { create, .. }) = &mut s.decision.plan[0] else {
                unreachable!()
            };
            *create = true;
        }),
        on(I::DefinitionMismatch, "a retraining that installs one", retraining, |s| {
            let upsert = commit().decision.plan.remove(0);
            s.decision.plan.insert(0, upsert);
        }),
        on(I::DefinitionMismatch, "a retraining of a pipeline that is not there", retraining, |s| {
            s.seen.pipeline = None;
        }),
    ]
}

/// The commit has this text, and it is what is installed.
fn installs(scene: &mut Scene, text: String) {
    let Step::Call(Action::UpsertPipeline { sha256, .. }) = &mut scene.decision.plan[0] else {
        unreachable!()
    };
    *sha256 = train::definition_digest(&text);
    scene.seen.definition = Definition::File { path: "pipeline.json".to_owned(), text };
}

fn memory() -> Vec<Break<Scene>> {
    use Invariant as I;
    let on = |invariant, how, scene, by| Break { invariant, how, scene, by };
    vec![
        on(I::ActionNotInState, "no state", commit, |s| s.decision.state = None),
        on(I::ActionNotInState, "the commit is not remembered", commit, |s| {
            s.next().commits.remove("refs/heads/main");
        }),
        on(I::ActionNotInState, "the definition is not remembered", commit, |s| {
            s.next().definition_digest = None
        }),
        on(I::ActionNotInState, "a retraining that claims a definition", retraining, |s| {
            s.next().definition_digest = Some("d".to_owned());
        }),
        on(I::ActionNotInState, "the push is not remembered", commit, |s| s.next().pushes.clear()),
        on(I::ActionNotInState, "the start is not remembered", retraining, |s| s.next().last_start = None),
        on(I::WrongTime, "it started yesterday", commit, |s| {
            s.next().last_start.as_mut().unwrap().at = any::at(-1_440);
        }),
        on(I::StateLost, "another branch's commit is gone", commit, |s| {
            s.next().commits.remove("refs/heads/release/1");
        }),
        on(I::StateWithoutAction, "a skip that claims a start", skipped, |s| {
            let last_start = Some(Start { at: s.now, token: "t".to_owned() });
            s.decision.state = Some(State { last_start, ..s.state.clone() });
        }),
        on(I::StateWithoutAction, "a skip that claims a commit", skipped, |s| {
            let mut state = s.state.clone();
            state.commits.insert("refs/heads/feature/x".to_owned(), "aaaa".to_owned());
            s.decision.state = Some(state);
        }),
    ]
}

/// Every invariant that is broken here.
pub(super) fn all() -> BTreeSet<Invariant> {
    broken(&breaks())
}
