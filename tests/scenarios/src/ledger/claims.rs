//! Claims: who deals with an event.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidegate_engine::EngineError;
use tidegate_engine::ports::Claim;

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
}

impl Item {
    /// Whether this owner may write a decision under the claim.
    pub(super) fn may_decide(&self, owner: &str) -> bool {
        self.owner == owner && self.status == Status::Open
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
        let fresh = Item { owner, lease_until: until, status: Status::Open, decision: None, expires };
        claims.insert(key.to_owned(), fresh);
        return Ok(Claim::Fresh);
    };
    let record = item.decision.as_ref().and_then(|at| decisions.get(at));
    let read = |text: &String| serde_json::from_str(text).map_err(|error| damaged("decision", error));
    if item.status == Status::Done {
        let record: Option<tidegate_engine::DecisionRecord> = record.map(read).transpose()?;
        return Ok(Claim::Done { decision: record.map(|record| record.id).unwrap_or_default() });
    }
    if item.owner != owner && item.lease_until > now {
        return Ok(Claim::Held { until: item.lease_until });
    }
    owner.clone_into(&mut item.owner);
    item.lease_until = until;
    item.expires = expires;
    match (item.status, record) {
        (Status::Decided, Some(text)) => Ok(Claim::Resume(Box::new(read(text)?))),
        (Status::Decided, None) => Err(damaged("decision", "its claim points to it, but it is not there")),
        _ => Ok(Claim::Fresh),
    }
}
