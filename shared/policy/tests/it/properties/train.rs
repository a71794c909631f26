//! Decisions to train.

use proptest::prelude::*;
use tidegate_events::{CommitPushed, PipelineExecutionChanged};
use tidegate_policy::decision::Verdict;
use tidegate_policy::file::Policy;
use tidegate_policy::fingerprint::fingerprint;
use tidegate_policy::step::Step;
use tidegate_policy::train::{Action, Definition, Snapshot, Start, State, TrainController, Trigger};

use super::{Properties, limits};
use crate::decide::Decided;

impl Properties for TrainController {
    const VERDICTS: &[Verdict] = &[
        Verdict::Ignore,
        Verdict::Skip,
        Verdict::Wait,
        Verdict::Reject,
        Verdict::Start,
        Verdict::Succeeded,
        Verdict::Alert,
    ];

    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError> {
        let (state, after) = (&decided.state, decided.after());
        let policy = decided.policy.as_ref().unwrap();
        if let Trigger::Ended(run) = &decided.trigger {
            return end(state, &after, run);
        }
        let mut expected = state.clone();
        if decided.decision.verdict == Verdict::Start {
            let token = token(policy, state, &decided.trigger);
            prop_assert!(limits::is_token(&token));
            let mut plan = decided.decision.plan.clone();
            let start = plan.pop();
            started(state, &after, start.as_ref())?;
            expected.executions.clone_from(&after.executions);
            execution(policy, &token, start.as_ref())?;
            definition(policy, state, &decided.trigger, &decided.seen, &token, &plan)?;
            expected.last_start = Some(Start { at: decided.now, token: token.clone() });
            if let Trigger::Commit(push) = &decided.trigger {
                let (reference, commit) = (&push.full_ref, push.commit.clone().unwrap());
                expected.commits.insert(reference.clone(), commit);
                expected.rejected_commits.remove(reference);
                let before = push.old_commit.clone();
                expected
                    .pushes
                    .insert(reference.clone(), tidegate_policy::train::Pushed { before, token, by: None });
                if let Definition::File { text, .. } = &decided.seen.definition {
                    expected.definition_digest = json_digest(text);
                }
            }
        }
        prop_assert_eq!(after, expected);
        Ok(())
    }

    fn hold_after_rejection(before: &State, rejected: &Decided<Self>) -> Result<(), TestCaseError> {
        let after = rejected.after();
        let new = after.commits.iter().find(|(at, commit)| before.commits.get(*at) != Some(*commit));
        prop_assert_eq!(new, None);
        prop_assert!(after.last_start.is_none() || after.last_start == before.last_start, "{after:?}");
        let unknown = after.executions.iter().find(|one| !before.executions.contains(one));
        prop_assert_eq!(unknown, None);
        // A commit that was rejected is remembered as such, or the sweep would try it for ever.
        for (at, commit) in &before.commits {
            let known = after.commits.contains_key(at) || after.rejected_commits.get(at) == Some(commit);
            prop_assert!(known, "nothing is known of {commit} in {after:?}");
        }
        Ok(())
    }
}

/// The client token, worked out a second time. It must not change between two versions of the program, or one cause would
/// start twice.
fn token(policy: &Policy, state: &State, trigger: &Trigger) -> String {
    let (model, pipeline) = (policy.model.as_str(), policy.pipeline.name.as_str());
    match trigger {
        Trigger::Commit(CommitPushed { repository, full_ref, commit, .. }) => {
            let of = |commit| vec!["commit", model, pipeline, repository, full_ref, commit];
            let mut parts = of(commit.as_deref().unwrap());
            // A state of an earlier version does not name the token of the last start.
            let by_commit = state.commits.get(full_ref).map(|commit| fingerprint(&of(commit)));
            let last = state.pushes.get(full_ref).map(|push| push.token.clone()).or(by_commit);
            parts.extend(last.as_deref());
            fingerprint(&parts)
        }
        Trigger::Retraining(request) => fingerprint(&["retraining", model, pipeline, &request.request_id]),
        Trigger::Ended(_) | Trigger::UnauthorizedSender { .. } => unreachable!(),
    }
}

/// The execution is the policy's, and SageMaker takes its texts.
fn execution(policy: &Policy, token: &str, start: Option<&Step<Action>>) -> Result<(), TestCaseError> {
    let Some(Step::Call(Action::StartExecution {
        token: used,
        display_name,
        description,
        parameters,
        pipeline,
        definition: _,
    })) = start
    else {
        return Err(TestCaseError::fail(format!("the last step is {start:?}")));
    };
    prop_assert_eq!((used.as_str(), pipeline.as_str()), (token, policy.pipeline.name.as_str()));
    prop_assert_eq!(parameters, &policy.pipeline.parameters);
    // A description has 3 to 3072 characters of one line, a display name 82, a value 1024.
    let fits = limits::is_name(display_name, 82)
        && limits::is_line(description, 3_072)
        && description.chars().count() >= 3;
    prop_assert!(fits, "{start:?}");
    Ok(())
}

/// The start is remembered as it was requested, and nothing else is forgotten.
fn started(state: &State, after: &State, start: Option<&Step<Action>>) -> Result<(), TestCaseError> {
    let Some(Step::Call(Action::StartExecution { token, display_name, definition, .. })) = start else {
        return Err(TestCaseError::fail(format!("the last step is {start:?}")));
    };
    let last = after.executions.last().unwrap();
    prop_assert_eq!((&last.token, &last.name, &last.definition), (token, display_name, definition));
    prop_assert_eq!(&last.end, &None);
    let kept = state.executions.iter().filter(|one| one.token != *token);
    prop_assert!(kept.clone().all(|one| after.executions.contains(one)));
    prop_assert_eq!(after.executions.len(), kept.count() + 1);
    Ok(())
}

/// The end of an execution changes what is known of this execution, and nothing else.
fn end(state: &State, after: &State, run: &PipelineExecutionChanged) -> Result<(), TestCaseError> {
    let without_end = |state: &State| {
        let mut state = state.clone();
        let named = state.executions.iter_mut().filter(|one| Some(&one.name) == run.display_name.as_ref());
        named.for_each(|one| (one.end, one.packages) = (None, Vec::new()));
        state
    };
    prop_assert_eq!(without_end(state), without_end(after));
    Ok(())
}

/// The definition of the commit is installed before the start, unless it is there.
fn definition(
    policy: &Policy,
    state: &State,
    trigger: &Trigger,
    seen: &Snapshot,
    token: &str,
    before_start: &[Step<Action>],
) -> Result<(), TestCaseError> {
    let (Trigger::Commit(push), Definition::File { path, text }) = (trigger, &seen.definition) else {
        prop_assert!(before_start.is_empty() && seen.pipeline.is_some(), "{before_start:?}");
        return Ok(());
    };
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    prop_assert!(json["Steps"].is_array() && text.len() <= 1_024 * 1_024);
    let running = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let there = seen.pipeline.as_ref().is_some_and(|p| running(&p.definition) == Some(json.clone()));
    let on_its_way =
        state.definition_digest.as_ref().is_some_and(|last| Some(last) != json_digest(text).as_ref());
    let upsert = Step::Call(Action::UpsertPipeline {
        pipeline: policy.pipeline.name.to_string(),
        repository: push.repository.clone(),
        commit: push.commit.clone().unwrap(),
        path: path.clone(),
        sha256: fingerprint(&["definition", text]),
        create: seen.pipeline.is_none(),
        role: None,
        step_role: None,
        token: token.to_owned(),
        tags: tidegate_policy::owner::tags_of_policy(policy, None),
    });
    let expected = if there && !on_its_way { vec![] } else { vec![upsert] };
    prop_assert_eq!(before_start, expected);
    Ok(())
}

/// What tells two definitions apart: white space does not.
fn json_digest(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(fingerprint(&["definition as JSON", &value.to_string()]))
}
