//! operate's controller.

use jiff::Timestamp;
use tidegate_events::{Body, Command, Event, Order, Scheduled};

use super::{Action, EVERY_MODEL, Snapshot, State, decide, invariants};
use crate::check;
use crate::controller::{Context, Controller, DecisionOf, Route, StepOf};
use crate::decision::{Decision, Verdict};
use crate::people::subject;
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// Decides which commands of people are passed on.
#[derive(Debug, Clone, Copy)]
pub struct OperateController;

/// What operate must read before deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the request and the policy are sufficient.
    Nothing,
    /// The promotion of the model, in promote's state.
    Promotion,
}

impl Controller for OperateController {
    const NAME: &'static str = super::NAME;
    type Trigger = Command;
    type State = State;
    type Need = Need;
    type Snapshot = Snapshot;
    type Call = Action;
    type Current = ();

    fn route(_site: &Site, event: &Event) -> Route<Command> {
        match &event.body {
            Body::Command(command) => match command.order.model() {
                Some(model) => Route::model(model, command.clone()),
                None => Route::Model {
                    model: EVERY_MODEL.to_owned(),
                    sender: None,
                    answers_unmanaged: true,
                    trigger: command.clone(),
                },
            },
            // A person repeats a command that failed, so a sweep has nothing to look for. It shows that the function runs.
            Body::Scheduled(Scheduled::Reconcile) => Route::NotApplicable(Reason::NothingOverdue),
            _ => Route::NotApplicable(Reason::UnsupportedEvent),
        }
    }

    fn needs(_cx: &Context<'_>, _state: &State, command: &Command) -> Need {
        match command.order {
            Order::Approve(_) => Need::Promotion,
            _ => Need::Nothing,
        }
    }

    fn decide(cx: &Context<'_>, _state: &State, command: &Command, seen: &Snapshot) -> DecisionOf<Self> {
        decide(cx, command, seen)
    }

    fn violations(
        cx: &Context<'_>,
        _state: &State,
        command: &Command,
        seen: &Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::violations(cx, command, seen, decision)
    }

    /// A person's command is not superseded by a later decision.
    fn still_applies(_cx: &Context<'_>, _state: &State, _step: &StepOf<Self>) -> bool {
        true
    }

    fn on_rejected(
        _cx: &Context<'_>,
        _state: &State,
        _step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        let subject = subject("a person's command was refused by AWS");
        let message = format!(
            "{why}.\nThe command was accepted, and it has no effect. Mend the cause, and give it again."
        );
        Some(Decision::new(Verdict::Reject, why.clone()).plan(vec![Step::Notify { subject, message }]))
    }

    fn violations_after_rejection(
        cx: &Context<'_>,
        _state: &State,
        decision: &DecisionOf<Self>,
    ) -> Vec<check::Violation> {
        invariants::after_rejection(cx, decision)
    }

    fn next_check(_cx: &Context<'_>, _state: &State) -> Option<Timestamp> {
        None
    }
}
