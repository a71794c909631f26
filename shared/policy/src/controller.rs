//! The interface of every function: its triggers, the data that it needs, its decisions and their invariants.
//!
//! A controller is pure. The Lambda function reads what [`Controller::needs`] returns and carries out plans; the
//! command line, replay, the simulation and the tests call the same controller.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use tidegate_events::{Body, Event};

use crate::check::Violation;
use crate::decision::Decision;
use crate::file::{Environment, Policy};
use crate::lookup::{Lookup, LookupKind};
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// The inputs of every decision besides the event, the state and the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The applied policy of the model; `None` only for a request about a model that has no policy here.
    pub policy: Option<&'a Policy>,
    /// The site where the function runs.
    pub site: &'a Site,
    /// The idempotency key of the event.
    pub event: &'a str,
    /// The time of the invocation.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// The environment of the policy with this site's name, account and region.
    #[must_use]
    pub fn environment(&self) -> Option<&'a Environment> {
        self.policy.and_then(|policy| self.site.environment_of(policy))
    }

    /// The environment of the policy with this site's name, whatever its account and region.
    #[must_use]
    pub fn named_environment(&self) -> Option<&'a Environment> {
        self.policy?.environment(&self.site.environment)
    }
}

/// The decision of a controller.
pub type DecisionOf<C> = Decision<<C as Controller>::State, <C as Controller>::Call>;

/// A step in the plan of a controller.
pub type StepOf<C> = Step<<C as Controller>::Call>;

/// The models that an event concerns, and the trigger that it becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Route<T> {
    /// The function does not react to the event.
    NotApplicable(Reason),
    /// Every model whose policy contains one of these names.
    Lookup {
        /// The names in the event.
        names: Vec<Lookup>,
        /// The subject of the event, for the message if no policy contains the names.
        subject: String,
        /// The trigger.
        trigger: T,
    },
    /// One model, which the event names.
    Model {
        /// The model.
        model: String,
        /// The sending account, if it is part of the event's identity: the same event content from another account is
        /// another event.
        sender: Option<String>,
        /// Whether the function responds even if the model has no policy here.
        answers_unmanaged: bool,
        /// The trigger.
        trigger: T,
    },
    /// Every model: the recurring sweep.
    Sweep,
}

/// The decisions of a function, without its AWS reads and actions.
pub trait Controller: Send + Sync + 'static {
    /// The function's name: the name of its folder, the key of its state and the name of its Lambda function.
    const NAME: &'static str;
    /// The trigger, created once from the event.
    type Trigger: Debug + Clone + PartialEq + Send + Sync;
    /// The state that the ledger stores for a model.
    type State: Debug + Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// What must be read before deciding.
    type Need: Debug + PartialEq + Send + Sync;
    /// The data that was read.
    type Snapshot: Debug + Clone + PartialEq + Send + Sync;
    /// The calls that only this function makes.
    type Call: Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// The data that is read again immediately before a call that cannot be reverted.
    type Current: Debug + Clone + PartialEq + Send + Sync;

    /// The trigger that an event becomes, and the models that it concerns.
    fn route(site: &Site, event: &Event) -> Route<Self::Trigger>;

    /// The trigger of a sweep for each model, in addition to the lost events that the sweep finds.
    fn sweep() -> Option<Self::Trigger> {
        None
    }

    /// Why the trigger does not concern a model here, although a name in the event refers to it.
    fn not_applicable(_cx: &Context<'_>, _trigger: &Self::Trigger) -> Option<Reason> {
        None
    }

    /// The event that should have reported what a sweep found, if there is such an event. The decision of the sweep gets
    /// its idempotency key, so that the event is a duplicate if it arrives later. An event that an unfinished decision
    /// may have had is returned as well.
    fn lost_event(
        _cx: &Context<'_>,
        _state: &Self::State,
        _trigger: &Self::Trigger,
        _seen: &Self::Snapshot,
    ) -> Option<Body> {
        None
    }

    /// What must be read before deciding; nothing if the event and the state are sufficient.
    fn needs(cx: &Context<'_>, state: &Self::State, trigger: &Self::Trigger) -> Self::Need;

    /// Decides. Every input has a decision, and the same input always has the same one.
    fn decide(
        cx: &Context<'_>,
        state: &Self::State,
        trigger: &Self::Trigger,
        seen: &Self::Snapshot,
    ) -> DecisionOf<Self>;

    /// The safety invariants that a decision violates. If there are any, the engine carries out nothing and alerts
    /// people.
    fn violations(
        cx: &Context<'_>,
        state: &Self::State,
        trigger: &Self::Trigger,
        seen: &Self::Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<Violation>;

    /// Whether a step is still needed in the present state: other decisions may have been made since it was planned.
    fn still_applies(cx: &Context<'_>, state: &Self::State, step: &StepOf<Self>) -> bool;

    /// Whether [`Controller::precondition`] is evaluated immediately before the step.
    fn requires_recheck(_step: &StepOf<Self>) -> bool {
        false
    }

    /// Why a step is no longer safe, according to the data that was just read.
    fn precondition(
        _cx: &Context<'_>,
        _state: &Self::State,
        _step: &StepOf<Self>,
        _current: &Self::Current,
    ) -> Option<Reason> {
        None
    }

    /// The decision after AWS permanently rejected a step; `None` continues the plan.
    fn on_rejected(
        cx: &Context<'_>,
        state: &Self::State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>>;

    /// The decision after a step's precondition failed.
    fn on_precondition_failed(
        cx: &Context<'_>,
        state: &Self::State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        Self::on_rejected(cx, state, step, why)
    }

    /// The decision after AWS rejected a step for now: something that it refers to is not visible yet
    /// ([`Reason::NotVisibleYet`]), or another change is under way ([`Reason::OtherChange`]). `None` fails the invocation,
    /// and Lambda's retry continues the plan with this step.
    fn on_deferred(
        _cx: &Context<'_>,
        _state: &Self::State,
        _step: &StepOf<Self>,
        _why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        None
    }

    /// The safety invariants that the decision after a rejection violates.
    fn violations_after_rejection(
        cx: &Context<'_>,
        state: &Self::State,
        decision: &DecisionOf<Self>,
    ) -> Vec<Violation>;

    /// Whether a sweep records its decision.
    fn should_record(_state: &Self::State, _decision: &DecisionOf<Self>) -> bool {
        true
    }

    /// When a sweep next has something to decide for the model; `None` if only an event can change anything. A time
    /// in the past means now.
    fn next_check(cx: &Context<'_>, state: &Self::State) -> Option<Timestamp>;
}

impl<T> Route<T> {
    /// The models whose policy contains a name.
    pub fn by_name(kind: LookupKind, name: &str, trigger: T) -> Self {
        let subject = format!("{} {name}", kind.code().replace('_', " "));
        Self::Lookup { names: vec![Lookup::new(kind, name)], subject, trigger }
    }

    /// One model, independent of the sending account.
    pub fn model(model: &str, trigger: T) -> Self {
        Self::Model { model: model.to_owned(), sender: None, answers_unmanaged: false, trigger }
    }
}
