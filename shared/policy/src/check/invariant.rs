//! The invariants: a stable code for machines, a sentence for people.

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $sentence:literal;)+) => {
        /// A condition that every decision fulfils, for any event and any observation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[$doc])* $variant,)+
        }

        impl Invariant {
            /// Every code, in the order of this file.
            pub const CODES: &[&str] = &[$($code),+];

            /// The stable code in snake case.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The condition, as a sentence.
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
    // all functions
    /// A step twice in one plan.
    DuplicateAction = "duplicate_action", "a plan does each thing once";
    /// An action although data is missing or insufficient, or of an unknown kind.
    ActsOnUnknown = "acts_on_unknown", "missing data, a failed source and an unknown status lead to no action";
    /// An action under a hold.
    ActsWhileHeld = "acts_while_held", "nothing automatic happens while a person's hold stands";
    /// A hold appeared, changed or ended without a person's event.
    HoldChanged = "hold_changed", "only a person places or releases a hold";
    /// An action on something that the policy does not contain.
    OutOfScope = "out_of_scope", "only what the policy names is touched, in the account and region that it names";
    /// An event from an account that is not authorized to send it.
    UnauthorizedSender = "unauthorized_sender", "an event from an account that may not send it changes nothing";
    /// A stop, or drift, without a notification.
    NotificationMissing = "notification_missing", "when a person must look, a person is notified";
    /// A wait for something that does not invoke the function again.
    NoFollowUpScheduled = "no_follow_up_scheduled", "what waits without an event has a scheduled check";
    /// The decision after a rejection takes an action.
    ActsAfterRejection = "acts_after_rejection", "what follows from a rejection notifies, checks again or lifts a bound, and begins nothing";
    /// A second start or request for one trigger.
    StartedTwice = "started_twice", "one cause starts one execution, and one approval makes one request for each environment";
    /// A call on a resource that is being updated, has failed, runs or already exists.
    ResourceBusy = "resource_busy", "only what is in service is changed, only what is absent is created, and only what does not run is started or taken away";

    /// A change of what Tidegate did not make and the policy does not adopt.
    NotOurs = "changes_what_is_not_ours", "only what Tidegate made for this model and environment is changed, and what the policy adopts";

    // train
    /// The pipeline starts without a trigger that the policy watches.
    StartedWithoutCause = "started_without_cause", "the pipeline starts only for a push to a watched branch or a request for this model";

    // promote and deploy
    /// A version that nobody approved, or whose approval was withdrawn.
    NotApproved = "not_approved", "only a version that the registry calls approved goes anywhere";
    /// Another package than the approved one.
    WrongPackage = "wrong_package", "only the exact approved package of the policy's group is requested and deployed";
    /// A success without proof.
    UnverifiedSuccess = "unverified_success", "a success is a report for the very request, or a configuration that runs and answers";
    /// An earlier request or approval replaces a later one.
    OlderReplacesNewer = "older_replaces_newer", "an approval or request never replaces a later one";

    // promote
    /// A preceding environment has not succeeded.
    EnvironmentSkipped = "environment_skipped", "a version enters an environment only after it succeeded in all before it";
    /// The soak has not ended.
    SoakCutShort = "soak_cut_short", "a version enters an environment only when its soak in the one before is over";
    /// Too few people approved, or an approval that no person gave.
    ApprovalsMissing = "approvals_missing", "a version enters an environment only when as many people approved as its gate asks for";
    /// No deployment window is open.
    OutsideWindow = "outside_window", "a version enters an environment only in one of its windows";
    /// A gate that looks at the version itself is not open, or what it needs was not read.
    GateIgnored = "gate_ignored", "a version enters an environment only if what its gates ask of the version was read and is so";
    /// A freeze is in effect.
    FreezeIgnored = "freeze_ignored", "a version enters no environment during a freeze";
    /// A freeze appeared, changed or ended without a person's event.
    FreezeChanged = "freeze_changed", "only a person places a freeze or ends it early";
    /// An environment goes back without a reason, or to a version that never succeeded there.
    RolledBackWithoutCause = "rolled_back_without_cause", "an environment goes back only after a failed verification, a rejection or a person's request, and only to an approved version that succeeded there";
    /// Gates are passed without a person's command.
    ForcedByNobody = "forced_by_nobody", "the gates of an environment are passed only by a person's command";
    /// A promotion continues after a failure, a rejection or a stop.
    ContinuesAfterFailure = "continues_after_failure", "what failed, was rejected or was stopped goes no further";

    // deploy
    /// SageMaker rolled back, and the same change is requested again.
    RollbackUndone = "rollback_undone", "what SageMaker rolled back is not put in place again by the same request";
    /// A deletion of something that serves, that served, or that is not Tidegate's own.
    DeletesServing = "deletes_serving", "only what this model's environment created, and what failed before it ever served or lost its endpoint, is deleted, and only if the policy says so";
    /// A setting of the policy is missing in a request, or another one is in it.
    SettingChanged = "setting_changed", "a model and a configuration have the network, role, environment, capture, queue and keys of the policy, and a pipeline its roles";
    /// A tag of the policy is missing on what is made or changed.
    NotTagged = "not_tagged", "what is made or changed has the tags of the policy";
    /// The report differs from the decision or the observation.
    ReportMismatch = "report_mismatch", "a report says what was decided, of the request it is about";
    /// A live version is called unhealthy, or healthy again, without an observation that shows it.
    HealthUnproven = "health_unproven", "a live version is called failed, gone, changed or healthy again only if that was seen";

    // operate
    /// A command that the caller did not give, may not give, or gave at another time.
    CommandNotProven = "command_not_proven", "a command is passed on only as the caller gave it, in the caller's name, and only if the caller may give it";

    // respond
    /// A retraining request without observed drift.
    NoDrift = "no_drift", "a retraining is requested only for drift that was seen";
    /// A retraining for a monitoring report without a violation that means drift.
    BrokenFeed = "broken_feed", "a report leads to a retraining only if one of its violations means drift";
    /// A retraining before the end of the cooldown.
    CooldownIgnored = "cooldown_ignored", "two retrainings are a cooldown apart";
    /// More retrainings than the budget allows.
    BudgetOverspent = "budget_overspent", "no more retrainings are requested than the budget has";
    /// A retraining after too many attempts without improvement.
    AttemptsExceeded = "attempts_exceeded", "after as many attempts as the policy allows a person is asked instead";

    // scale
    /// A change of the capacity of what the policy does not scale.
    NotAskedToScale = "not_asked_to_scale", "only what the policy scales is scaled, and what was scaled to zero before";
    /// A maximum below the one that somebody set.
    LowersMaximum = "lowers_maximum", "a larger maximum that somebody set in Application Auto Scaling stays";
    /// An endpoint that cannot scale to zero, or whose policy does not allow it.
    CannotBeZero = "cannot_be_zero", "only an inference component or an asynchronous endpoint whose policy says so is scaled to zero";
    /// It is in use, or it is not known whether it is.
    NotIdle = "not_idle", "only what has served, and had no request in the whole window, goes to zero";
    /// It was deployed or scaled up recently.
    InGracePeriod = "in_grace_period", "what was just deployed or scaled up is left alone";
    /// It is scaled to zero, and nothing would scale it up again.
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
