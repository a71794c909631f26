//! Actions that are faults, and the schedules.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use tidegate_events::parse_value;

use crate::describe;
use crate::history::Action;
use crate::runner::Runner;
use crate::site::{REGION, SiteId};

impl Runner {
    /// Applies a fault or runs a schedule.
    pub(crate) fn fault(&mut self, what: &Action) -> Option<String> {
        match what {
            Action::Sweep { site, function } => {
                let function = runs(*site, function)?;
                self.sweep(*site, function);
                Some(format!("the schedule of {} in {site} runs", function))
            }
            Action::Tick { site } => {
                runs(*site, "scale")?;
                self.tick(*site);
                Some(format!("the schedule of scale in {site} ticks"))
            }
            Action::DeliveryFault { topic, fault } => {
                self.system.event_bus.plan(*topic, *fault);
                Some(describe::delivery_fault(*topic, *fault))
            }
            Action::CallFault { site, function, call, fault } => {
                let function = runs(*site, function)?;
                self.system.faults.plan(*site, function, call.clone(), *fault);
                let name = function;
                Some(format!("({call} of the next {name} in {site} {})", describe::call_fault(*fault)))
            }
            Action::Throttling { site, seconds, passes } => {
                let until =
                    self.system.now().checked_add(SignedDuration::from_secs(i64::from(*seconds))).ok()?;
                self.system.faults.storm(*site, until, *passes);
                self.statistics.count_fault("throttling storm");
                Some(format!("(all calls from {site} are throttled for {seconds} s, except one in {passes})"))
            }
            Action::Redrive { site, function } => {
                let function = runs(*site, function)?;
                let now = self.system.now();
                let of = |delivery: &crate::event_bus::Delivery| {
                    delivery.site == *site && delivery.function == function
                };
                let count = self.system.event_bus.redrive(now, of);
                Some(format!("a person redrives {count} dead letter(s) of {} in {site}", function))
            }
            Action::Replay { site, hours } => Some(self.replay(*site, *hours)),
            _ => None,
        }
    }

    /// Invokes a function as its reconcile schedule does.
    pub(crate) fn sweep(&mut self, site: SiteId, function: &'static str) {
        let id = format!("s{}", self.system.event_bus.number());
        let event =
            parse_value(json!({"tidegate": "reconcile", "at": self.system.now(), "execution_id": id}));
        if let Ok(event) = event {
            self.enqueue(site, function, &Arc::new(event), None);
        }
    }

    /// Invokes scale as its schedule does.
    pub(crate) fn tick(&mut self, site: SiteId) {
        let id = format!("t{}", self.system.event_bus.number());
        let arn = format!("arn:aws:scheduler:{REGION}:{}:schedule/tidegate/scale-tick", site.account());
        let event = parse_value(json!({"version": "0", "id": id, "detail-type": "Scheduled Event",
            "source": "aws.scheduler", "account": site.account(), "time": self.system.now(), "region": REGION,
            "resources": [arn], "detail": "{}"}));
        if let Ok(event) = event {
            self.enqueue(site, "scale", &Arc::new(event), None);
        }
    }

    /// Replays the archive of a bus.
    fn replay(&mut self, site: SiteId, hours: u8) -> String {
        let now = self.system.now();
        let since = now.checked_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or(now);
        let archive = self.system.event_bus.archive.iter();
        let again: Vec<_> = archive
            .filter(|told| told.bus == site && told.at >= since)
            .map(|told| told.json.clone())
            .collect();
        let count = again.len();
        for mut json in again {
            if let Some(envelope) = json.as_object_mut() {
                envelope.insert("replay-name".to_owned(), json!("again"));
            }
            if let Ok(event) = parse_value(json.clone()) {
                for function in self.targets(site, &event) {
                    self.enqueue(site, function, &Arc::new(event.clone()), None);
                }
            }
        }
        self.statistics.count_fault("archive replayed");
        format!("the archive of {site} replays {count} event(s) of the last {hours} hours")
    }
}

/// The function of this name, if it runs there.
fn runs(site: SiteId, name: &str) -> Option<&'static str> {
    site.functions().into_iter().find(|function| *function == name)
}
