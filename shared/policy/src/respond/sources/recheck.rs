//! An alarm that is read again at a scheduled check: while it stays in ALARM, CloudWatch sends no further event.

use tidegate_events::AlarmChanged;

use super::alarm;
use crate::file::Policy;
use crate::reason::Reason;
use crate::respond::{Observation, Snapshot, Trigger};

pub(super) fn observe(policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    let Trigger::Recheck { alarm: name } = trigger else { return None };
    Some(match &seen.alarm {
        // It is read again because it was in ALARM before. How long it has been in ALARM does not matter.
        Some(alarm) => {
            alarm::of_alarm(policy, &AlarmChanged { previous: None, changed_at: None, ..alarm.clone() })
        }
        // Any state other than ALARM may mean insufficient data, so it does not prove the end of drift.
        None => Observation::Inconclusive(Reason::NoLongerInAlarm { alarm: name.clone() }),
    })
}
