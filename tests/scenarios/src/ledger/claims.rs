//! Claims: who deals with an event.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::Claim;
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};

use super::damaged;

/// How long a claim is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How far an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Claimed.
    Open,
    /// Decided; the plan is being carried out, or is still to be.
    Decided,
    /// Dealt with.
    Done,
}

/// A claim as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Item {
    owner: String,
    pub(super) lease_until: Timestamp,
    pub(super) status: Status,
    pub(super) decision: Option<(String, String)>,
    pub(super) expires: Timestamp,
    /// Of the actions that were carried out before the plan was through.
    pub(super) outcomes: Vec<ActionOutcome>,
}

impl Item {
    /// Whether this owner may write a decision under the claim: the first, or one that follows the one before.
    pub(super) fn may_decide(&self, owner: &str, follows: Option<&(String, String)>) -> bool {
        let due = match follows {
            None => self.status == Status::Open,
            Some(before) => self.is_about(before),
        };
        self.owner == owner && due
    }

    /// Whether the plan of this decision is being carried out.
    pub(super) fn is_about(&self, decision: &(String, String)) -> bool {
        self.status == Status::Decided && self.decision.as_ref() == Some(decision)
    }

    /// Whether this owner may note how far the plan of this decision is.
    pub(super) fn may_note(&self, owner: &str, decision: &str) -> bool {
        let about = |(_, at): &(String, String)| at.ends_with(&format!("#{decision}"));
        self.owner == owner && self.status == Status::Decided && self.decision.as_ref().is_some_and(about)
    }

    /// Whether this owner has something to give back.
    pub(super) fn is_held_by(&self, owner: &str) -> bool {
        self.owner == owner && self.status != Status::Done
    }
}

/// Claims an event, or says why not.
pub(super) fn take(
    claims: &mut BTreeMap<String, Item>,
    decisions: &BTreeMap<(String, String), String>,
    key: &str,
    owner: &str,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Claim, EngineError> {
    let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
    let expires = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
    let Some(item) = claims.get_mut(key) else {
        let owner = owner.to_owned();
        let fresh = Item {
            owner,
            lease_until: until,
            status: Status::Open,
            decision: None,
            expires,
            outcomes: Vec::new(),
        };
        claims.insert(key.to_owned(), fresh);
        return Ok(Claim::Fresh);
    };
    let record = item.decision.as_ref().and_then(|at| decisions.get(at));
    let read = |text: &String| DecisionRecord::read(text, "decision");
    if item.status == Status::Done {
        let record: Option<DecisionRecord> = record.map(read).transpose()?;
        let decision = record.as_ref().map(|record| record.id.clone()).unwrap_or_default();
        return Ok(Claim::Done { decision, record: record.map(Box::new) });
    }
    if item.owner != owner && item.lease_until > now {
        return Ok(Claim::Leased { until: item.lease_until });
    }
    owner.clone_into(&mut item.owner);
    item.lease_until = until;
    item.expires = expires;
    match (item.status, record) {
        (Status::Decided, Some(text)) => {
            let outcomes = item.outcomes.clone();
            Ok(Claim::Resume(Box::new(DecisionRecord { outcomes, ..read(text)? })))
        }
        (Status::Decided, None) => Err(damaged("decision", "its claim points to it, but it is not there")),
        _ => Ok(Claim::Fresh),
    }
}
