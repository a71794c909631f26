//! Faults of models, endpoints and inference components that concern their start.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultPlan, admits};

/// How a request is answered while the container still loads its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlowAnswer {
    /// `ModelError`: the container did not answer within 60 seconds.
    TimedOut,
    /// `ModelError`: the container answered with status 503.
    Unavailable,
    /// `ModelNotReadyException`.
    NotReady,
    /// `ValidationError`: the inference component has no capacity.
    NoCapacity,
}

impl FaultPlan {
    /// For how many reads a new resource with this name is not visible.
    pub(crate) fn not_visible(&mut self, account: &str, name: &str) -> Option<u32> {
        let at = self.active.iter().position(|fault| {
            matches!(fault, Fault::NotVisible { account: a, name: n, .. }
                if admits(a.as_ref(), account) && admits(n.as_ref(), name))
        })?;
        let (reads, used_up) = match self.active.get_mut(at) {
            Some(Fault::NotVisible { reads, times, .. }) => {
                *times = times.map(|n| n.saturating_sub(1));
                (*reads, *times == Some(0))
            }
            _ => return None,
        };
        if used_up {
            self.active.remove(at);
        }
        Some(reads)
    }

    /// The keys without which an organization lets nothing be created in this account.
    pub(crate) fn required_tags(&self, account: &str) -> impl Iterator<Item = &str> {
        self.active.iter().filter_map(move |fault| match fault {
            Fault::TagRequired { account: a, key } if admits(a.as_ref(), account) => Some(key.as_str()),
            _ => None,
        })
    }

    /// How often the tag of this image was moved.
    pub(crate) fn tag_moves(&self, image: &str) -> usize {
        let moved = |fault: &&Fault| matches!(fault, Fault::MoveImageTag { image: of } if of == image);
        self.active.iter().filter(moved).count()
    }

    /// Whether the container of this endpoint or component does not start now.
    pub(crate) fn never_starts(&mut self, account: &str, name: &str) -> bool {
        let found = self.take(|fault| {
            matches!(fault, Fault::ContainerNeverStarts { account: a, target }
                if admits(a.as_ref(), account) && target == name)
        });
        found.is_some()
    }

    /// How a container answers that is still loading, and for how many seconds after `InService`.
    pub(crate) fn slow_start(&self, account: &str, names: &[&str]) -> Option<(SlowAnswer, i64)> {
        self.active.iter().find_map(|fault| match fault {
            Fault::SlowStart { account: a, target, answer, seconds }
                if admits(a.as_ref(), account) && names.contains(&target.as_str()) =>
            {
                Some((*answer, *seconds))
            }
            _ => None,
        })
    }
}
