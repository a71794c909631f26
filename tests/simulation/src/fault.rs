//! Steps in which something goes wrong, and the schedules.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use tidegate_events::parse_value;

use crate::drive::Drive;
use crate::place::{REGION, Where};
use crate::step::What;
use crate::words;

impl Drive {
    /// Does what a step says that is nobody's doing.
    pub(crate) fn fault(&mut self, what: &What) -> Option<String> {
        match what {
            What::Sweep { place, function } => {
                let function = runs(*place, function)?;
                self.sweep(*place, function);
                Some(format!("the schedule of {} in {place} comes round", function))
            }
            What::Tick { place } => {
                runs(*place, "scale")?;
                self.tick(*place);
                Some(format!("the clock of scale in {place} ticks"))
            }
            What::Post { about, does } => {
                self.stage.office.plan(*about, *does);
                Some(words::post(*about, *does))
            }
            What::Call { place, function, call, goes } => {
                let function = runs(*place, function)?;
                self.stage.luck.plan(*place, function, call.clone(), *goes);
                let name = function;
                Some(format!("({call} of the next {name} in {place} {})", words::call(*goes)))
            }
            What::Storm { place, seconds, passes } => {
                let until =
                    self.stage.now().checked_add(SignedDuration::from_secs(i64::from(*seconds))).ok()?;
                self.stage.luck.storm(*place, until, *passes);
                self.tally.count_fault("throttling storm");
                Some(format!(
                    "(all calls from {place} are throttled for {seconds} s, but for one in {passes})"
                ))
            }
            What::Redrive { place, function } => {
                let function = runs(*place, function)?;
                let now = self.stage.now();
                let of = |parcel: &crate::post::Parcel| parcel.place == *place && parcel.function == function;
                let count = self.stage.office.redrive(now, of);
                Some(format!("a person sends {count} dead letter(s) of {} in {place} back", function))
            }
            What::Replay { place, hours } => Some(self.replay(*place, *hours)),
            _ => None,
        }
    }

    /// The schedule that looks for what was missed.
    pub(crate) fn sweep(&mut self, place: Where, function: &'static str) {
        let id = format!("s{}", self.stage.office.number());
        let event = parse_value(json!({"tidegate": "reconcile", "at": self.stage.now(), "execution_id": id}));
        if let Ok(event) = event {
            self.post(place, function, &Arc::new(event), None);
        }
    }

    /// The schedule of scale.
    pub(crate) fn tick(&mut self, place: Where) {
        let id = format!("t{}", self.stage.office.number());
        let arn = format!("arn:aws:scheduler:{REGION}:{}:schedule/tidegate/scale-tick", place.account());
        let event = parse_value(json!({"version": "0", "id": id, "detail-type": "Scheduled Event",
            "source": "aws.scheduler", "account": place.account(), "time": self.stage.now(), "region": REGION,
            "resources": [arn], "detail": "{}"}));
        if let Ok(event) = event {
            self.post(place, "scale", &Arc::new(event), None);
        }
    }

    /// An archive tells it all again.
    fn replay(&mut self, place: Where, hours: u8) -> String {
        let now = self.stage.now();
        let since = now.checked_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or(now);
        let archive = self.stage.office.archive.iter();
        let again: Vec<_> = archive
            .filter(|told| told.bus == place && told.at >= since)
            .map(|told| told.json.clone())
            .collect();
        let count = again.len();
        for mut json in again {
            if let Some(envelope) = json.as_object_mut() {
                envelope.insert("replay-name".to_owned(), json!("again"));
            }
            if let Ok(event) = parse_value(json.clone()) {
                for function in self.targets(place, &event) {
                    self.post(place, function, &Arc::new(event.clone()), None);
                }
            }
        }
        self.tally.count_fault("archive replayed");
        format!("the archive of {place} tells {count} event(s) of the last {hours} hours again")
    }
}

/// The function of this name, if it runs there.
fn runs(place: Where, name: &str) -> Option<&'static str> {
    place.functions().into_iter().find(|function| *function == name)
}
