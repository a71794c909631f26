//! Claims: which events have been decided.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};
use tidegate_engine::ports::Claim;

/// How long a claim is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// All claims that have not aged out. There is one invocation at a time here, and none that dies, so that a claim is
/// nobody's or decided.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By key, the id of the decision.
    items: HashMap<Arc<str>, Option<Box<str>>, FixedState>,
    /// Claims in the order in which they age out.
    ages: VecDeque<(Timestamp, Arc<str>)>,
}

impl Claims {
    pub(super) fn take(&mut self, key: &str, now: Timestamp) -> Claim {
        while let Some((_, old)) = self.ages.pop_front_if(|(expires, _)| *expires <= now) {
            self.items.remove(&old);
        }
        match self.items.get(key) {
            Some(Some(decision)) => Claim::Done { decision: decision.to_string(), record: None },
            Some(None) => Claim::Fresh,
            None => {
                let expires = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
                let key: Arc<str> = key.into();
                self.ages.push_back((expires, Arc::clone(&key)));
                self.items.insert(key, None);
                Claim::Fresh
            }
        }
    }

    pub(super) fn decided(&mut self, key: &str, decision: &str) {
        if let Some(item) = self.items.get_mut(key) {
            *item = Some(decision.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_decided_once_in_fourteen_days() {
        let at = |hours: i64| Timestamp::from_second(hours * 3_600).unwrap();
        let mut claims = Claims::default();
        assert_eq!(claims.take("a", at(0)), Claim::Fresh);
        assert_eq!(claims.take("a", at(0)), Claim::Fresh, "nothing was decided: it is tried again");
        claims.decided("a", "one");
        let done = Claim::Done { decision: "one".to_owned(), record: None };
        assert_eq!(claims.take("a", at(14 * 24 - 1)), done);
        assert_eq!(claims.take("b", at(14 * 24)), Claim::Fresh);
        assert_eq!(claims.items.len(), 1, "what aged out is not kept");
        assert_eq!(claims.take("a", at(14 * 24)), Claim::Fresh);
    }
}
