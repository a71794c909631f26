//! Time: what is due is done, in order, until the next step.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_events::{Event, parse_value};
use tidegate_functions::{is_forwarded, targets};
use tidegate_world::Emission;

use crate::book::Book;
use crate::check::{Checker, Violation};
use crate::invoke::Slow;
use crate::place::Where;
use crate::post;
use crate::stage::Stage;
use crate::step::{Post, Step};
use crate::tale::Tale;
use crate::tally::Tally;

/// How long EventBridge takes, in seconds.
const LATENCY: i64 = 1;

/// A history that is being played.
pub(crate) struct Drive {
    pub(crate) stage: Stage,
    pub(crate) book: Book,
    pub(crate) checker: Checker,
    pub(crate) tally: Tally,
    pub(crate) tale: Tale,
    pub(crate) slow: Vec<Slow>,
    pub(crate) violation: Option<Violation>,
    pub(crate) pushes: usize,
    pub(crate) edits: usize,
    /// What people have changed without Tidegate.
    pub(crate) by_hand: BTreeSet<(Where, String)>,
}

impl Drive {
    pub(crate) fn new(stage: Stage, tale: Tale) -> Self {
        Self {
            checker: Checker::new(),
            stage,
            book: Book::default(),
            tally: Tally::default(),
            tale,
            slow: Vec::new(),
            violation: None,
            pushes: 0,
            edits: 0,
            by_hand: BTreeSet::new(),
        }
    }

    /// Plays a step: first everything that is due before it.
    pub(crate) fn play(&mut self, step: &Step, beginning: Timestamp) {
        let seconds = i64::try_from(step.at).unwrap_or(i64::MAX);
        let at = beginning.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        self.until(at);
        if self.violation.is_some() {
            return;
        }
        self.age();
        self.tally.steps += 1;
        let came = self.act(&step.what);
        let now = self.stage.now();
        if let Some(words) = came {
            self.tale.say(now, || words);
        }
        self.look();
        self.breathe();
    }

    /// The ledgers forget what is old.
    fn age(&self) {
        for post in &self.stage.posts {
            post.ledger.expire_claims(self.stage.clock(post.place));
        }
    }

    /// Lives on until then.
    pub(crate) fn until(&mut self, to: Timestamp) {
        while self.violation.is_none() {
            let next = [self.next(), self.stage.office.next_expiry()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= to) else { break };
            self.pass(next.max(self.stage.now()));
            self.deliver();
        }
        if self.violation.is_none() {
            self.pass(to.max(self.stage.now()));
        }
    }

    /// When something happens next by itself.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let slow = self.slow.iter().map(|slow| slow.until).min();
        let wakes = self.stage.posts.iter().flat_map(|post| post.account.schedules());
        let wake = wakes.map(|wake| wake.at).min();
        [self.stage.cloud.next_due(), self.stage.office.next(), slow, wake].into_iter().flatten().min()
    }

    /// Lets time pass, and posts what AWS tells.
    fn pass(&mut self, to: Timestamp) {
        for emission in self.stage.cloud.advance(to) {
            let Emission::Event(event) = emission else { continue };
            let Some(place) = Where::of_account(&event.account) else { continue };
            let id = format!("aws-{}", self.stage.office.number());
            let json = json!({"version": "0", "id": id, "source": event.source, "region": event.region,
                "detail-type": event.detail_type, "account": event.account, "time": event.time,
                "resources": event.resources, "detail": event.detail});
            if let Ok(read) = parse_value(json.clone()) {
                self.route(place, &read, &json, event.copies);
            }
        }
        for at in 0..self.stage.posts.len() {
            let Some(post) = self.stage.posts.get(at) else { continue };
            let (place, due) = (post.place, post.account.take_due());
            for wake in due {
                if let Ok(event) = parse_value(wake.input) {
                    self.wake(place, &event);
                }
            }
        }
    }

    /// A one-time schedule fires.
    fn wake(&mut self, place: Where, event: &Event) {
        for function in self.targets(place, event) {
            self.post(place, function, &Arc::new(event.clone()), None);
        }
    }

    /// Somebody looks into the dead-letter queues before anything is lost.
    fn empty_queues(&mut self) {
        let now = self.stage.now();
        if self.stage.office.next_expiry().is_some_and(|expiry| expiry <= now) {
            let back = self.stage.office.redrive(now, |_| true);
            self.tale.say(now, || format!("{back} dead letter(s) are sent back before they expire"));
        }
    }

    /// Delivers all that is due now, and lets the slow go on whose time has come.
    fn deliver(&mut self) {
        self.empty_queues();
        while self.violation.is_none() {
            let now = self.stage.now();
            if let Some(at) = self.slow.iter().position(|slow| slow.until <= now) {
                let slow = self.slow.remove(at);
                self.go_on(slow);
            } else if let Some(parcel) = self.stage.office.take(now) {
                self.invoke(parcel);
            } else {
                break;
            }
            self.look();
            self.breathe();
        }
    }

    /// No two things happen in the same millisecond: AWS's and our times go no finer.
    fn breathe(&mut self) {
        let soon = self.stage.now().checked_add(SignedDuration::from_millis(1)).unwrap_or(self.stage.now());
        self.pass(soon);
    }

    /// Posts an event that was told on a bus, in so many copies, to whom its rules name.
    pub(crate) fn route(&mut self, bus: Where, event: &Event, json: &Value, copies: u32) {
        let topic = post::topic(&event.body);
        self.stage.office.archive.push(post::Told { at: self.stage.now(), bus, json: json.clone() });
        let fate = self.stage.office.fate(topic);
        if let Some(fate) = fate {
            self.tally.post(fate, post::may_be_lost(&event.envelope.source));
            if fate == Post::Lost && post::may_be_lost(&event.envelope.source) {
                let now = self.stage.now();
                self.tale.say(now, || format!("  lost by AWS: {}", event.envelope.detail_type));
                return;
            }
        }
        let mut buses = vec![bus];
        buses.extend(self.forwarded_to(bus, event));
        for bus in buses {
            for function in self.targets(bus, event) {
                for copy in 0..copies {
                    // Each copy has an id of its own.
                    let mut told = event.clone();
                    if copy > 0 {
                        told.envelope.id = format!("{}-{copy}", told.envelope.id);
                    }
                    self.post(bus, function, &Arc::new(told), fate);
                }
            }
        }
    }

    /// The functions that get an event at a place.
    pub(crate) fn targets(&self, place: Where, event: &Event) -> Vec<&'static str> {
        let site = self.stage.post(place).map(|post| post.site());
        site.into_iter().flat_map(|site| targets(event, site)).map(|function| function.name).collect()
    }

    /// The other accounts' buses to which an event is forwarded.
    fn forwarded_to(&self, bus: Where, event: &Event) -> Vec<Where> {
        let Some(from) = self.stage.post(bus) else { return Vec::new() };
        let posts = self.stage.posts.iter().filter(|to| is_forwarded(event, from.site(), to.site()));
        posts.map(|to| to.place).collect()
    }

    /// Hands an event to Lambda's queue.
    pub(crate) fn post(
        &mut self,
        place: Where,
        function: &'static str,
        event: &Arc<Event>,
        fate: Option<Post>,
    ) {
        let fate = fate.or_else(|| {
            let fate = self.stage.office.fate(post::topic(&event.body)).filter(|fate| *fate != Post::Lost);
            fate.inspect(|fate| self.tally.post(*fate, false))
        });
        let now = self.stage.now();
        let after =
            |seconds: i64| now.checked_add(SignedDuration::from_secs(LATENCY + seconds)).unwrap_or(now);
        let office = &mut self.stage.office;
        match fate {
            None | Some(Post::Lost) => office.address(after(0), place, function, event),
            Some(Post::Late(seconds)) => office.address(after(i64::from(seconds)), place, function, event),
            Some(Post::Again(seconds)) => {
                office.address(after(0), place, function, event);
                office.address(after(i64::from(seconds)), place, function, event);
            }
            Some(Post::Times(times)) => {
                for _ in 0..times.max(1) {
                    office.address(after(0), place, function, event);
                }
            }
        }
    }

    /// Posts what the functions have put on their buses.
    pub(crate) fn collect(&mut self) {
        for place in Where::ALL {
            let published = self.stage.post(place).map(|post| post.account.take_published());
            for event in published.unwrap_or_default() {
                self.book.published(place, &event);
                if event.detail_type != tidegate_events::DECISION_RECORDED {
                    self.publish(place, &event.detail_type, &event.detail);
                }
            }
        }
    }

    /// The checker looks at everything that happened since it looked last.
    pub(crate) fn look(&mut self) {
        self.collect();
        if self.violation.is_none() {
            self.violation = self.checker.look(&self.stage, &mut self.book);
        }
    }
}
