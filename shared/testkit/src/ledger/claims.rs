//! Claims: which invocation processes an event, and which events are done.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::{CLAIM_DAYS, Claim, Entry};
use tidegate_engine::{ActionOutcome, DecisionRecord, EngineError};

use super::history::{History, damaged};

/// How long a claim is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(CLAIM_DAYS * 24);

/// The progress of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Claimed.
    Open,
    /// Decided; the plan is being carried out, or has yet to be carried out.
    Decided,
    /// Done.
    Done,
}

/// A claim as it is stored.
#[derive(Debug)]
struct Item {
    owner: Box<str>,
    lease_until: Timestamp,
    status: Status,
    /// The decision's id.
    decision: Option<Box<str>>,
    expires: Timestamp,
    /// The outcomes of the actions that were carried out before the plan was completed.
    outcomes: Vec<ActionOutcome>,
}

/// All claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    items: HashMap<Arc<str>, Item, FixedState>,
    /// The keys in the order in which the claims expire. A claim that was taken over occurs more than once.
    expiries: VecDeque<(Timestamp, Arc<str>)>,
}

impl Claims {
    /// Claims an event, or returns why it cannot be claimed.
    pub(super) fn take(
        &mut self,
        key: &str,
        owner: &str,
        (now, lease): (Timestamp, SignedDuration),
        history: Option<&History>,
    ) -> Result<Claim, EngineError> {
        let lease_until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
        let expires = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let Some(item) = self.items.get_mut(key) else {
            let (key, owner): (Arc<str>, Box<str>) = (key.into(), owner.into());
            self.expiries.push_back((expires, Arc::clone(&key)));
            let (status, decision, outcomes) = (Status::Open, None, Vec::new());
            self.items.insert(key, Item { owner, lease_until, status, decision, expires, outcomes });
            return Ok(Claim::Fresh);
        };
        let decision = item.decision.as_deref();
        if item.status == Status::Done {
            let record = history.zip(decision).and_then(|(history, id)| history.read(id)).transpose()?;
            let decision = decision.unwrap_or_default().to_owned();
            return Ok(Claim::Done { decision, record: record.map(Box::new) });
        }
        if *item.owner != *owner && item.lease_until > now {
            return Ok(Claim::Leased { until: item.lease_until });
        }
        item.owner = owner.into();
        item.lease_until = lease_until;
        item.expires = expires;
        self.expiries.push_back((expires, key.into()));
        let Some(id) = item.decision.as_deref() else { return Ok(Claim::Fresh) };
        let record = history.and_then(|history| history.read(id)).transpose()?;
        let lost = || damaged("decision", "its claim refers to it, but it does not exist");
        let outcomes = item.outcomes.clone();
        Ok(Claim::Resume(Box::new(DecisionRecord { outcomes, ..record.ok_or_else(lost)? })))
    }

    /// Whether an entry's owner may write its decision: the first one under the claim, or one that follows the
    /// previous one.
    pub(super) fn may_decide(&self, entry: &Entry) -> bool {
        self.items.get(entry.claim.as_str()).is_some_and(|item| {
            let is_due = match &entry.follows {
                None => item.status == Status::Open,
                Some(before) => item.is_about(&before.id),
            };
            *item.owner == *entry.owner && is_due
        })
    }

    /// Records that a decision was written.
    pub(super) fn decided(&mut self, key: &str, decision: &str) {
        if let Some(item) = self.items.get_mut(key) {
            item.status = Status::Decided;
            item.decision = Some(decision.into());
            item.outcomes.clear();
        }
    }

    /// Whether an owner may record the progress of a decision's plan. The outcomes are needed to resume it.
    pub(super) fn progress(
        &mut self,
        key: &str,
        owner: &str,
        decision: &str,
        outcomes: Option<&[ActionOutcome]>,
    ) -> bool {
        let item = self.items.get_mut(key).filter(|item| *item.owner == *owner && item.is_about(decision));
        let Some(item) = item else { return false };
        if let Some(outcomes) = outcomes {
            item.outcomes = outcomes.to_vec();
        }
        true
    }

    /// Records that the plan of a decision was carried out; `false` if the claim refers to another decision.
    pub(super) fn finish(&mut self, key: &str, decision: &str) -> bool {
        let item = self.items.get_mut(key).filter(|item| item.decision.as_deref() == Some(decision));
        let Some(item) = item else { return false };
        item.status = Status::Done;
        item.outcomes = Vec::new();
        true
    }

    pub(super) fn is_open(&self, key: &str) -> bool {
        self.items.get(key).is_some_and(|item| item.status != Status::Done)
    }

    /// Releases a claim, if it belongs to this owner.
    pub(super) fn release(&mut self, key: &str, owner: &str) {
        let item = self.items.get_mut(key);
        if let Some(item) = item.filter(|item| *item.owner == *owner && item.status != Status::Done) {
            item.lease_until = Timestamp::UNIX_EPOCH;
        }
    }

    /// The claims of events that are not done, with the decision's ID if there is one, in the order of their keys.
    pub(super) fn unfinished(&self) -> Vec<(&str, Option<&str>)> {
        let open = self.items.iter().filter(|(_, item)| item.status != Status::Done);
        let mut open: Vec<_> = open.map(|(key, item)| (key.as_ref(), item.decision.as_deref())).collect();
        open.sort_unstable();
        open
    }

    /// Removes the claims that have expired. DynamoDB does so at any time after the expiry.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.expiries.pop_front_if(|(expires, _)| *expires <= now) {
            if self.items.get(&key).is_some_and(|item| item.expires <= now) {
                self.items.remove(&key);
            }
        }
    }
}

impl Item {
    /// Whether the plan of this decision is being carried out.
    fn is_about(&self, decision: &str) -> bool {
        self.status == Status::Decided && self.decision.as_deref() == Some(decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: SignedDuration = SignedDuration::from_secs(90);

    #[test]
    fn an_event_is_decided_once_while_its_claim_is_kept() {
        let at = |hours: i64| Timestamp::from_second(hours * 3_600).unwrap();
        let mut claims = Claims::default();
        let take = |claims: &mut Claims, key: &str, hours: i64| {
            claims.expire(at(hours));
            claims.take(key, "one", (at(hours), LEASE), None).unwrap()
        };
        assert_eq!(take(&mut claims, "a", 0), Claim::Fresh);
        assert_eq!(take(&mut claims, "a", 0), Claim::Fresh, "nothing was decided: it is tried again");
        claims.decided("a", "d");
        assert!(claims.finish("a", "d"));
        let done = Claim::Done { decision: "d".to_owned(), record: None };
        assert_eq!(take(&mut claims, "a", CLAIM_DAYS * 24 - 1), done);
        assert_eq!(take(&mut claims, "b", CLAIM_DAYS * 24), Claim::Fresh);
        assert_eq!(claims.items.len(), 1, "what has expired is not kept");
        assert_eq!(take(&mut claims, "a", CLAIM_DAYS * 24), Claim::Fresh);
    }

    #[test]
    fn another_owner_waits_for_the_lease_or_the_release() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut claims = Claims::default();
        let take = |claims: &mut Claims, owner: &str, second: i64| {
            claims.take("a", owner, (at(second), LEASE), None).unwrap()
        };
        assert_eq!(take(&mut claims, "one", 0), Claim::Fresh);
        assert_eq!(take(&mut claims, "two", 89), Claim::Leased { until: at(90) });
        assert_eq!(take(&mut claims, "two", 90), Claim::Fresh);
        claims.release("a", "one");
        assert_eq!(take(&mut claims, "one", 91), Claim::Leased { until: at(180) });
        claims.release("a", "two");
        assert_eq!(take(&mut claims, "one", 91), Claim::Fresh);
        assert!(!claims.progress("a", "two", "d", None));
    }
}
