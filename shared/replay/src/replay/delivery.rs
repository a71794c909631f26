//! Delivers the effects of an invocation: events on the buses, schedules, and endpoints that come into service.

use std::sync::Arc;

use tidegate_events::{Body, Event};
use tidegate_functions::{is_forwarded, targets};
use tidegate_testkit::Effect;

use super::own_events::contract_event;
use super::simulation::Simulation;
use super::timeline::Pending;

impl Simulation {
    /// Adds the effects of an invocation at a site to the timeline, and schedules the sweep's checks of what it
    /// changed.
    pub(super) fn collect(&mut self, index: usize) {
        let Some(stack) = self.stacks.get(index) else { return };
        for key in stack.ledger().take_changed_states() {
            self.schedule_after_change(index, &key.function, &key.model);
        }
        let Some(stack) = self.stacks.get(index) else { return };
        for effect in stack.aws.take_effects() {
            match effect {
                Effect::Notified => self.counted.messages += 1,
                Effect::Wake { name, at, input } => {
                    self.timeline.put(at.max(self.now), index, Pending::Wake { name, input });
                }
                Effect::Settles { endpoint, at } => {
                    self.timeline.put(at, index, Pending::Settles { endpoint });
                }
                Effect::Published { detail_type, detail } => {
                    let from = self.stacks.get(index).map(|stack| stack.site());
                    match from.map(|from| contract_event(from, detail_type, &detail, self.now)) {
                        Some(Ok(event)) => self.publish(index, event),
                        Some(Err(error)) => self.count_unreadable(&error),
                        None => {}
                    }
                }
            }
        }
    }

    /// Delivers an event of a function at every site where a function receives it.
    fn publish(&mut self, from: usize, event: Event) {
        let event = Arc::new(event);
        for to in 0..self.stacks.len() {
            if self.reaches(&event, from, to) {
                self.timeline.put(self.now, to, Pending::Event(Arc::clone(&event)));
            }
        }
    }

    /// Whether an event of the stream arrives at a site. People's commands are forwarded between the buses. The
    /// functions' events are not, because the functions send them in the replay again.
    pub(super) fn arrives(&self, event: &Event, index: usize) -> bool {
        let envelope = &event.envelope;
        match &event.body {
            Body::HoldPlaced(_) | Body::HoldReleased(_) | Body::RetrainingRequested(_) => {
                let is_sender = |from: &usize| {
                    self.stacks.get(*from).is_some_and(|stack| stack.site().account == envelope.account)
                };
                (0..self.stacks.len()).filter(is_sender).any(|from| self.reaches(event, from, index))
            }
            _ => self.stacks.get(index).is_some_and(|stack| {
                let site = stack.site();
                site.account == envelope.account && site.region == envelope.region
            }),
        }
    }

    /// Whether an event on one site's bus reaches a function of another site, or of the same one.
    fn reaches(&self, event: &Event, from: usize, to: usize) -> bool {
        let (Some(sender), Some(receiver)) = (self.stacks.get(from), self.stacks.get(to)) else {
            return false;
        };
        let (sender, receiver) = (sender.site(), receiver.site());
        let is_there = from == to || is_forwarded(event, sender, receiver);
        is_there && targets(event, receiver).next().is_some()
    }
}
