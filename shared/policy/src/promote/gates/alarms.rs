//! The gate `alarms`: alarms of the hub are in the state OK, for long enough. Insufficient data is not OK.

use jiff::Timestamp;

use super::{GateInput, GateState};
use crate::reason::Reason;

pub(super) fn state(input: &GateInput<'_>) -> GateState {
    let Some(alarms) = &input.environment.gates.alarms else { return GateState::Open };
    let closed = |reason| GateState::Closed { reason };
    let facts = match &input.facts.alarms {
        None => return closed(Reason::GateNotRead { gate: "alarms", what: "the alarms".to_owned() }),
        Some(Err(cause)) => return closed(Reason::AlarmsUnreadable { cause: cause.clone() }),
        Some(Ok(facts)) => facts,
    };
    let mut until: Option<(Timestamp, String, Timestamp)> = None;
    for name in &alarms.names {
        let Some(fact) = facts.get(name) else {
            return closed(Reason::AlarmMissing { alarm: name.clone() });
        };
        if fact.state != "OK" {
            return closed(Reason::AlarmNotOk { alarm: name.clone(), state: fact.state.clone() });
        }
        let Some(ok_for) = alarms.ok_for else { continue };
        let Some(since) = fact.since else {
            let cause = format!("CloudWatch does not say since when {name} is OK");
            return closed(Reason::AlarmsUnreadable { cause });
        };
        let enough = since.checked_add(ok_for.signed()).unwrap_or(Timestamp::MAX);
        if enough > input.now && until.as_ref().is_none_or(|(latest, ..)| enough > *latest) {
            until = Some((enough, name.clone(), since));
        }
    }
    match until {
        Some((until, alarm, since)) => {
            let reason = Reason::AlarmOkTooShort { alarm, since, until };
            GateState::ClosedUntil { reason, until, progress: None }
        }
        None => GateState::Open,
    }
}
