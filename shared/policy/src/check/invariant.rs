//! The invariants: a stable code for machines, a sentence for people.

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
    /// A step twice in one plan.
    DuplicateAction = "duplicate_action", "a plan does each thing once";
    /// An action on data that is missing, insufficient, or of a kind that nobody knows.
    ActsOnUnknown = "acts_on_unknown", "missing data, a failed source and an unknown status lead to no action";
    /// An action under a hold.
    ActsWhileHeld = "acts_while_held", "nothing automatic happens while a person's hold stands";
    /// A hold appeared, changed or ended without a person's event.
    HoldChanged = "hold_changed", "only a person places or releases a hold";
    /// An action on something that the policy does not ask for.
    OutOfScope = "out_of_scope", "only what the policy names is touched, in the account and region that it names";
    /// An event from an account that may not send it.
    UnauthorizedSender = "unauthorized_sender", "an event from an account that may not send it changes nothing";
    /// A stop, or drift, without a notification.
    NotificationMissing = "notification_missing", "when a person must look, a person is notified";
    /// It waits for something that will not invoke the function again.
    NoFollowUpScheduled = "no_follow_up_scheduled", "what waits without an event has a scheduled check";
    /// What follows from a rejection acts.
    ActsAfterRejection = "acts_after_rejection", "what follows from a rejection notifies, checks again or lifts a bound, and begins nothing";
    /// A second start or request for one cause.
    StartedTwice = "started_twice", "one cause starts one execution, and one approval makes one request for each environment";
    /// A call on a resource that is changing, has failed, runs or exists already.
    ResourceBusy = "resource_busy", "only what is in service is changed, only what is absent is created, and only what does not run is started or taken away";

    // train
    /// The pipeline starts for nothing that the policy watches.
    StartedWithoutCause = "started_without_cause", "the pipeline starts only for a push to a watched branch or a request for this model";

    // promote and deploy
    /// A version that nobody approved, or whose approval is gone.
    NotApproved = "not_approved", "only a version that the registry calls approved goes anywhere";
    /// Another package than the approved one.
    WrongPackage = "wrong_package", "only the exact approved package of the policy's group is requested and deployed";
    /// A success without proof.
    UnverifiedSuccess = "unverified_success", "a success is a report for the very request, or a configuration that runs and answers";
    /// An earlier request or approval replaces a later one.
    OlderReplacesNewer = "older_replaces_newer", "an approval or request never replaces a later one";

    // promote
    /// An environment before it has not succeeded.
    EnvironmentSkipped = "environment_skipped", "a version enters an environment only after it succeeded in all before it";
    /// The soak is not over.
    SoakCutShort = "soak_cut_short", "a version enters an environment only when its soak in the one before is over";
    /// Too few people approved, or an approval that no person gave.
    ApprovalsMissing = "approvals_missing", "a version enters an environment only when as many people approved as its gate asks for";
    /// A version that failed somewhere, was rejected or was stopped goes on.
    ContinuesAfterFailure = "continues_after_failure", "what failed, was rejected or was stopped goes no further";

    // deploy
    /// SageMaker rolled back, and is told the same again.
    RollbackUndone = "rollback_undone", "what SageMaker rolled back is not put in place again by the same request";
    /// The report says something else than what was decided or seen.
    ReportMismatch = "report_mismatch", "a report says what was decided, of the request it is about";

    // respond
    /// A retraining request without drift.
    NoDrift = "no_drift", "a retraining is requested only for drift that was seen";
    /// A retraining too soon after the last.
    CooldownIgnored = "cooldown_ignored", "two retrainings are a cooldown apart";
    /// More retrainings than the budget has.
    BudgetOverspent = "budget_overspent", "no more retrainings are requested than the budget has";
    /// A retraining after too many that brought no improvement.
    AttemptsExceeded = "attempts_exceeded", "after as many attempts as the policy allows a person is asked instead";

    // scale
    /// An endpoint that cannot be at zero, or need not.
    CannotBeZero = "cannot_be_zero", "only an inference component whose policy says so is scaled to zero";
    /// It is used, or it is not known whether it is.
    NotIdle = "not_idle", "only what has served, and had no request in the whole window, goes to zero";
    /// It was deployed or scaled up a moment ago.
    InGracePeriod = "in_grace_period", "what was just deployed or scaled up is left alone";
    /// It goes to zero, and nothing would bring it back.
    NoScaleUpPath = "no_scale_up_path", "what goes to zero has its way back built first";
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
