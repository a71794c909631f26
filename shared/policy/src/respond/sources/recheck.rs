//! An alarm that is read again at a scheduled time: while it stays in ALARM, CloudWatch sends no further event.

use tidegate_events::AlarmChanged;

use super::alarm;
use crate::file::Policy;
use crate::reason::Reason;
use crate::respond::{Observation, Snapshot, Trigger};

pub(super) fn observe(policy: &Policy, trigger: &Trigger, seen: &Snapshot) -> Option<Observation> {
    let Trigger::Recheck { alarm: name } = trigger else { return None };
    Some(match &seen.alarm {
        // That it was in ALARM before is why it is read again, and since when does not matter.
        Some(alarm) => {
            alarm::of_alarm(policy, &AlarmChanged { previous: None, changed_at: None, ..alarm.clone() })
        }
        // Not in ALARM may be insufficient data, so it is not the end of drift.
        None => Observation::Inconclusive(Reason::NoLongerInAlarm { alarm: name.clone() }),
    })
}
