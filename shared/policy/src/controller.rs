//! The shape of every function: what happened, what it needs to read, what it decides, and what holds for its decisions.
//!
//! A controller is pure. The Lambda function reads what [`Controller::needs`] asks for and carries out plans; the command
//! line, replay, the simulation and the tests ask the same controller.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use tidegate_events::Event;

use crate::check::Violation;
use crate::decision::Decision;
use crate::file::{Environment, Policy};
use crate::lookup::{Lookup, LookupKind};
use crate::reason::Reason;
use crate::site::Site;
use crate::step::Step;

/// What every decision of a controller rests on besides the event, the state and the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The applied policy of the model; none only for a request about a model that has no policy here.
    pub policy: Option<&'a Policy>,
    /// Where the function runs.
    pub site: &'a Site,
    /// The idempotency key of the event.
    pub event: &'a str,
    /// The time of the invocation.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// The environment of the policy that this site is: same name, account and region.
    #[must_use]
    pub fn environment(&self) -> Option<&'a Environment> {
        self.policy.and_then(|policy| self.site.environment_of(policy))
    }

    /// The environment of the policy that has this site's name.
    #[must_use]
    pub fn named_environment(&self) -> Option<&'a Environment> {
        self.policy?.environment(&self.site.environment)
    }
}

/// The decision of a controller.
pub type DecisionOf<C> = Decision<<C as Controller>::State, <C as Controller>::Call>;

/// A step in the plan of a controller.
pub type StepOf<C> = Step<<C as Controller>::Call>;

/// Which models an event concerns, and what it means to the function.
#[derive(Debug, Clone, PartialEq)]
pub enum Route<T> {
    /// The function does not act on it.
    NotApplicable(Reason),
    /// Every model whose policy names one of these.
    Lookup {
        /// The names in the event.
        names: Vec<Lookup>,
        /// The event's subject, for the message if no policy mentions it.
        subject: String,
        /// What happened.
        trigger: T,
    },
    /// One model, which the event names.
    Model {
        /// The model.
        model: String,
        /// The account that sent the event, if that is part of its identity: the same words of another account are another
        /// event.
        sender: Option<String>,
        /// Whether the function answers even if the model has no policy here.
        answers_unmanaged: bool,
        /// What happened.
        trigger: T,
    },
    /// Every model: the recurring sweep.
    Sweep,
}

/// A function's decisions, without its reading and acting.
pub trait Controller: Send + Sync + 'static {
    /// The function's name: that of its folder, its state's key and its Lambda.
    const NAME: &'static str;
    /// What happened, made once from the event.
    type Trigger: Debug + Clone + PartialEq + Send + Sync;
    /// What the ledger remembers for a model.
    type State: Debug + Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// What must be read before deciding.
    type Need: Debug + PartialEq + Send + Sync;
    /// What was read.
    type Snapshot: Debug + Clone + PartialEq + Send + Sync;
    /// The calls that only this function makes.
    type Call: Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// What is read again right before a call that cannot be taken back.
    type Current: Debug + Clone + PartialEq + Send + Sync;

    /// What an event means to the function, and which models it concerns.
    fn route(site: &Site, event: &Event) -> Route<Self::Trigger>;

    /// What a sweep decides for each model besides the lost events that it finds.
    fn sweep() -> Option<Self::Trigger> {
        None
    }

    /// Why the trigger does not concern a model here, although a name in the event leads to it.
    fn not_applicable(_cx: &Context<'_>, _trigger: &Self::Trigger) -> Option<Reason> {
        None
    }

    /// What must be read before deciding; nothing, where the event and the state alone decide.
    fn needs(cx: &Context<'_>, state: &Self::State, trigger: &Self::Trigger) -> Self::Need;

    /// Decides. Total: every input has a decision, and the same input has the same one.
    fn decide(
        cx: &Context<'_>,
        state: &Self::State,
        trigger: &Self::Trigger,
        seen: &Self::Snapshot,
    ) -> DecisionOf<Self>;

    /// The safety invariants that a decision breaks. The engine then does nothing and alerts people.
    fn violations(
        cx: &Context<'_>,
        state: &Self::State,
        trigger: &Self::Trigger,
        seen: &Self::Snapshot,
        decision: &DecisionOf<Self>,
    ) -> Vec<Violation>;

    /// Whether a step is still wanted in the present state: others may have decided since it was planned.
    fn still_applies(cx: &Context<'_>, state: &Self::State, step: &StepOf<Self>) -> bool;

    /// Whether [`Controller::precondition`] is evaluated right before the step.
    fn requires_recheck(_step: &StepOf<Self>) -> bool {
        false
    }

    /// Why a step is no longer safe, from what was read at this moment.
    fn precondition(
        _cx: &Context<'_>,
        _state: &Self::State,
        _step: &StepOf<Self>,
        _current: &Self::Current,
    ) -> Option<Reason> {
        None
    }

    /// What follows from a step that AWS rejected for good; `None` goes on with the plan.
    fn on_rejected(
        cx: &Context<'_>,
        state: &Self::State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>>;

    /// What follows from a step whose precondition failed.
    fn on_precondition_failed(
        cx: &Context<'_>,
        state: &Self::State,
        step: &StepOf<Self>,
        why: &Reason,
    ) -> Option<DecisionOf<Self>> {
        Self::on_rejected(cx, state, step, why)
    }

    /// The safety invariants that the decision after a rejection breaks.
    fn violations_after_rejection(
        cx: &Context<'_>,
        state: &Self::State,
        decision: &DecisionOf<Self>,
    ) -> Vec<Violation>;

    /// Whether a sweep records its decision.
    fn should_record(_state: &Self::State, _decision: &DecisionOf<Self>) -> bool {
        true
    }

    /// When a sweep next has something to decide for the model; `None` if only an event can change anything. A time in the
    /// past means: now.
    fn next_check(cx: &Context<'_>, state: &Self::State) -> Option<Timestamp>;
}

impl<T> Route<T> {
    /// The models whose policy names something.
    pub fn by_name(kind: LookupKind, name: &str, trigger: T) -> Self {
        let subject = format!("{} {name}", kind.code().replace('_', " "));
        Self::Lookup { names: vec![Lookup::new(kind, name)], subject, trigger }
    }

    /// One model, whoever sent the event.
    pub fn model(model: &str, trigger: T) -> Self {
        Self::Model { model: model.to_owned(), sender: None, answers_unmanaged: false, trigger }
    }
}
