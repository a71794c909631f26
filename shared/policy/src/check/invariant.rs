//! What may never be in a decision: a stable code for machines, a sentence for people.

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $sentence:literal;)+) => {
        /// Something that holds for every decision, whatever the event and whatever was observed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[$doc])* $variant,)+
        }

        impl Invariant {
            /// Every code, in the order of this file.
            pub const CODES: &[&str] = &[$($code),+];

            /// The stable snake_case code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What must hold, as a sentence.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }

        impl std::fmt::Display for Invariant {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

invariants! {
    // everywhere
    /// The verdict belongs to another function.
    ForeignVerdict = "foreign_verdict", "a function gives only its own verdicts";
    /// `Ignore`, `Wait` and the like, with a call to AWS.
    QuietVerdictActs = "quiet_verdict_acts", "a verdict that does nothing has no step that changes anything in AWS";
    /// `Start`, `Apply` and the like, with nothing to do.
    ActsWithoutPlan = "acts_without_plan", "a verdict that acts has a plan that does";
    /// An action twice in one plan.
    DuplicateAction = "duplicate_action", "a plan does each thing once";
    /// The state that follows does not know what the plan does.
    ActionNotInState = "action_not_in_state", "what the plan does is in the state that is written with it";
    /// The state that follows knows of something that the plan does not do.
    StateWithoutAction = "state_without_action", "the state claims nothing that the plan does not do";
    /// Something was in the state, and nothing explains why it is gone.
    StateLost = "state_lost", "what is remembered stays until something that happened ends it";
    /// An action on data that is missing, too little, or of a kind that nobody knows.
    ActsOnUnknown = "acts_on_unknown", "missing data, a failed source and an unknown status lead to no act";
    /// An action although a person said that nothing automatic shall happen.
    ActsWhileHeld = "acts_while_held", "nothing automatic happens while a person's hold stands";
    /// A person's hold appeared, changed or went without a word of a person.
    HoldChanged = "hold_changed", "only a person places or releases a hold";
    /// An action in a place, or on a thing, that the policy does not name.
    OutOfScope = "out_of_scope", "only what the policy names is touched, in the account and region that it names";
    /// A name or text that AWS would refuse.
    BeyondLimits = "beyond_limits", "every name and text is one that AWS takes";
    /// A time that is not now, or a schedule that does not lie ahead.
    WrongTime = "wrong_time", "what is decided bears the time of the decision, and a schedule lies ahead";
    /// Something stopped, and nobody hears of it.
    NotificationMissing = "notification_missing", "when a person must look, a person is told";
    /// What follows from a refusal does more than to take back and to tell.
    ActsAfterRejection = "acts_after_rejection", "what follows from a refusal tells, looks again or lifts a bound, and begins nothing";
    /// It waits for something that will not call.
    NoFollowUpScheduled = "no_follow_up_scheduled", "what waits is called again";

    // train
    /// The pipeline starts for nothing that the policy watches.
    StartedWithoutCause = "started_without_cause", "the pipeline starts only for a push to a watched branch or a request for this model";
    /// More than one execution, or one for a cause that had its own.
    StartedTwice = "started_twice", "one cause starts one execution";
    /// The client token is not the cause's.
    ClientTokenMismatch = "client_token_mismatch", "the client token is 64 characters that follow from the cause alone";
    /// What is installed is not what the commit says, or nothing is where something must be.
    DefinitionMismatch = "definition_mismatch", "the pipeline that starts has the definition that the commit asks for";
    /// The definition comes after the start.
    DefinitionAfterStart = "definition_after_start", "the definition is installed before the execution starts";
    /// Parameters that the policy does not say.
    ParametersChanged = "parameters_changed", "an execution has the policy's parameters";
    /// A retraining while an execution runs.
    ConcurrentExecution = "concurrent_execution", "a retraining starts only when no execution runs";

    // promote and deploy
    /// A version that nobody approved, or whose approval is gone.
    NotApproved = "not_approved", "only a version that the registry calls approved goes anywhere";
    /// Another package than the approved one.
    WrongPackage = "wrong_package", "only the exact approved package of the policy's group is requested and deployed";

    // promote
    /// An environment before it has not succeeded.
    EnvironmentSkipped = "environment_skipped", "a version enters an environment only after it succeeded in all before it";
    /// The soak is not over.
    SoakCutShort = "soak_cut_short", "a version enters an environment only when its soak in the one before is over";
    /// Too few people have agreed.
    ApprovalsMissing = "approvals_missing", "a version enters an environment only when as many people agreed as its gate asks for";
    /// An approval that no person gave.
    ApprovalWithoutPerson = "approval_without_person", "people's approvals come from people, and stand for one promotion";
    /// A version that failed somewhere, or was stopped, goes on.
    ContinuesAfterFailure = "continues_after_failure", "what failed, was rolled back or was stopped goes no further";
    /// A failure or a rejection has no effect.
    FailureIgnored = "failure_ignored", "a failed deployment and a rejection stop the promotion that they are about";
    /// It counts as a success, and nothing shows it.
    UnverifiedSuccess = "unverified_success", "a success is a report for the very request, or a configuration that runs and answers";
    /// An earlier word of people replaces a later one.
    OlderApprovalWins = "older_approval_wins", "an approval never replaces a later one";
    /// Complete, and an environment is missing.
    CompleteTooEarly = "complete_too_early", "a promotion is complete when every environment has succeeded";

    // deploy
    /// A request that did not come from the hub.
    UnauthorizedSender = "unauthorized_sender", "only the hub's requests are obeyed";
    /// An earlier request replaces a later one.
    OlderRequestWins = "older_request_wins", "a request never replaces a later one";
    /// Something is used before it is made.
    OutOfOrder = "out_of_order", "a model is made before its configuration, and that before the endpoint that uses it";
    /// Another instance type, size, rollout, alarm or tag.
    PolicyMismatch = "policy_mismatch", "what is made is what the policy describes";
    /// A name that does not say what it stands for.
    NonDeterministicName = "non_deterministic_name", "names follow from what they stand for";
    /// A call to something that is changing, broken, or there already.
    ResourceBusy = "resource_busy", "only what is in service is changed, and only what is absent is made";
    /// SageMaker has rolled back, and is told the same again.
    RollbackUndone = "rollback_undone", "what SageMaker rolled back is not put in place again by the same request";
    /// The report says something else than what was decided or seen.
    ReportMismatch = "report_mismatch", "a report says what was decided, of the request it is about";

    // respond
    /// A retraining request without drift.
    NoDrift = "no_drift", "a retraining is requested only for drift that was seen";
    /// The policy's response is another.
    ResponseNotRetrain = "response_not_retrain", "a retraining is requested only where the policy says so";
    /// Too soon.
    CooldownIgnored = "cooldown_ignored", "two retrainings are a cooldown apart";
    /// Too many.
    BudgetOverspent = "budget_overspent", "no more retrainings are requested than the budget has";
    /// Again and again without improvement.
    AttemptsExceeded = "attempts_exceeded", "after as many attempts as the policy allows a person is asked instead";

    // scale
    /// An endpoint that cannot be at zero, or need not.
    CannotBeZero = "cannot_be_zero", "only an inference component whose policy says so is scaled to zero";
    /// It is used, or it is not known whether it is.
    NotIdle = "not_idle", "only what has served, and nobody asked in the whole window, goes to zero";
    /// Too young, or just woken.
    InGracePeriod = "in_grace_period", "what was just deployed or woken is left alone";
    /// A deployment is in flight.
    Deploying = "deploying", "nothing goes to zero while it is being deployed";
    /// No way back.
    NoScaleUpPath = "no_scale_up_path", "what goes to zero has its way back built first";
    /// A most below the least, or another number of copies than the policy's.
    InvalidCapacityLimits = "invalid_capacity_limits", "bounds hold the policy's copies, and the least is not above the most";
    /// Nobody asked for capacity.
    ScaledUpWithoutDemand = "scaled_up_without_demand", "an endpoint is woken only by a request that found no capacity, or that was answered";
}

#[cfg(test)]
mod tests {
    use super::Invariant;

    #[test]
    fn codes_are_unique_snake_case() {
        let mut codes = Invariant::CODES.to_vec();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
