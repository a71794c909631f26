//! What is true of every decision besides the safety invariants: its verdict says what its plan does, its texts are ones that
//! AWS takes, its names follow from what they stand for, and the state remembers what the plan does.

mod deploy;
mod limits;
mod promote;
mod respond;
mod scale;
mod train;

use proptest::prelude::*;
use tidegate_policy::controller::Controller;
use tidegate_policy::decision::Verdict;
use tidegate_policy::step::Step;

use crate::decide::Decided;

/// The verdicts that stand for steps that change something in AWS.
const ACTING: &[Verdict] = &[
    Verdict::Start,
    Verdict::Deploy,
    Verdict::RollBack,
    Verdict::Apply,
    Verdict::Retrain,
    Verdict::ScaleToZero,
    Verdict::ScaleFromZero,
];

/// What is true of the decisions of one controller.
pub(crate) trait Properties: Controller {
    /// The verdicts that it gives.
    const VERDICTS: &[Verdict];

    /// Whether a call changes something in AWS, and is not only a text for people.
    fn acts(_call: &Self::Call) -> bool {
        true
    }

    /// Names, texts and state of a decision about an event.
    fn hold(decided: &Decided<Self>) -> Result<(), TestCaseError>
    where
        Self: Sized;

    /// The state after a rejection takes back what was not done, and nothing else.
    fn hold_after_rejection(before: &Self::State, rejected: &Decided<Self>) -> Result<(), TestCaseError>
    where
        Self: Sized;
}

/// Holds everything against a decision.
pub(crate) fn hold<C: Properties>(decided: &Decided<C>) -> Result<(), TestCaseError> {
    let verdict = decided.decision.verdict;
    prop_assert!(C::VERDICTS.contains(&verdict), "{verdict} of {}", C::NAME);
    let acts = decided.decision.plan.iter().any(|step| match step {
        Step::RequestDeployment { .. } | Step::RequestRetraining { .. } | Step::PublishCommand { .. } => true,
        Step::Call(call) => C::acts(call),
        Step::Notify { .. }
        | Step::ScheduleCheck { .. }
        | Step::ReportDeployment { .. }
        | Step::AnswerWaiting { .. }
        | Step::ReportHealth { .. }
        | Step::ReportRetraining { .. } => false,
    });
    prop_assert_eq!(acts, ACTING.contains(&verdict), "{} with {:?}", verdict, decided.decision.plan);
    texts_and_times(decided)?;
    C::hold(decided)
}

/// Holds everything against what follows from a rejection in a state.
pub(crate) fn hold_after_rejection<C: Properties>(
    before: &C::State,
    rejected: &Decided<C>,
) -> Result<(), TestCaseError> {
    let verdict = rejected.decision.verdict;
    prop_assert!(C::VERDICTS.contains(&verdict) && !ACTING.contains(&verdict), "{verdict} after a rejection");
    texts_and_times(rejected)?;
    C::hold_after_rejection(before, rejected)
}

fn texts_and_times<C: Controller>(decided: &Decided<C>) -> Result<(), TestCaseError> {
    for step in &decided.decision.plan {
        match step {
            Step::Notify { subject, message } => {
                prop_assert!(limits::is_subject(subject) && !message.is_empty(), "{step:?}");
            }
            Step::ScheduleCheck { at, .. } => {
                let ahead = *at > decided.now || *at == jiff::Timestamp::MAX;
                prop_assert!(ahead, "{step:?} at {}", decided.now);
            }
            Step::RequestDeployment { request } => {
                prop_assert_eq!(request.requested_at, decided.now);
            }
            Step::RequestRetraining { request } => {
                prop_assert_eq!(request.requested_at, decided.now);
            }
            Step::ReportRetraining { finished } => {
                prop_assert_eq!(finished.finished_at, decided.now);
            }
            Step::ReportHealth { changed } => {
                prop_assert_eq!(changed.observed_at, decided.now);
            }
            Step::ReportDeployment { .. }
            | Step::AnswerWaiting { .. }
            | Step::PublishCommand { .. }
            | Step::Call(_) => {}
        }
    }
    Ok(())
}
