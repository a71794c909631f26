//! What AWS answers only for now: something is not visible yet, is changing, or is still starting.

use serde::{Deserialize, Serialize};
use tidegate_world::{AccountRegion, Fault, SlowAnswer};

use crate::fleet::Model;
use crate::rng::SeededRng;
use crate::runner::Runner;
use crate::site::{REGION, SiteId};

/// A condition that passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Temporary {
    /// The next two resources that are created there are not found by this many calls.
    NotVisible(u8),
    /// The next change of the endpoint or component is rejected, because another change is under way.
    OtherChange,
    /// For this many seconds after `InService` the container does not answer requests.
    SlowStart(u16),
    /// The container of the next creation or update does not start, and SageMaker gives up late.
    NeverStarts,
}

/// A condition by chance.
pub(crate) fn draw(rng: &mut SeededRng) -> Temporary {
    let reads = rng.one(1, &[1, 2, 4, 8, 20]);
    let seconds = rng.one(120, &[30, 300, 600]);
    rng.one(
        Temporary::NotVisible(reads),
        &[
            Temporary::NotVisible(reads),
            Temporary::OtherChange,
            Temporary::OtherChange,
            Temporary::SlowStart(seconds),
            Temporary::SlowStart(seconds),
            Temporary::NeverStarts,
        ],
    )
}

/// The operations that change an endpoint or component, each with AWS's message while another change is under way.
fn busy(site: SiteId, name: &str) -> [(&'static str, String); 3] {
    let place = AccountRegion::new(site.account(), REGION);
    let component = place.arn("inference-component", name);
    let component = format!(
        "Cannot update inference component \"{component}\" while it is in state UPDATE_RC_IN_PROGRESS"
    );
    let endpoint = format!("Cannot update in-progress endpoint \"{}\".", place.arn("endpoint", name));
    [
        ("UpdateEndpoint", endpoint),
        ("UpdateInferenceComponent", component.clone()),
        ("UpdateInferenceComponentRuntimeConfig", component),
    ]
}

impl Runner {
    /// Lets a condition begin.
    pub(crate) fn begin_temporary(&mut self, model: &Model, site: SiteId, what: Temporary) -> Option<String> {
        model.at(site)?;
        let name = model.endpoint(site);
        let account = Some(site.account().to_owned());
        let (fault, kind, words) = match what {
            Temporary::NotVisible(reads) => (
                Fault::NotVisible { account, name: None, reads: u32::from(reads), times: Some(2) },
                "not visible yet",
                format!("the next two resources in {site} are not visible to {reads} call(s)"),
            ),
            Temporary::SlowStart(seconds) => {
                let answers = [SlowAnswer::TimedOut, SlowAnswer::Unavailable, SlowAnswer::NoCapacity];
                let answer =
                    answers.get(usize::from(seconds) / 30 % 3).copied().unwrap_or(SlowAnswer::NotReady);
                let seconds = i64::from(seconds);
                (
                    Fault::SlowStart { account, target: name.clone(), answer, seconds },
                    "slow start",
                    format!("the container of {name} in {site} answers {seconds} s after it is in service"),
                )
            }
            Temporary::NeverStarts => (
                Fault::ContainerNeverStarts { account, target: name.clone() },
                "container never starts",
                format!("the next container of {name} in {site} does not start"),
            ),
            Temporary::OtherChange => {
                for (operation, message) in busy(site, &name) {
                    let (account, operation) = (account.clone(), operation.to_owned());
                    self.inject(Fault::RejectCall { account, operation, message });
                }
                self.statistics.count_fault("other change");
                return Some(format!("somebody else is changing {name} in {site} at the next change of it"));
            }
        };
        self.inject(fault);
        self.statistics.count_fault(kind);
        Some(words)
    }
}
