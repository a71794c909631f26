//! A deployment begins only inside a window.

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use jiff::tz::TimeZoneDatabase;
use tidegate_testkit::Note;

use super::facts::text;
use super::{Facts, Observed, Rule};
use crate::site::SiteId;
use crate::system::System;

/// A request for a deployment is decided only in the hours that the environment's policy names, unless the environment goes
/// back or a person forced the version.
#[derive(Default)]
pub(super) struct InsideWindow {
    /// The ids of the requests that no window holds up.
    exempt: BTreeSet<String>,
}

impl Rule for InsideWindow {
    fn name(&self) -> &'static str {
        "a deployment begins only inside a window"
    }

    fn observe(&mut self, observed: &Observed<'_>, _: &Facts, system: &System) -> Result<(), String> {
        let Observed::LedgerNote { note: Note::Decided { .. }, record: Some(record), .. } = observed else {
            return Ok(());
        };
        let Some(model) = system.model_at(record) else { return Ok(()) };
        let zone = TimeZoneDatabase::bundled().get("Europe/Amsterdam").map_err(|error| error.to_string())?;
        let there = zone.to_datetime(record.at);
        for action in record.plan.iter().filter(|action| text(action, "/action") == "request_deployment") {
            let request = text(action, "/request/request_id");
            if record.verdict == "roll_back" || !text(action, "/request/commanded_at").is_empty() {
                self.exempt.insert(request.to_owned());
            }
            if self.exempt.contains(request) {
                continue;
            }
            let site = SiteId::named(text(action, "/request/environment"));
            let window = site.and_then(|site| model.at(site)?.window);
            let Some((from, to)) = window else { continue };
            let hour = u32::try_from(there.hour()).unwrap_or_default();
            let weekend = matches!(there.weekday(), Weekday::Friday | Weekday::Saturday | Weekday::Sunday);
            if weekend || hour < from || hour >= to {
                let (day, time) = (there.weekday(), there.time());
                return Err(format!("it begins on {day:?} at {time}, outside {from}:00 to {to}:00"));
            }
        }
        Ok(())
    }
}
