//! The ways in which the world can misbehave, all of them asked for: nothing goes wrong by chance.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Event;

/// One misbehaviour. Unless said otherwise it happens once and is then used up.
///
/// `account` and other optional selectors left out mean "any".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mischief {
    /// The next `UpdateEndpoint` is accepted, then rolls back: the endpoint ends in service with its old
    /// configuration. Without a reason it does so silently.
    RollBackUpdate {
        /// The account, if it matters.
        account: Option<String>,
        /// The endpoint's name.
        endpoint: String,
        /// What `DescribeEndpoint` then gives as `FailureReason`.
        reason: Option<String>,
    },
    /// The next creation of this endpoint ends in `Failed`.
    FailEndpointCreation {
        /// The account, if it matters.
        account: Option<String>,
        /// The endpoint's name.
        endpoint: String,
        /// Its `FailureReason`.
        reason: String,
    },
    /// The next training job fails, and its pipeline with it.
    FailTraining {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// Its `FailureReason`, for example `CapacityError: …`.
        reason: String,
    },
    /// The next processing job fails, and its pipeline with it.
    FailProcessing {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// The step, if it matters.
        step: Option<String>,
        /// Its `FailureReason`.
        reason: String,
    },
    /// The next update of this component keeps the old specification and gives the reason.
    FailComponentUpdate {
        /// The account, if it matters.
        account: Option<String>,
        /// The component's name.
        component: String,
        /// Its `FailureReason`.
        reason: String,
        /// `true`: it ends `Failed`; `false`: it is rolled back and ends `InService`.
        failed: bool,
    },
    /// The next version registered in this group ends `Failed`.
    FailPackage {
        /// The account, if it matters.
        account: Option<String>,
        /// The model package group.
        group: String,
    },
    /// Containers of this endpoint, model or component answer with an error until it is cleared.
    ContainerError {
        /// The account, if it matters.
        account: Option<String>,
        /// The name of the endpoint, model or inference component.
        target: String,
        /// What the container answered, for example 500.
        status: u16,
        /// What the container said.
        message: String,
    },
    /// Something happens to events on their way.
    Events {
        /// The account, if it matters.
        account: Option<String>,
        /// The detail-type, if it matters.
        detail_type: Option<String>,
        /// How many events it happens to; without a number: all, until it is cleared.
        times: Option<u32>,
        /// What happens.
        fate: Fate,
    },
    /// The next call of this operation is refused with a `ValidationException`, whatever it asks.
    RefuseCall {
        /// The account, if it matters.
        account: Option<String>,
        /// The operation, such as `CreatePipeline`.
        operation: String,
        /// What AWS says.
        message: String,
    },
    /// What a property file of a processing step contains. Stays until it is replaced or cleared.
    PropertyFile {
        /// The account, if it matters.
        account: Option<String>,
        /// The pipeline, if it matters.
        pipeline: Option<String>,
        /// The name of the property file in the pipeline definition.
        file: String,
        /// The JSON that the job writes.
        content: Value,
    },
    /// Turns the documented request rates on or off.
    Throttle {
        /// Whether calls above the documented rate are refused.
        on: bool,
    },
    /// So many of a hundred calls that come in with the credentials of a role's session are refused at the door.
    ThrottleShare {
        /// How many of a hundred; 0 ends it.
        percent: u8,
        /// What the choice is drawn from.
        seed: u64,
    },
    /// Ends every misbehaviour.
    Clear,
}

/// What happens to an event on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It is sent this many times, each under another envelope id.
    Copies(u32),
    /// It is sent this many milliseconds late.
    LateMillis(u64),
    /// It is sent after the event that follows it.
    Swapped,
}

/// What is to go wrong next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plans {
    active: Vec<Mischief>,
}

/// Whether an optional selector admits a value.
fn admits(selector: Option<&String>, value: &str) -> bool {
    selector.is_none_or(|wanted| wanted == value)
}

impl Plans {
    pub(crate) fn add(&mut self, mischief: Mischief) {
        if let Mischief::PropertyFile { account, pipeline, file, .. } = &mischief {
            self.active.retain(|old| {
                !matches!(old, Mischief::PropertyFile { account: a, pipeline: p, file: f, .. }
                    if a == account && p == pipeline && f == file)
            });
        }
        self.active.push(mischief);
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    fn take(&mut self, wanted: impl Fn(&Mischief) -> bool) -> Option<Mischief> {
        let at = self.active.iter().position(wanted)?;
        Some(self.active.remove(at))
    }

    /// Whether the update of this endpoint rolls back, and with which reason.
    pub(crate) fn roll_back(&mut self, account: &str, name: &str) -> Option<Option<String>> {
        let found = self.take(|m| {
            matches!(m, Mischief::RollBackUpdate { account: a, endpoint, .. }
                if admits(a.as_ref(), account) && endpoint == name)
        });
        match found {
            Some(Mischief::RollBackUpdate { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// What AWS says to this call, if it is to be refused.
    pub(crate) fn refusal(&mut self, account: &str, called: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Mischief::RefuseCall { account: a, operation, .. }
                if admits(a.as_ref(), account) && operation == called)
        });
        match found {
            Some(Mischief::RefuseCall { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// Why the creation of this endpoint fails, if it does.
    pub(crate) fn endpoint_creation(&mut self, account: &str, name: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Mischief::FailEndpointCreation { account: a, endpoint, .. }
                if admits(a.as_ref(), account) && endpoint == name)
        });
        match found {
            Some(Mischief::FailEndpointCreation { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next training job of this pipeline fails, if it does.
    pub(crate) fn training(&mut self, account: &str, of: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Mischief::FailTraining { account: a, pipeline, .. }
                if admits(a.as_ref(), account) && admits(pipeline.as_ref(), of))
        });
        match found {
            Some(Mischief::FailTraining { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next processing job of this pipeline fails, if it does.
    pub(crate) fn processing(&mut self, account: &str, of: &str, at: &str) -> Option<String> {
        let found = self.take(|m| {
            matches!(m, Mischief::FailProcessing { account: a, pipeline, step, .. }
                if admits(a.as_ref(), account) && admits(pipeline.as_ref(), of) && admits(step.as_ref(), at))
        });
        match found {
            Some(Mischief::FailProcessing { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Why the next update of this component fails, and whether it ends `Failed`.
    pub(crate) fn component_update(&mut self, account: &str, name: &str) -> Option<(String, bool)> {
        let found = self.take(|m| {
            matches!(m, Mischief::FailComponentUpdate { account: a, component, .. }
                if admits(a.as_ref(), account) && component == name)
        });
        match found {
            Some(Mischief::FailComponentUpdate { reason, failed, .. }) => Some((reason, failed)),
            _ => None,
        }
    }

    /// Whether the next version of this group fails.
    pub(crate) fn package(&mut self, account: &str, name: &str) -> bool {
        let found = self.take(|m| {
            matches!(m, Mischief::FailPackage { account: a, group }
                if admits(a.as_ref(), account) && group == name)
        });
        found.is_some()
    }

    /// The status and message with which a container answers, if one of `names` is broken.
    pub(crate) fn container(&self, account: &str, names: &[&str]) -> Option<(u16, String)> {
        self.active.iter().find_map(|m| match m {
            Mischief::ContainerError { account: a, target, status, message }
                if admits(a.as_ref(), account) && names.contains(&target.as_str()) =>
            {
                Some((*status, message.clone()))
            }
            _ => None,
        })
    }

    /// What a property file contains, if somebody said so. The most particular wins, then the latest.
    pub(crate) fn property_file(&self, account: &str, of: &str, name: &str) -> Option<Value> {
        let mut found: Option<(u8, &Value)> = None;
        for mischief in &self.active {
            if let Mischief::PropertyFile { account: a, pipeline, file, content } = mischief
                && file == name
                && admits(a.as_ref(), account)
                && admits(pipeline.as_ref(), of)
            {
                let rank = u8::from(a.is_some()) + u8::from(pipeline.is_some());
                if found.is_none_or(|(best, _)| rank >= best) {
                    found = Some((rank, content));
                }
            }
        }
        found.map(|(_, content)| content.clone())
    }

    /// What happens to this event, if anything.
    pub(crate) fn fate(&mut self, event: &Event) -> Option<Fate> {
        let at = self.active.iter().position(|m| {
            matches!(m, Mischief::Events { account, detail_type, .. }
                if admits(account.as_ref(), &event.account) && admits(detail_type.as_ref(), &event.detail_type))
        })?;
        let (fate, used_up) = match self.active.get_mut(at) {
            Some(Mischief::Events { times, fate, .. }) => {
                *times = times.map(|n| n.saturating_sub(1));
                (*fate, *times == Some(0))
            }
            _ => return None,
        };
        if used_up {
            self.active.remove(at);
        }
        Some(fate)
    }
}
